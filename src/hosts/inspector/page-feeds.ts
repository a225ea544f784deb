/**
 * All pages that are open: their feeds, the pulse of live runs, and the last word when the supervisor goes.
 *
 * P1. While no page is open there is no timer, no subscription and no read.
 * P2. A page that is open keeps the supervisor from leaving by itself, as any client does.
 * P3. A session that is over ends its sockets.
 * P4. A pulse goes along with what is told anyway: every message of its own costs the supervisor as much as a commit. What took none
 *     between two beats is sent one alone.
 */
import type { WebSocket } from 'ws';
import type { SupervisorFace } from '../rpc/rpc-face.ts';
import { watchedIn } from './feed-batch.ts';
import { FeedHub } from './feed-hub.ts';
import { createFeedSource, type FeedSource } from './feed-source.ts';
import { PageFeed } from './page-feed.ts';
import type { PageSessions } from './page-sessions.ts';
import { CLOSE, openPageSocket, type PageSocket } from './page-socket.ts';
import { PULSE_MS, type ProjectFacts, type Pulse, type ServerMessage } from './protocol.ts';

/** Pages at a time; the next is refused. */
const PAGES_MAX = 32;

export type PageFeedsParts = {
  readonly face: SupervisorFace;
  readonly sessions: PageSessions;
  readonly project: () => ProjectFacts;
  /** Ms since 1970. */
  readonly now: () => number;
  readonly log: (error: unknown) => void;
  /** Default HELLO_MS. */
  readonly helloMs?: number;
  /** Default PULSE_MS. */
  readonly pulseMs?: number;
};

type OpenPage = { readonly socket: PageSocket; readonly feed: PageFeed; expiresAt: number };

export class PageFeeds {
  readonly #parts: PageFeedsParts;
  readonly #pages = new Set<OpenPage>();
  readonly #ending = new AbortController();
  readonly #source: FeedSource;
  readonly #hub: FeedHub;
  #pulse: NodeJS.Timeout | null = null;
  /** P4. */
  #isPulseDue = false;

  constructor(parts: PageFeedsParts) {
    this.#parts = parts;
    this.#source = createFeedSource(parts.face, this.#ending.signal);
    const takePulse = (): Pulse | null => {
      if (!this.#isPulseDue) return null;
      this.#isPulseDue = false;
      return this.#pulseNow();
    };
    this.#hub = new FeedHub({ face: parts.face, source: this.#source, takePulse, log: parts.log });
  }

  accept(socket: WebSocket): void {
    const { sessions, helloMs, project, log } = this.#parts;
    const opened = openPageSocket(socket, {
      sessions,
      ...(helloMs === undefined ? {} : { helloMs }),
      onHello: ({ session, fields }) => {
        page.expiresAt = session.expiresAt;
        const after = Number.isSafeInteger(fields['after']) ? (fields['after'] as number) : null;
        const watched = watchedIn(fields['watch'] ?? null);
        if (watched === undefined) return opened.close(CLOSE.badMessage, 'not understood');
        page.feed.watch(watched);
        void page.feed.begin(after);
      },
      onOther: (fields) => {
        const watched = fields['type'] === 'watch' ? watchedIn(fields['watch']) : undefined;
        if (watched !== undefined) page.feed.watch(watched);
        return watched !== undefined;
      },
    });
    const feed = new PageFeed(opened, {
      hub: this.#hub,
      source: this.#source,
      project,
      // Without live runs there is nothing that a page could miss until the next beat.
      pulse: () => (this.#source.pulse().length === 0 ? null : this.#pulseText()),
      log,
    });
    const page: OpenPage = { socket: opened, feed, expiresAt: Infinity };
    if (this.#pages.size >= PAGES_MAX) return opened.close(CLOSE.tooMany, 'too many pages');
    this.#pages.add(page);
    this.#pulse ??= setInterval(() => this.#beat(), this.#parts.pulseMs ?? PULSE_MS);
    void opened.closed.then(() => this.#forget(page));
  }

  /** Tells every page, and resolves when all have gone. */
  async stop(): Promise<void> {
    this.#ending.abort();
    for (const { socket, feed } of this.#pages) {
      feed.end();
      void socket.send(JSON.stringify({ type: 'stopping' } satisfies ServerMessage));
      socket.close(CLOSE.going, 'stopping');
    }
    if (this.#pulse !== null) clearInterval(this.#pulse);
    await Promise.all([...this.#pages].map(({ socket }) => socket.closed));
  }

  #beat(): void {
    const { face, now } = this.#parts;
    face.idle.touch();
    const text = this.#isPulseDue ? this.#pulseText() : null;
    this.#isPulseDue = true;
    for (const { socket, feed, expiresAt } of this.#pages) {
      if (now() >= expiresAt) socket.close(CLOSE.noSession, 'the session is over');
      else if (text !== null) feed.sendLive(text);
    }
  }

  #pulseNow(): Pulse {
    return { at: this.#parts.now(), runs: this.#source.pulse() };
  }

  #pulseText(): string {
    return JSON.stringify({ type: 'pulse', ...this.#pulseNow() } satisfies ServerMessage);
  }

  #forget(page: OpenPage): void {
    this.#pages.delete(page);
    this.#parts.face.idle.touch();
    if (this.#pages.size > 0 || this.#pulse === null) return;
    clearInterval(this.#pulse);
    this.#pulse = null;
  }
}
