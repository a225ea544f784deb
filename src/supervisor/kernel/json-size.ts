/** How large a value is as JSON text, without making the text. */

/** Bytes, within a few per cent for what messages hold; exact for nothing. Undefined fields count as absent. */
export function jsonSize(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 6;
  let size = 2;
  if (Array.isArray(value)) {
    for (const item of value) size += jsonSize(item) + 1;
    return size;
  }
  for (const key in value) {
    const field = (value as Readonly<Record<string, unknown>>)[key];
    if (field !== undefined) size += key.length + 4 + jsonSize(field);
  }
  return size;
}
