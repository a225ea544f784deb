/** The supervision tree. */
import { Empty } from '../../design/notes.tsx';

export const TreeView = () => <Empty title="Supervision" />;
