/** Which transitions of each machine the generated tests took. */
import { Empty } from '../../design/notes.tsx';

export const CoverageView = () => <Empty title="Machines" />;
