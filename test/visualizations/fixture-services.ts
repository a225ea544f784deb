/** The supervision tree of the made-up project. */
export const fixtureServices = (now: number): unknown => ({ supervisor: null, now });
