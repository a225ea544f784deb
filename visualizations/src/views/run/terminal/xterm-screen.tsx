/** A terminal to look at: @xterm/xterm, loaded when it is first shown, without a keyboard. */
import { useEffect, useRef } from 'react';
import { Terminal } from '@xterm/xterm';
import '@xterm/xterm/css/xterm.css';
import './terminal.css';

/** Lines kept above the screen. */
const SCROLLBACK = 5_000;
/** The picture of a terminal is dark in both themes, as its programs expect. */
const THEME = {
  background: '#0e1116',
  foreground: '#e6edf3',
  cursor: '#e6edf3',
  selectionBackground: '#3b5f8f',
  // The usual dark ones can hardly be read on this ground.
  red: '#ff7b72',
  green: '#56d364',
  yellow: '#e3b341',
  blue: '#388bfd',
  magenta: '#d2a8ff',
  cyan: '#56d4dd',
  brightBlack: '#8b949e',
};

export type ScreenHandle = {
  readonly write: (data: string | Uint8Array) => void;
  readonly resize: (cols: number, rows: number) => void;
  readonly reset: () => void;
};

/** `onReady` is called once per terminal; what it returns ends with it. */
export const XtermScreen = ({
  label,
  onReady,
}: {
  readonly label: string;
  readonly onReady: (screen: ScreenHandle) => () => void;
}) => {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (box.current === null) return undefined;
    const terminal = new Terminal({
      disableStdin: true,
      scrollback: SCROLLBACK,
      screenReaderMode: true,
      fontSize: 13,
      fontFamily: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
      theme: THEME,
      // Links of a terminal's text lead where a model says; they stay text.
      linkHandler: { activate: () => undefined },
    });
    terminal.open(box.current);
    const end = onReady({
      write: (data) => {
        terminal.write(data);
      },
      resize: (cols, rows) => {
        terminal.resize(cols, rows);
      },
      reset: () => {
        terminal.reset();
      },
    });
    return () => {
      end();
      terminal.dispose();
    };
  }, [onReady]);
  return (
    <div className="terminal-box" role="region" tabIndex={0} aria-label={label}>
      <div ref={box} />
    </div>
  );
};
