/** What a view says instead of content: nothing there, on its way, went wrong. Each says what to do. */
import type { ReactNode } from 'react';
import { Button } from './button.tsx';

/** There is nothing; `children` says what to do about it. */
export const Empty = ({ title, children }: { readonly title: string; readonly children?: ReactNode }) => (
  <div className="empty">
    <p className="empty-title">{title}</p>
    {children === undefined ? null : <div className="muted">{children}</div>}
  </div>
);

/** It is on its way; appears only when that takes long enough to wonder. */
export const Loading = ({ what }: { readonly what: string }) => (
  <p className="loading muted" role="status">
    Reading {what}…
  </p>
);

type ErrorNoteProps = {
  /** What did not work, as a sentence without its end: `The diff cannot be read`. */
  readonly title: string;
  readonly error: Error | null;
  readonly onRetry?: () => void;
};

/** It went wrong: what, why, and a way to try again. */
export const ErrorNote = ({ title, error, onRetry }: ErrorNoteProps) => (
  <div className="error-note" role="alert">
    <p>
      <strong>{title}</strong>
      {error === null ? null : <bdi>: {error.message}</bdi>}
    </p>
    {onRetry === undefined ? null : <Button onPress={onRetry}>Try again</Button>}
  </div>
);
