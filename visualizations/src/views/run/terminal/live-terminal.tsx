/** The terminal of a run as it is now, read-only, over a socket of its own. */
import { useCallback, useState } from 'react';
import {
  API,
  type SocketHello,
  type TerminalHello,
  type TerminalMessage,
} from '../../../../../src/hosts/inspector/protocol.ts';
import type { Nobody } from '../../../connection/greeting.ts';
import { openPageSocket } from '../../../connection/page-socket.ts';
import { Button } from '../../../design/button.tsx';
import { XtermScreen, type ScreenHandle } from './xterm-screen.tsx';

const ENDS: Readonly<Record<Nobody, string>> = {
  silent: 'the connection is closed',
  stranger: 'what answers at this address is not the supervisor of this page',
  over: 'the session is over',
};

const openTerminal = (runId: string, screen: ScreenHandle, onEnd: (reason: string) => void): (() => void) => {
  let isWanted = true;
  const socket = openPageSocket(API.terminal, {
    hello: (): Omit<TerminalHello, keyof SocketHello> => ({ runId }),
    open: () => undefined,
    message: (data) => {
      if (typeof data !== 'string') {
        screen.write(new Uint8Array(data));
        return;
      }
      const message = JSON.parse(data) as TerminalMessage;
      if (message.type === 'size') screen.resize(message.cols, message.rows);
      else if (message.type === 'end' && isWanted) onEnd(message.reason);
    },
    close: (why) => {
      if (isWanted) onEnd(ENDS[why]);
    },
  });
  return () => {
    isWanted = false;
    socket.close();
  };
};

export const LiveTerminal = ({ runId }: { readonly runId: string }) => {
  const [ended, setEnded] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const onReady = useCallback(
    (screen: ScreenHandle) =>
      // The first reason says why; the close that follows says nothing more.
      openTerminal(runId, screen, (reason) => {
        setEnded((known) => known ?? reason);
      }),
    [runId],
  );
  return (
    <div>
      <div className="terminal-tools" role="status">
        {ended === null ? (
          <span className="small muted">Live, read-only.</span>
        ) : (
          <>
            <span>Nothing more comes: {ended}.</span>
            <Button
              onPress={() => {
                setEnded(null);
                setRound(round + 1);
              }}
            >
              Connect again
            </Button>
          </>
        )}
      </div>
      <XtermScreen key={round} label="Terminal of the run" onReady={onReady} />
    </div>
  );
};
