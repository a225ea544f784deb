/** One line of what the agent says of itself, marked as its words. Longer texts stand in a ModelText. */
import { SafeText } from './model-text.tsx';

export const Said = ({ text }: { readonly text: string }) => (
  <span className="said" title="written by the agent">
    <span className="visually-hidden">The agent: </span>
    <SafeText text={text} />
  </span>
);
