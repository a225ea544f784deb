/**
 * Entry of the store's threads: one writes batches; others checkpoint the log or copy the database.
 *
 * Protocol: `{id, do, …}` in, `{id, result}` or `{id, error}` out, in the order asked.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { openSqliteWriter, type WriterData, type WriterTask } from './sqlite-writer.ts';

export type ThreadReply = { readonly id: number; readonly result?: unknown; readonly error?: unknown };

const perform = openSqliteWriter(workerData as WriterData);
const port = parentPort!;
port.on('message', ({ id, ...task }: { id: number } & WriterTask) => {
  perform(task as WriterTask).then(
    (result) => port.postMessage({ id, result } satisfies ThreadReply),
    (error: unknown) => port.postMessage({ id, error } satisfies ThreadReply),
  );
});
