/**
 * Text that somebody else wrote, as plain text that cannot pass for a part of the page.
 *
 * M1. It is never HTML, cannot turn the direction of what stands around it, and hides no character.
 * M2. A long text is cut, says so, and more of it can be seen.
 */
import { memo, useState, type ReactNode } from 'react';
import { Button } from './button.tsx';
import { formatCount } from './format.ts';
import { cutText, visiblePieces } from './visible-text.ts';

/** Characters that a title or a line in a list shows unless it says otherwise; the whole is in the view of the thing itself. */
const LINE_MAX = 300;
/** Characters shown at first, and how many times as many with each press of the button. */
const FIRST_MAX = 1_200;
const MORE_TIMES = 16;

const rendered = (text: string): ReactNode[] =>
  visiblePieces(text).map((piece, index) =>
    piece.kind === 'text' ? (
      piece.text
    ) : (
      // Pieces have no other name than their place, and a text is drawn anew as a whole.
      // oxlint-disable-next-line react/no-array-index-key
      <span key={index} className="control-sign" title={piece.name}>
        {piece.sign}
      </span>
    ),
  );

/** One line: titles, names, reasons. */
export const SafeText = memo(({ text, max = LINE_MAX }: { readonly text: string; readonly max?: number }) => {
  const shown = cutText(text, max);
  return (
    <bdi className="safe-text">
      {rendered(shown)}
      {shown.length < text.length ? '…' : null}
    </bdi>
  );
});
SafeText.displayName = 'SafeText';

type ModelTextProps = {
  readonly text: string;
  /** Who wrote it, as the box says. Default: the agent. */
  readonly author?: string;
  /** Text of a program: line ends and columns are kept, in a fixed-width face. */
  readonly isCode?: boolean;
};

/** A marked box around a text that a model or a program wrote. */
export const ModelText = ({ text, author = 'the agent', isCode = false }: ModelTextProps) => {
  const [max, setMax] = useState(FIRST_MAX);
  const shown = cutText(text, max);
  return (
    <figure className="model-text">
      <figcaption>written by {author}</figcaption>
      <div className={isCode ? 'model-body model-code' : 'model-body'} dir="auto">
        {rendered(shown)}
      </div>
      {shown.length < text.length ? (
        <p className="model-more">
          <span className="muted">
            {formatCount(shown.length)} of {formatCount(text.length)} characters
          </span>
          <Button
            kind="quiet"
            onPress={() => {
              setMax(max * MORE_TIMES);
            }}
          >
            Show more
          </Button>
        </p>
      ) : null}
    </figure>
  );
};
