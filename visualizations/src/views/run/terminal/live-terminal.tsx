/** The terminal of a run as it is now, read-only, over a socket of its own. */
import { useCallback, useState } from 'react';
import { API, type TerminalHello, type TerminalMessage } from '../../../../../src/hosts/inspector/protocol.ts';
import { sessionSecret } from '../../../connection/session.ts';
import { Button } from '../../../design/button.tsx';
import { XtermScreen, type ScreenHandle } from './xterm-screen.tsx';

const address = (): string => {
  const url = new URL(API.terminal, globalThis.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
};

const openTerminal = (runId: string, screen: ScreenHandle, onEnd: (reason: string) => void): (() => void) => {
  const socket = new WebSocket(address());
  let isWanted = true;
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => {
    const hello: TerminalHello = { type: 'hello', session: sessionSecret() ?? '', runId };
    socket.send(JSON.stringify(hello));
  });
  socket.addEventListener('message', ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (typeof data !== 'string') {
      screen.write(new Uint8Array(data));
      return;
    }
    const message = JSON.parse(data) as TerminalMessage;
    if (message.type === 'size') screen.resize(message.cols, message.rows);
    else if (isWanted) onEnd(message.reason);
  });
  socket.addEventListener('close', () => {
    if (isWanted) onEnd('the connection is closed');
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
