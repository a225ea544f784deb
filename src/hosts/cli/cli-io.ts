/**
 * The world as the command line sees it: two outputs, one input, signals, a clock. Tests hand in their own.
 */

export interface CliOutput {
  readonly isTerminal: boolean;
  /** Width in cells and height in lines; 80 and 24 where nobody knows. */
  readonly columns: number;
  readonly rows: number;
  write(data: string | Uint8Array): void;
  /** Resolves when everything written has left this process. */
  flush(): Promise<void>;
  /** @returns stops listening. */
  onResize(listener: () => void): () => void;
}

export interface CliInput {
  readonly isTerminal: boolean;
  /** All of it as text; for `-`. */
  readAll(): Promise<string>;
  /** One line without its end; null at the end of the input. */
  readLine(): Promise<string | null>;
  /** Single bytes as they are typed, the terminal in raw mode. @returns ends raw mode and stops listening. */
  readKeys(listener: (bytes: Uint8Array) => void): () => void;
}

export type CliSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

export interface CliIo {
  readonly stdout: CliOutput;
  readonly stderr: CliOutput;
  readonly stdin: CliInput;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Ms since the Unix epoch. */
  now(): number;
  /** @returns cancels. */
  after(ms: number, run: () => void): () => void;
  /** While anybody listens, the signal does not end the process. @returns stops listening. */
  onSignal(signal: CliSignal, listener: () => void): () => void;
}
