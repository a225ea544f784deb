/** Random names from the system's own source, without what `node:crypto` weighs. */
import { closeSync, openSync, readSync } from 'node:fs';
import { nodeCrypto } from '../../supervisor/processes/node-crypto.ts';

/** @returns two hexadecimal digits a byte. */
export const randomHex = (bytes: number): string => {
  const buffer = Buffer.alloc(bytes);
  try {
    const source = openSync('/dev/urandom', 'r');
    try {
      if (readSync(source, buffer, 0, bytes, null) === bytes) return buffer.toString('hex');
    } finally {
      closeSync(source);
    }
  } catch {
    // A container may lack it.
  }
  return nodeCrypto().randomBytes(bytes).toString('hex');
};
