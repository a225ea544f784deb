/**
 * The programs that the build bundles into `dist/programs/`, in one table.
 *
 * A bundle loads in a third of the time and memory of the same code in separate modules, and can be copied to a runtime directory
 * that `npm ci` does not empty. What a bundle may contain is asserted in `test/programs.test.ts`.
 */

/** One program, or one worker thread's entry: a thread of a bundled program needs a file of its own. */
export type Program = {
  /** Name of the file without its ending. */
  readonly name: string;
  /**
   * `cjs` for what is started often or stays: an ES module that imports a module of Node copies all its exports, which loads streams,
   * ciphers and protocols that nobody asked for, 7 ms of processor time a start of a runner and 10 MB of a supervisor. Such a program
   * has no `await` outside of functions. Else `mjs`.
   */
  readonly ending: 'mjs' | 'cjs';
  /** Source file, from the root of the project. */
  readonly entry: string;
  /** Packages that stay outside, because they load a native or a worker file from their own folder. */
  readonly external: readonly string[];
  /** `true`: what is imported on demand becomes a file of its own. `false`: one file holds everything. */
  readonly split: boolean;
  /** Names of these files, where a program is split. */
  readonly chunks: string;
  /** The oldest Node that must be able to parse it. */
  readonly target: 'node16' | 'node22';
  /** A missing entry fails the build. */
  readonly required: boolean;
  /** Started by its name, so it gets the executable bit. */
  readonly executable: boolean;
};

/** What the build writes to `<name>.modules.json`: which sources each file of a program is made of. */
export type ProgramModules = {
  readonly program: string;
  readonly chunks: readonly {
    /** Path below the programs folder. */
    readonly file: string;
    readonly isEntry: boolean;
    /** Chunks, packages and built-in modules that are loaded before this chunk runs. */
    readonly imports: readonly string[];
    /** The same, loaded on demand. */
    readonly dynamicImports: readonly string[];
    /** Source files, from the root of the project. */
    readonly modules: readonly string[];
    readonly bytes: number;
  }[];
};

/** Where the programs go, below the output directory. */
export const programsFolder = 'programs';

const outside = ['node-pty', 'piscina'];
const program = {
  external: outside,
  split: false,
  chunks: 'chunks/[name]-[hash].mjs',
  ending: 'mjs',
  target: 'node22',
  required: false,
  executable: false,
} as const;

/** Every program, launcher first. */
export const programs: readonly Program[] = [
  {
    ...program,
    name: 'conductor',
    entry: 'src/hosts/launcher/conductor.ts',
    split: true,
    target: 'node16',
    required: true,
    executable: true,
  },
  { ...program, name: 'cli', entry: 'src/main/cli.ts', split: true },
  {
    ...program,
    name: 'supervisor',
    entry: 'src/main/supervisor.ts',
    // The inspector's server is what it may never need: parsed with the rest it cost every supervisor 20 MB.
    split: true,
    ending: 'cjs',
    // Beside the program: threads and helpers are found from where the code lies that starts them.
    chunks: 'supervisor-[name]-[hash].cjs',
  },
  { ...program, name: 'runner', ending: 'cjs', entry: 'src/main/runner.ts' },
  { ...program, name: 'child', ending: 'cjs', entry: 'src/main/child.ts' },
  { ...program, name: 'sqlite-writer-thread', ending: 'cjs', entry: 'src/persistence/sqlite-writer-thread.ts' },
  { ...program, name: 'starter-program', ending: 'cjs', entry: 'src/supervisor/processes/starter-program.ts' },
  { ...program, name: 'layout-program', entry: 'src/operations/charts/layout-program.ts' },
  { ...program, name: 'hash-worker', ending: 'cjs', entry: 'src/supervisor/hash-worker.ts' },
];
