/** A press that does something. What goes somewhere is a Link. */
import type { ReactNode } from 'react';

type ButtonProps = {
  readonly children: ReactNode;
  readonly onPress: () => void;
  readonly kind?: 'plain' | 'primary' | 'danger' | 'quiet';
  readonly isDisabled?: boolean;
  /** For a button that shows a sign only. */
  readonly label?: string;
  /** For a button that switches something on and off. */
  readonly isPressed?: boolean;
  /** For a button that shows and hides something. */
  readonly isExpanded?: boolean;
};

export const Button = ({ children, onPress, kind = 'plain', isDisabled = false, ...rest }: ButtonProps) => (
  <button
    type="button"
    className={`button button-${kind}`}
    onClick={onPress}
    disabled={isDisabled}
    aria-label={rest.label}
    title={rest.label}
    aria-pressed={rest.isPressed}
    aria-expanded={rest.isExpanded}
  >
    {children}
  </button>
);
