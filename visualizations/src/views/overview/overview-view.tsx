/** The project at a glance. */
import { Empty } from '../../design/notes.tsx';

export const OverviewView = ({ objectiveId }: { readonly objectiveId: string | null }) => (
  <Empty title={objectiveId ?? 'Overview'} />
);
