/** A worker as people name it: by its name, by its id, or by the beginning of that. */
import { ConductorError } from '../../../machines/errors.ts';
import type { WorkerItem } from '../../../operations/read-models/item-schemas.ts';
import type { CommandContext } from '../command-definition.ts';
import type { ConductorPort } from '../conductor-port.ts';
import { listPage, resolvePrefix } from '../operation-calls.ts';
import { oneLine } from '../output/text-width.ts';
import { needKind } from './id-arguments.ts';

const PAGE_MAX = 100;
/** Pause between two looks at a worktree that is being changed, in ms. */
const LOOK_MS = 100;
const CHANGING: readonly string[] = ['creating', 'recovering', 'cleaning'];

/** Workers, those without a worktree too, until `enough` says that the one is found. */
export const findWorkers = async (
  port: ConductorPort,
  params: Readonly<Record<string, unknown>>,
  enough: (worker: WorkerItem) => boolean = () => false,
): Promise<readonly WorkerItem[]> => {
  const found: WorkerItem[] = [];
  let after: string | null = null;
  do {
    const page: { readonly items: WorkerItem[]; readonly nextCursor: string | null } = await listPage<WorkerItem>(
      port,
      'worker',
      { ...params, limit: PAGE_MAX, ...(after === null ? {} : { after }) },
    );
    found.push(...page.items);
    after = page.items.some(enough) ? null : page.nextCursor;
  } while (after !== null);
  return found;
};

/** The newest of that name counts: names are unique among those that have a worktree. */
export const workerIdOf = async (port: ConductorPort, text: string): Promise<string> => {
  const isNamed = ({ name }: WorkerItem): boolean => name === text;
  const named = (await findWorkers(port, { includeArchived: true }, isNamed)).find(isNamed);
  if (named !== undefined) return named.workerId;
  if (/^worker-[0-9a-z]+$/.test(text)) return needKind(await resolvePrefix(port, text), 'worker');
  throw new ConductorError('not_found', `there is no worker ${oneLine(text)}; conductor workers lists them`, {
    details: { worker: text },
  });
};

/** @returns the worker when nothing is being changed about its worktree any more. */
export const settledWorker = async (
  { io }: Pick<CommandContext, 'io'>,
  port: ConductorPort,
  workerId: string,
): Promise<WorkerItem> => {
  for (;;) {
    const { worker } = (await port.call('conductor_get_worker', { workerId })).details as {
      readonly worker: WorkerItem;
    };
    if (!CHANGING.includes(worker.state)) return worker;
    await new Promise<void>((resolve) => void io.after(LOOK_MS, resolve));
  }
};
