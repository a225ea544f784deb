/** Reads stretches of what a run printed and of its recording. */
import { API, LOG_HEADERS } from '../../../../../src/hosts/inspector/protocol.ts';
import { request } from '../../../connection/api.ts';
import { PIECE_BYTES } from './log-source.ts';
import type { RunPiece } from './run-pieces.ts';

/** `from` < 0 counts from the end. @throws ApiFailure */
export async function readPiece(what: 'log' | 'recording', runId: string, from: number): Promise<RunPiece> {
  const query = new URLSearchParams({ runId, from: String(from), max: String(PIECE_BYTES) });
  const response = await request(`${API[what]}?${query.toString()}`);
  const bytes = new Uint8Array(await response.arrayBuffer());
  const start = Number(response.headers.get(LOG_HEADERS.from) ?? 0);
  const to = start + bytes.length;
  return { from: start, to, size: Number(response.headers.get(LOG_HEADERS.size) ?? to), bytes };
}
