/** Light or dark: the system's choice until somebody chooses here. The only thing that the page keeps for longer than a tab. */
import { useSyncExternalStore } from 'react';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

const STORED = 'conductor.theme';
const listeners = new Set<() => void>();
let theme: Theme = 'system';

const apply = (): void => {
  const { dataset } = globalThis.document.documentElement;
  if (theme === 'system') delete dataset['theme'];
  else dataset['theme'] = theme;
};

export const startTheme = (): void => {
  const stored = globalThis.localStorage.getItem(STORED);
  theme = THEMES.find((known) => known === stored) ?? 'system';
  apply();
};

/** System, light, dark, and round again. */
export const nextTheme = (): void => {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  globalThis.localStorage.setItem(STORED, theme);
  apply();
  for (const listener of listeners) listener();
};

export const useTheme = (): Theme =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => theme,
  );
