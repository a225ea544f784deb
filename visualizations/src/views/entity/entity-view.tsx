/** A thing as the statechart it is. */
import { Empty } from '../../design/notes.tsx';

export const EntityView = ({ id }: { readonly id: string }) => <Empty title={id} />;
export const MachineView = ({ machine }: { readonly machine: string }) => <Empty title={machine} />;
