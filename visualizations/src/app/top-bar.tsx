/** The line on top of every view: which project, how it stands, where to go. */
import { useMemo } from 'react';
import { useFeed, useItems, useProject } from '../connection/use-conductor.ts';
import type { Connection } from '../connection/feed.ts';
import { Button } from '../design/button.tsx';
import { headlineOf, headlineText, type Headline } from './headline.ts';
import { Link } from './link.tsx';
import type { Route, RouteView } from './route.ts';
import { nextTheme, useTheme } from './theme.ts';
import { useRoute } from './use-route.ts';

type Place = { readonly view: RouteView; readonly title: string; readonly within: readonly RouteView[] };
const PLACES: readonly Place[] = [
  { view: 'overview', title: 'Overview', within: ['overview', 'objective', 'entity', 'run'] },
  { view: 'gates', title: 'Gates', within: ['gates', 'gate'] },
  { view: 'tree', title: 'Supervision', within: ['tree'] },
  { view: 'coverage', title: 'Machines', within: ['coverage', 'machine'] },
];

const CONNECTION_WORDS: Readonly<Record<Connection, string>> = {
  connecting: 'connecting…',
  live: 'live',
  reconnecting: 'reconnecting…',
  away: 'the supervisor is away',
  stranger: 'not Conductor any more',
  ended: 'the session is over',
};

const ConnectionMark = () => {
  const connection = useFeed((view) => view.connection);
  return (
    <span className={`connection connection-${connection}`} role="status">
      <span className="connection-dot" aria-hidden="true" />
      <span>
        {CONNECTION_WORDS[connection]}
        {connection === 'away' ? <span className="connection-more">; reconnecting</span> : null}
      </span>
    </span>
  );
};

const isHere = (route: Route, place: Place): boolean => place.within.includes(route.view);

const Navigation = ({ waiting }: { readonly waiting: number }) => {
  const route = useRoute();
  return (
    <nav className="places" aria-label="Views">
      {PLACES.map((place) => (
        <Link
          key={place.view}
          to={{ view: place.view }}
          className="place"
          aria-current={isHere(route, place) ? 'page' : undefined}
        >
          {place.title}
          {place.view === 'gates' && waiting > 0 ? (
            <span className="place-count">
              {waiting}
              <span className="visually-hidden"> open</span>
            </span>
          ) : null}
        </Link>
      ))}
    </nav>
  );
};

/** How the project stands at the moment that is shown. */
export const useHeadline = (): Headline => {
  const items = useItems();
  const omittedDone = useFeed((view) => view.omittedDone);
  return useMemo(() => headlineOf(items, omittedDone), [items, omittedDone]);
};

export const TopBar = ({ onHelp }: { readonly onHelp: () => void }) => {
  const project = useProject();
  const headline = useHeadline();
  const theme = useTheme();
  return (
    <header className="top-bar">
      <div className="top-line">
        <Link to={{ view: 'overview' }} className="project" title={project?.repoRoot}>
          <bdi>{project?.name ?? 'Conductor'}</bdi>
        </Link>
        <p className="headline">{headlineText(headline)}</p>
        <div className="top-end">
          <ConnectionMark />
          <Button kind="quiet" onPress={nextTheme} label={`Theme: ${theme}. Change it`}>
            {{ system: '◐', light: '☀', dark: '☾' }[theme]}
          </Button>
          <Button kind="quiet" onPress={onHelp} label="Keys">
            ?
          </Button>
        </div>
      </div>
      <Navigation waiting={headline.waiting} />
    </header>
  );
};
