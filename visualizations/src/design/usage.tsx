/** What processes use of a processor and of memory. What is not known is a dash, never a nought. */
import { formatBytes, formatPercent } from './format.ts';

export type UsageFigures = { readonly memoryBytes: number | null; readonly cpuPercent: number | null };

/** `of` null: nothing is known, such as in a moment that is over. */
export const Usage = ({ of }: { readonly of: UsageFigures | null }) => {
  const { memoryBytes = null, cpuPercent = null } = of ?? {};
  return (
    <span className="usage small muted">
      {cpuPercent === null ? null : <span>{formatPercent(cpuPercent)} CPU</span>}
      {memoryBytes === null ? null : <span>{formatBytes(memoryBytes)}</span>}
      {cpuPercent === null && memoryBytes === null ? (
        <span title="Usage is known of what runs now only">
          <span className="visually-hidden">usage not known </span>—
        </span>
      ) : null}
    </span>
  );
};
