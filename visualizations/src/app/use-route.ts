/**
 * The address bar as a store: views read the route, `navigate` changes it.
 *
 * A step in time replaces the entry of the browser's history; a move to another place adds one.
 */
import { useSyncExternalStore } from 'react';
import { parseRoute, routeHref, type Route, type RouteView } from './route.ts';

let read = '';
let current: Route = parseRoute('');

/** The route now; the same object until the address changes. */
export const currentRoute = (): Route => {
  const { hash } = globalThis.location;
  if (hash !== read) {
    read = hash;
    current = parseRoute(hash);
  }
  return current;
};

/** Calls back on every change of the address. Returns how to stop. */
export const onRoute = (listener: () => void): (() => void) => {
  globalThis.addEventListener('hashchange', listener);
  return () => {
    globalThis.removeEventListener('hashchange', listener);
  };
};

export const useRoute = (): Route => useSyncExternalStore(onRoute, currentRoute);

/** What a link or a key names: the moment stays unless `seq` is given, other parameters do not. */
export type Target = {
  readonly view: RouteView;
  readonly id?: string;
  readonly seq?: number | null;
  readonly query?: Readonly<Record<string, string>>;
};

export const targetHref = (target: Target, from: Route): string =>
  routeHref({
    view: target.view,
    id: target.id ?? '',
    seq: target.seq === undefined ? from.seq : target.seq,
    query: target.query ?? {},
  });

export const navigate = (target: Target): void => {
  globalThis.location.hash = targetHref(target, currentRoute());
};

/** Changes the address without an entry in the browser's history. */
export const replaceRoute = (route: Route): void => {
  const href = routeHref(route);
  if (href === globalThis.location.hash) return;
  globalThis.history.replaceState(null, '', href);
  globalThis.dispatchEvent(new HashChangeEvent('hashchange'));
};

/** Sets one parameter of the place shown (null takes it away), such as the tab. */
export const setQuery = (name: string, value: string | null): void => {
  const route = currentRoute();
  const rest = Object.fromEntries(Object.entries(route.query).filter(([key]) => key !== name));
  replaceRoute({ ...route, query: value === null ? rest : { ...rest, [name]: value } });
};
