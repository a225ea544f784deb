/**
 * What is used of node-pty. The package is optional and is missing wherever it could not be compiled: its own types are then
 * missing too, and the project must build all the same.
 */
declare module 'node-pty' {
  export type Pty = {
    readonly pid: number;
    /** With `encoding: null` data are Buffers. */
    onData(take: (data: Buffer) => void): void;
    onExit(take: (exit: { readonly exitCode: number; readonly signal?: number }) => void): void;
    write(data: string | Buffer): void;
    resize(cols: number, rows: number): void;
    kill(signal?: string): void;
  };
  export function spawn(
    file: string,
    args: readonly string[],
    options: {
      readonly name: string;
      readonly cols: number;
      readonly rows: number;
      readonly cwd: string;
      readonly env: Readonly<Record<string, string | undefined>>;
      readonly encoding: null;
    },
  ): Pty;
}
