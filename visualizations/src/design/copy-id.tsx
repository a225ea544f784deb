/** An id that a press copies, for use in a terminal. */
import { useEffect, useState } from 'react';

/** How long «copied» stands, in ms. */
const SAID_MS = 1_500;

export const CopyId = ({ id }: { readonly id: string }) => {
  const [said, setSaid] = useState<'copied' | 'not copied' | null>(null);
  useEffect(() => {
    if (said === null) return undefined;
    const timer = setTimeout(() => {
      setSaid(null);
    }, SAID_MS);
    return () => {
      clearTimeout(timer);
    };
  }, [said]);
  const copy = async (): Promise<void> => {
    try {
      await globalThis.navigator.clipboard.writeText(id);
      setSaid('copied');
    } catch {
      // The browser refuses when the page is not in front; the id can still be selected.
      setSaid('not copied');
    }
  };
  return (
    <span className="copy-id">
      <button type="button" className="copy-button mono" onClick={() => void copy()} title="Copy">
        {id}
      </button>
      <span role="status" className="small muted">
        {said}
      </span>
    </span>
  );
};
