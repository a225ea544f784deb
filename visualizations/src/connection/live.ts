/** The page's one feed and its one window to the past, wired to the browser. */
import { API } from '../../../src/hosts/inspector/protocol.ts';
import type { Overview } from '../../../src/operations/read-models/overview.ts';
import { currentRoute, onRoute } from '../app/use-route.ts';
import { call } from './api.ts';
import { createFeed, type Feed, type FeedPorts } from './feed.ts';
import { createPast, type Past } from './past.ts';
import { checkSession, sessionSecret } from './session.ts';

/** A hidden tab has no frames; it is brought up to date this often, in ms. */
const HIDDEN_MS = 500;

const nextFrame = (run: () => void): void => {
  if (globalThis.document.visibilityState === 'hidden') setTimeout(run, HIDDEN_MS);
  else requestAnimationFrame(run);
};

const open: FeedPorts['open'] = (on) => {
  const address = new URL(API.feed, globalThis.location.href);
  address.protocol = 'ws:';
  address.hash = '';
  const socket = new WebSocket(address);
  socket.addEventListener('open', on.open);
  socket.addEventListener('close', on.close);
  socket.addEventListener('message', ({ data }) => {
    on.message(String(data));
  });
  return {
    send: (text) => {
      socket.send(text);
    },
    close: () => {
      socket.close();
    },
  };
};

export const feed: Feed = createFeed({
  open,
  session: sessionSecret,
  checkSession,
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
