/** What waits for a person. */
import { Empty } from '../../design/notes.tsx';

export const GatesView = ({ gateId }: { readonly gateId: string | null }) => <Empty title={gateId ?? 'Gates'} />;
