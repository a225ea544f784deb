/** A part of a view under a heading of its own. */
import { useId, type ReactNode } from 'react';

type PanelProps = {
  readonly title: ReactNode;
  /** Beside the heading: a count, a state. */
  readonly aside?: ReactNode;
  /** At the end of the heading's line: buttons, links. */
  readonly actions?: ReactNode;
  readonly children?: ReactNode;
  /** The body touches the border: lists and charts. */
  readonly isFlush?: boolean;
};

export const Panel = ({ title, aside, actions, children, isFlush = false }: PanelProps) => {
  const id = useId();
  return (
    <section className="panel" aria-labelledby={id}>
      <header className="panel-head">
        <h2 id={id}>{title}</h2>
        {aside}
        {actions === undefined ? null : <div className="panel-actions">{actions}</div>}
      </header>
      {children === undefined ? null : <div className={isFlush ? 'panel-flush' : 'panel-body'}>{children}</div>}
    </section>
  );
};
