/** Fields of things whose kind is not known here. */

/** The first of these fields that holds a text; empty when none does. */
export const firstText = (item: Readonly<Record<string, unknown>>, names: readonly string[]): string => {
  for (const name of names) {
    const value = item[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return '';
};
