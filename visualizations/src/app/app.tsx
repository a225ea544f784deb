/** The page as a whole: the inspector when there is a session, else what to do to get one. */
import { useEffect } from 'react';
import { startLive } from '../connection/live.ts';
import { useFeed, useSession } from '../connection/use-conductor.ts';
import { DoorPage } from './door-page.tsx';
import { Shell } from './shell.tsx';

export const App = () => {
  const session = useSession();
  const hasEnded = useFeed(({ connection }) => connection === 'ended');
  const isOpen = session.kind === 'open';
  useEffect(() => {
    if (isOpen) startLive();
  }, [isOpen]);
  if (session.kind === 'open' && !hasEnded) return <Shell />;
  return <DoorPage kind={session.kind === 'open' ? 'expired' : session.kind} />;
};
