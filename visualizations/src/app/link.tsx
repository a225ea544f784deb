/** A link to another place of the page; it keeps the moment that is shown. */
import type { AnchorHTMLAttributes } from 'react';
import { targetHref, useRoute, type Target } from './use-route.ts';

type LinkProps = Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'> & {
  readonly to: Target;
  /** Part of the lists that `j` and `k` step through. */
  readonly row?: boolean;
};

export const Link = ({ to, row = false, children, ...rest }: LinkProps) => {
  const route = useRoute();
  return (
    <a {...rest} href={targetHref(to, route)} {...(row ? { 'data-nav': '' } : {})}>
      {children}
    </a>
  );
};
