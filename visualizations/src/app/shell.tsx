/**
 * What stands around every view: top bar, scrubber, keys, and the care for focus and title when the page moves.
 *
 * H1. After a move the focus is on the new view, so that keys and screen readers go on there.
 */
import { Suspense, useEffect, useRef, useState } from 'react';
import { useName, usePast, useProject } from '../connection/use-conductor.ts';
import { StillTime } from '../design/clock.ts';
import { Loading } from '../design/notes.tsx';
import { Scrubber } from '../moment/scrubber.tsx';
import { ErrorBoundary } from './error-boundary.tsx';
import { headlineText } from './headline.ts';
import { KeysHelp } from './keys-help.tsx';
import { listenForKeys, useKeys } from './keys.ts';
import { MomentBanner } from './moment-banner.tsx';
import { placeKey } from './route.ts';
import { SilenceBanner } from './silence-banner.tsx';
import { focusRow, focusSearch } from './row-focus.ts';
import { nextTheme } from './theme.ts';
import { TopBar, useHeadline } from './top-bar.tsx';
import { navigate, useRoute } from './use-route.ts';
import { routeTitle, ViewOf } from './views.tsx';

const useShellKeys = (onHelp: () => void): void => {
  useEffect(listenForKeys, []);
  useKeys([
    { keys: 'g o', label: 'Go to the overview', run: () => navigate({ view: 'overview' }) },
    { keys: 'g g', label: 'Go to the gates', run: () => navigate({ view: 'gates' }) },
    { keys: 'g t', label: 'Go to the supervision tree', run: () => navigate({ view: 'tree' }) },
    { keys: 'g m', label: 'Go to the machines', run: () => navigate({ view: 'coverage' }) },
    { keys: 'j', label: 'Next row', run: () => focusRow(1) },
    { keys: 'k', label: 'Row before', run: () => focusRow(-1) },
    { keys: '/', label: 'Search in this view', run: focusSearch },
    { keys: 't', label: 'Change the theme', run: nextTheme },
    { keys: '?', label: 'Show the keys', run: onHelp },
  ]);
};

/** Focus follows a move, but not the first picture of the page and not a step in time. */
const useArrival = (place: string, title: string) => {
  const main = useRef<HTMLElement>(null);
  const shown = useRef(place);
  const headline = useHeadline();
  const project = useProject()?.name ?? 'Conductor';
  useEffect(() => {
    const mark = headline.waiting > 0 ? `(${String(headline.waiting)}) ` : '';
    globalThis.document.title = `${mark}${title} · ${project} · Conductor`;
  }, [headline.waiting, title, project]);
  useEffect(() => {
    if (shown.current === place) return;
    shown.current = place;
    main.current?.focus({ preventScroll: true });
    globalThis.scrollTo({ top: 0 });
  }, [place]);
  return { main, headline };
};

export const Shell = () => {
  const route = useRoute();
  const { moment, isPending } = usePast();
  const [isHelpShown, setHelpShown] = useState(false);
  const place = placeKey(route);
  const title = routeTitle(route, useName(route.id));
  const { main, headline } = useArrival(place, title);
  useShellKeys(() => {
    setHelpShown(true);
  });
  const toMain = (): void => {
    main.current?.focus();
  };
  return (
    <StillTime value={route.seq === null ? null : (moment?.at ?? null)}>
      <button type="button" className="skip-link" onClick={toMain}>
        Skip to the view
      </button>
      <TopBar
        onHelp={() => {
          setHelpShown(true);
        }}
      />
      <SilenceBanner />
      <MomentBanner />
      <main
        ref={main}
        tabIndex={-1}
        className={route.seq === null ? 'view' : 'view view-past'}
        aria-label={`${title}: ${headlineText(headline)}`}
        aria-busy={isPending}
      >
        <ErrorBoundary key={place}>
          <Suspense fallback={<Loading what="this view" />}>
            <ViewOf route={route} />
          </Suspense>
        </ErrorBoundary>
      </main>
      <footer className="scrub-bar" aria-label="Time travel">
        <ErrorBoundary>
          <Suspense fallback={null}>
            <Scrubber />
          </Suspense>
        </ErrorBoundary>
      </footer>
      {isHelpShown ? (
        <KeysHelp
          onClose={() => {
            setHelpShown(false);
          }}
        />
      ) : null}
    </StillTime>
  );
};
