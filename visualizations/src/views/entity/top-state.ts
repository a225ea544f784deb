/** Of what a snapshot is in, the outermost state: what a badge says. */
export const topState = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'object' && value !== null ? (Object.keys(value)[0] ?? '') : '';
