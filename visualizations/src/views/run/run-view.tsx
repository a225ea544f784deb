/** One run: what it prints and what it left. */
import { Empty } from '../../design/notes.tsx';

export const RunView = ({ runId }: { readonly runId: string }) => <Empty title={runId} />;
