/** The page's one feed and its one window to the past, wired to the browser. */
import { API, type ClientHello, type SocketHello } from '../../../src/hosts/inspector/protocol.ts';
import type { Overview } from '../../../src/operations/read-models/overview.ts';
import { currentRoute, onRoute } from '../app/use-route.ts';
import { call } from './api.ts';
import { createFeed, type Feed, type FeedPorts } from './feed.ts';
import { createPast, type Past } from './past.ts';
import { openPageSocket } from './page-socket.ts';
import { forgetPass } from './session.ts';

/** A hidden tab has no frames; it is brought up to date this often, in ms. */
const HIDDEN_MS = 500;

const nextFrame = (run: () => void): void => {
  if (globalThis.document.visibilityState === 'hidden') setTimeout(run, HIDDEN_MS);
  else requestAnimationFrame(run);
};

const open: FeedPorts['open'] = (hello, on) =>
  openPageSocket(API.feed, {
    hello: (): Omit<ClientHello, keyof SocketHello> => hello(),
    open: on.open,
    message: (data) => {
      if (typeof data === 'string') on.message(data);
    },
    close: (why) => {
      // The one socket that always stands: without it nobody knows who listens at this address.
      forgetPass();
      on.close(why);
    },
  });

export const feed: Feed = createFeed({
  open,
  after: (ms, run) => {
    setTimeout(run, ms);
  },
  nextFrame,
});

export const past: Past = createPast(async (seq) => call<Overview>('conductor_get_overview', { seq }));

const followRoute = (): void => {
  past.want(currentRoute().seq);
};

/** Called once, when there is a session. */
export const startLive = (): void => {
  feed.start();
  onRoute(followRoute);
  followRoute();
};
