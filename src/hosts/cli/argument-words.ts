/**
 * Sorts the words of a command line before commander sees them: what is the program's own, what comes after the first `--`, what stands
 * before the command's name.
 */

export type ArgumentWords = {
  /** `--json`, `--repo`, `--help`, `--version` that stand before the command. */
  readonly global: readonly string[];
  readonly command: string | null;
  readonly words: readonly string[];
  /** The words after the first `--`; null when there is none. */
  readonly program: readonly string[] | null;
};

/** Commander would drop the `--` and mix what follows with its own words. */
export const sortWords = (argv: readonly string[]): ArgumentWords => {
  const cut = argv.indexOf('--');
  const own = cut < 0 ? argv : argv.slice(0, cut);
  const program = cut < 0 ? null : argv.slice(cut + 1);
  let index = 0;
  while (index < own.length && own[index]!.startsWith('-') && own[index] !== '-') {
    index += own[index] === '--repo' ? 2 : 1;
  }
  return {
    global: own.slice(0, index),
    command: own[index] ?? null,
    words: own.slice(index + 1),
    program,
  };
};
