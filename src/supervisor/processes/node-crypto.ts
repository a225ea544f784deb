/**
 * `node:crypto` for code that runners hold too: loaded by whoever first needs it. It costs a process 1 MB and 5 ms, and most runners
 * never need it.
 */
import type * as Crypto from 'node:crypto';

export const nodeCrypto = (): typeof Crypto => process.getBuiltinModule('node:crypto');
