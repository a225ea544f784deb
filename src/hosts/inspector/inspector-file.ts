/**
 * `inspector.json` in the home of a project: where the inspector listens and what it signs sessions with, kept so that open pages go
 * on after the supervisor was restarted.
 *
 * I1. For this user alone: a file that others could read is not believed, and a new key ends every session.
 */
import { randomBytes } from 'node:crypto';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeWholeFile } from '../../persistence/whole-file.ts';

/** `key`: 64 hexadecimal digits. */
export type InspectorFile = { readonly port: number; readonly key: string };

const OTHERS = 0o077;
const KEY_BYTES = 32;
const PORT_MAX = 65_535;

export const inspectorFilePath = (projectHome: string): string => join(projectHome, 'inspector.json');

/** Null when there is none, or none that counts. */
export const readInspectorFile = (projectHome: string): InspectorFile | null => {
  const path = inspectorFilePath(projectHome);
  try {
    const found = lstatSync(path);
    if (!found.isFile() || (found.mode & OTHERS) !== 0 || found.uid !== process.geteuid?.()) return null;
    const { port, key } = JSON.parse(readFileSync(path, 'utf8')) as Partial<InspectorFile>;
    const isWhole = isPort(port) && typeof key === 'string' && /^[0-9a-f]{64}$/.test(key);
    return isWhole ? { port, key } : null;
  } catch {
    // Absent or broken: a new one costs open pages a new link, nothing else.
    return null;
  }
};

export const writeInspectorFile = async (projectHome: string, { port, key }: InspectorFile): Promise<void> => {
  await writeWholeFile(inspectorFilePath(projectHome), `${JSON.stringify({ port, key })}\n`);
};

export const newInspectorKey = (): string => randomBytes(KEY_BYTES).toString('hex');

const isPort = (value: unknown): value is number =>
  Number.isInteger(value) && (value as number) > 0 && (value as number) <= PORT_MAX;
