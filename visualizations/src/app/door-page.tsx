/** What is seen without a session: why, and the command that gives one. */
import { useEffect } from 'react';

type DoorKind = 'opening' | 'none' | 'expired';

const WORDS: Readonly<Record<DoorKind, { readonly title: string; readonly text: string }>> = {
  opening: { title: 'Opening the inspector', text: 'Asking the supervisor for a session.' },
  none: {
    title: 'This page needs a link',
    text: 'The inspector opens with a link that counts once and for two minutes. A page that is loaded anew while its supervisor is away needs a new one.',
  },
  expired: {
    title: 'This link or session is over',
    text: 'A link counts once and for two minutes; a session ends with its tab, or when the supervisor forgets it.',
  },
};

export const DoorPage = ({ kind }: { readonly kind: DoorKind }) => {
  const { title, text } = WORDS[kind];
  useEffect(() => {
    globalThis.document.title = `${title} · Conductor`;
  }, [title]);
  return (
    <main className="door">
      <h1>{title}</h1>
      <p className="muted">{text}</p>
      {kind === 'opening' ? null : (
        <p>
          Run <code className="door-command">conductor inspect</code> in a terminal, inside the repository, for a link.
        </p>
      )}
    </main>
  );
};
