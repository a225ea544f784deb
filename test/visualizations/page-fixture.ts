/** What a file of tests over the built page needs: opened before the first of them, closed after the last. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { openBrowser } from './browser.ts';
import type { FixtureMode } from './fixture-project.ts';
import { builtPage, startFixtureServer, type FixtureServer } from './fixture-server.ts';
import { openStage, type Stage } from './view-stage.ts';

type Closing = { readonly close: () => Promise<void> };
type Opened = { browser: Browser; folder: string };

/** @param open what else there is, by name; it gets the folder of the built page. */
const opened = <More extends Readonly<Record<string, Closing>>>(
  open: (folder: string) => Promise<More>,
): Opened & More => {
  const fixture: Partial<Opened> = {};
  const closing: (() => Promise<void> | void)[] = [];
  beforeAll(async () => {
    const built = await builtPage();
    closing.push(built.remove);
    const browser = await openBrowser();
    closing.push(async () => browser.close());
    const more = await open(built.folder);
    closing.push(...Object.values(more).map(({ close }) => close));
    Object.assign(fixture, { browser, folder: built.folder, ...more });
  });
  afterAll(async () => {
    for (const close of closing.toReversed()) await close();
  });
  return fixture as Opened & More;
};

/** With a server for each kind of made-up project, by its name. */
export const pageWithServers = <Mode extends FixtureMode>(
  ...modes: readonly Mode[]
): Opened & Record<Mode, FixtureServer> =>
  opened(async (folder) => {
    const servers = await Promise.all(modes.map((mode) => startFixtureServer({ folder, mode })));
    return Object.fromEntries(modes.map((mode, index) => [mode, servers[index]!])) as Record<Mode, FixtureServer>;
  });

/** Over real machines in memory. */
export const pageWithStage = (): Opened & { readonly stage: Stage } =>
  opened(async (folder) => ({ stage: await openStage(folder) }));
