/**
 * Where the page stands, as its address says it: `#/run/<id>?seq=12&tab=log`. Pure; the hash itself is read in use-route.ts.
 *
 * N1. Every address has a route: what is not known is the overview.
 * N2. A link keeps the moment unless it says another.
 */

export type RouteView =
  | 'overview'
  | 'objective'
  | 'entity'
  | 'run'
  | 'gates'
  | 'gate'
  | 'tree'
  | 'coverage'
  | 'machine';

export type Route = {
  readonly view: RouteView;
  /** What the view shows: an id or a machine's name; empty for views of the whole project. */
  readonly id: string;
  /** The moment; null = now. */
  readonly seq: number | null;
  /** Everything else after `?`, such as `tab`. */
  readonly query: Readonly<Record<string, string>>;
};

const WITH_ID: readonly string[] = ['objective', 'entity', 'run', 'gate', 'machine'];
const WITHOUT_ID: readonly string[] = ['gates', 'tree', 'coverage'];

const decoded = (part: string): string => {
  try {
    return decodeURIComponent(part);
  } catch {
    // A broken escape in an address that somebody typed: take it as it stands.
    return part;
  }
};

const placeOf = (path: string): Pick<Route, 'view' | 'id'> => {
  const [first = '', ...rest] = path.split('/').filter((part) => part !== '');
  if (WITHOUT_ID.includes(first)) return { view: first as RouteView, id: '' };
  const id = decoded(rest.join('/'));
  if (WITH_ID.includes(first) && id !== '') return { view: first as RouteView, id };
  return { view: 'overview', id: '' };
};

/** Reads `#/…`, with or without the `#`. */
export const parseRoute = (hash: string): Route => {
  const [path = '', search = ''] = hash.replace(/^#/, '').split('?', 2);
  const all = Object.fromEntries(new URLSearchParams(search));
  const { seq: wanted, ...query } = all;
  const seq = wanted !== undefined && /^\d{1,15}$/.test(wanted) ? Number(wanted) : null;
  return { ...placeOf(path), seq, query };
};

/** The address of a route, with `#`. */
export const routeHref = ({ view, id, seq, query }: Route): string => {
  const path = view === 'overview' ? '/' : `/${view}${id === '' ? '' : `/${encodeURIComponent(id)}`}`;
  const search = new URLSearchParams({ ...query, ...(seq === null ? {} : { seq: String(seq) }) }).toString();
  return `#${path}${search === '' ? '' : `?${search}`}`;
};

/** What is being looked at, without its moment and tabs: when it changes, the page has moved. */
export const placeKey = ({ view, id }: Route): string => `${view}/${id}`;
