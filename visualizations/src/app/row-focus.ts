/**
 * Steps of the keyboard through whatever a view lists: elements with `data-nav`, in the order of the document.
 *
 * A view marks its rows (`Link` does with `row`) and its search field (`data-search`), and knows nothing of keys.
 */

const rows = (): HTMLElement[] => [...globalThis.document.querySelectorAll<HTMLElement>('main [data-nav]')];

/** Focuses the row `step` away from the one that has the focus; from elsewhere the first, or the last when going back. */
export const focusRow = (step: 1 | -1): void => {
  const all = rows();
  const active = globalThis.document.activeElement;
  const here = all.findIndex((row) => row === active || row.contains(active));
  const next = here === -1 ? (step === 1 ? 0 : all.length - 1) : here + step;
  const row = all[next];
  row?.focus();
  row?.scrollIntoView({ block: 'nearest' });
};

export const focusSearch = (): void => {
  globalThis.document.querySelector<HTMLElement>('main [data-search]')?.focus();
};
