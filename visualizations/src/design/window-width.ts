/** Whether the window is as narrow as a phone's. */

const NARROW = '(max-width: 600px)';

/** Asked when a view is opened: turning a phone does not change what somebody chose. */
export const isNarrow = (): boolean => globalThis.matchMedia(NARROW).matches;
