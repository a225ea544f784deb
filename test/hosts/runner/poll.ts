/** Waiting for facts: looks until a condition holds, or says after a deadline what never came true. */
const LOOK_MS = 15;

export const until = async <Value>(
  what: string,
  look: () => Value | false | null | undefined | Promise<Value | false | null | undefined>,
  deadlineMs = 15_000,
): Promise<Value> => {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const value = await look();
    if (value !== false && value !== null && value !== undefined) return value;
    if (performance.now() > end) throw new Error(`within ${String(deadlineMs)} ms never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
};
