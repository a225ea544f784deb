/** The state of anything: shape, colour and name. */
import { memo } from 'react';
import { StateIcon } from './state-icon.tsx';
import { stateLook } from './state-looks.ts';

type StateBadgeProps = {
  readonly state: string;
  /** Only the shape is seen; the name stays for screen readers and as a tooltip. */
  readonly iconOnly?: boolean;
};

export const StateBadge = memo(({ state, iconOnly = false }: StateBadgeProps) => {
  const { tone, shape, label } = stateLook(state);
  return (
    <span className={`state tone-${tone}${iconOnly ? ' state-bare' : ''}`} title={iconOnly ? label : undefined}>
      <StateIcon shape={shape} />
      <span className={iconOnly ? 'visually-hidden' : 'state-name'}>{label}</span>
    </span>
  );
});
StateBadge.displayName = 'StateBadge';
