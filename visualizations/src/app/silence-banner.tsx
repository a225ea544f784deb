/** Says that nobody keeps this page up to date any more, and the command that leads to where the supervisor is now. */
import { useEffect, useState } from 'react';
import { isSilent } from '../connection/feed.ts';
import { useFeed, useProject } from '../connection/use-conductor.ts';

/** A supervisor that is started again is back sooner, in ms. */
const RESTART_MS = 8_000;

/** Whether it has lasted; what only began may be over in a moment. */
const useLasting = (holds: boolean, ms: number): boolean => {
  const [hasLasted, setLasted] = useState(false);
  useEffect(() => {
    if (!holds) return undefined;
    const timer = setTimeout(() => {
      setLasted(true);
    }, ms);
    return () => {
      clearTimeout(timer);
      setLasted(false);
    };
  }, [holds, ms]);
  return holds && hasLasted;
};

export const SilenceBanner = () => {
  const connection = useFeed((view) => view.connection);
  const root = useProject()?.repoRoot ?? null;
  const isLong = useLasting(isSilent(connection), RESTART_MS);
  if (!isLong && connection !== 'stranger') return null;
  return (
    <div className="silence-banner" role="alert">
      <p>
        <strong>Nothing of Conductor answers at this address any more.</strong>
        {connection === 'stranger' ? ' Something else does, and was told nothing.' : null} Run{' '}
        <code className="door-command">conductor inspect</code> for a new link, in a terminal
        {root === null ? ' inside the repository' : null}
        {root === null ? null : (
          <>
            {' in '}
            <code>{root}</code>
          </>
        )}
        . What you see is as it was told last; the page goes on by itself when its supervisor is back at this address.
      </p>
    </div>
  );
};
