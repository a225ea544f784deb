/**
 * A real supervisor of a scratch repository and a real browser that looks at it, for one file of tests.
 *
 * X1. Every request and socket of every page is noted, and so are dialogs and what scripts threw; `close` fails when one left the
 *     inspector's own origin, when a dialog was opened or when anything was thrown.
 */
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { DESKTOP, openBrowser } from '../../visualizations/browser.ts';
import { ProjectFixture } from '../project-fixture.ts';
import type { Entry } from '../project-items.ts';
import { askTerminalLink } from './terminal-link.ts';

/** An entry of the journal with its number and the states it went through. */
export type NumberedEntry = Entry & { readonly seq: number; readonly from: string | null };

type Noted = { readonly addresses: Set<string>; readonly troubles: string[] };

/** A hostile text that runs counts itself here. */
const HITS = 'globalThis.hits = 0;';

/** How long a chart may take to show what is committed, in ms; it hangs when it takes longer. */
const LIT_MS = 30_000;

const isOwn = (address: string, origin: string): boolean =>
  address.startsWith(`${origin}/`) ||
  address.startsWith(`${origin.replace('http:', 'ws:')}/`) ||
  address.startsWith('data:');

export class InspectorStage {
  readonly project: ProjectFixture;
  readonly #browser: Browser;
  readonly #noted: Noted = { addresses: new Set(), troubles: [] };
  readonly #contexts: BrowserContext[] = [];

  private constructor(project: ProjectFixture, browser: Browser) {
    this.project = project;
    this.#browser = browser;
  }

  static async open(options: { readonly files?: Readonly<Record<string, string>> } = {}): Promise<InspectorStage> {
    const [project, browser] = await Promise.all([ProjectFixture.make({ ...options, inspector: true }), openBrowser()]);
    await project.start();
    return new InspectorStage(project, browser);
  }

  /** `http://127.0.0.1:<port>` of the supervisor that runs now. */
  get origin(): string {
    return new URL(this.project.client.facts.inspector!).origin;
  }

  /** A page of a session of its own. @param hash where it begins, such as `#/gates`. */
  async page(hash = '#/', options: BrowserContextOptions = {}): Promise<Page> {
    const context = await this.#browser.newContext({ viewport: DESKTOP, reducedMotion: 'reduce', ...options });
    this.#contexts.push(context);
    await context.addInitScript(HITS);
    context.on('request', (request) => this.#noted.addresses.add(request.url()));
    context.on('dialog', (dialog) => {
      this.#noted.troubles.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    context.on('console', (message) => {
      if (message.text().includes('Content Security Policy')) this.#noted.troubles.push(message.text());
    });
    context.on('weberror', (error) => this.#noted.troubles.push(`error: ${error.error().message}`));
    context.on('page', (page) => {
      page.on('websocket', (socket) => this.#noted.addresses.add(socket.url()));
    });
    const page = await context.newPage();
    await page.goto(await askTerminalLink(this.project.client.facts.socket));
    await page.locator('.connection-live').waitFor();
    await goTo(page, hash);
    return page;
  }

  /** The whole journal of one thing, oldest first. */
  async journal(actor: string): Promise<readonly NumberedEntry[]> {
    const filter = { id: actor, limit: 100 };
    const { items } = await this.project.details<{ items: NumberedEntry[] }>('conductor_list_events', filter);
    return items;
  }

  /** X1. Ends the pages; the stage goes on. */
  async checkPages(): Promise<void> {
    const hits = await Promise.all(
      this.#contexts
        .flatMap((context) => context.pages())
        .map(async (page) => page.evaluate<number>('globalThis.hits')),
    );
    for (const context of this.#contexts.splice(0)) await context.close();
    const addresses = [...this.#noted.addresses];
    const troubles = this.#noted.troubles.splice(0);
    this.#noted.addresses.clear();
    expect(
      hits.filter((count) => count !== 0),
      'scripts that ran',
    ).toEqual([]);
    expect(
      addresses.filter((address) => !isOwn(address, this.origin)),
      'requests that left',
    ).toEqual([]);
    expect(addresses.length, 'requests that were noted').toBeGreaterThan(0);
    expect(troubles).toEqual([]);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.project.close();
  }
}

export const goTo = async (page: Page, hash: string): Promise<void> => {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
};

/** Below which state of its machine the chart lights one leaf, such as `running`; what is lit instead when it is not one. */
export const litState = async (page: Page): Promise<string> => {
  const leaves = await page.evaluate<string[]>(
    `[...document.querySelectorAll('.chart-atomic[data-active], .chart-final[data-active]')].map((leaf) => leaf.dataset.state)`,
  );
  const [state, ...others] = new Set(leaves.map((leaf) => leaf.split('.')[1] ?? leaf));
  return others.length === 0 ? (state ?? 'nothing') : leaves.join(' and ');
};

/** Waits until the chart lights this state and no other. */
export const isLit = async (page: Page, state: string): Promise<void> => {
  await expect.poll(async () => litState(page), { timeout: LIT_MS }).toBe(state);
};

/** Notes from now on every state that the chart lights, in order, also one that is lit for a single frame. */
export const watchLight = async (page: Page): Promise<() => Promise<readonly string[]>> => {
  await page.evaluate(`{
    globalThis.lit = [];
    const look = () => {
      const leaf = document.querySelector('.chart-atomic[data-active], .chart-final[data-active]');
      const state = leaf?.dataset.state.split('.')[1];
      if (state !== undefined && state !== globalThis.lit.at(-1)) globalThis.lit.push(state);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-active'] });
    look();
  }`);
  return async () => page.evaluate<string[]>('globalThis.lit');
};
