/** One check of `doctor`: what was looked at, what was found, and the way out. */

export type CheckState = 'ok' | 'warn' | 'FAIL';
export type Check = {
  readonly state: CheckState;
  /** What was looked at; stable, for programs. */
  readonly what: string;
  readonly fact: string;
  /** What to do; null when all is well. */
  readonly wayOut: string | null;
};

export const ok = (what: string, fact: string): Check => ({ state: 'ok', what, fact, wayOut: null });
export const warn = (what: string, fact: string, wayOut: string): Check => ({ state: 'warn', what, fact, wayOut });
export const fail = (what: string, fact: string, wayOut: string): Check => ({ state: 'FAIL', what, fact, wayOut });

/** A check that could not be made has failed: doctor itself always ends with its list. */
export const checked = async (what: string, check: () => Check | Promise<Check>): Promise<Check> => {
  try {
    return await check();
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return fail(what, text.split('\n')[0]!, 'see the message');
  }
};
