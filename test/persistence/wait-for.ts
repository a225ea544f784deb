/** Waits for facts, never for time: asks again until the answer is there or the deadline has passed. */
import { setTimeout as wait } from 'node:timers/promises';

/** @returns the first answer that is neither null, undefined nor false. @param deadlineMs Default 10 s. */
export const waitFor = async <Answer>(
  what: string,
  ask: () => Answer | null | undefined | false | Promise<Answer | null | undefined | false>,
  deadlineMs = 10_000,
): Promise<Answer> => {
  const end = Date.now() + deadlineMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null && answer !== undefined && answer !== false) return answer;
    if (Date.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain for ${what}.`);
    await wait(10);
  }
};
