/**
 * Keys of the page: who wants one registers it while shown, `?` lists them all.
 *
 * K1. Keys with Ctrl, Alt or Meta belong to the browser, keys in a field to the field, space and enter on a control to the control.
 * K2. The newest registration of the same keys wins; when it goes, the one before counts again.
 */
import { useEffect, useEffectEvent, useSyncExternalStore } from 'react';

export type KeyBinding = {
  /** `'j'`, `'?'`, `'space'`, or two in turn: `'g o'`. As `KeyboardEvent.key`, but `space`. */
  readonly keys: string;
  /** What it does, for the list of keys. */
  readonly label: string;
  readonly run: () => void;
};

/** How long the first of two keys waits for the second, in ms. */
const SEQUENCE_MS = 1_200;

let bindings: readonly KeyBinding[] = [];
const listeners = new Set<() => void>();
let first: { readonly key: string; readonly at: number } | null = null;

const changed = (next: readonly KeyBinding[]): void => {
  bindings = next;
  for (const listener of listeners) listener();
};

const belongsElsewhere = (event: KeyboardEvent): boolean => {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return true;
  const { target } = event;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.matches('input:not([type=range]), textarea, select')) return true;
  if (target.closest('dialog[open]') !== null) return true;
  const isPress = event.key === ' ' || event.key === 'Enter';
  return isPress && target.closest('button, a, summary, [role=tab]') !== null;
};

const find = (keys: string): KeyBinding | undefined => bindings.findLast((binding) => binding.keys === keys);

const onKey = (event: KeyboardEvent): void => {
  if (belongsElsewhere(event)) return;
  const key = event.key === ' ' ? 'space' : event.key;
  const isSecond = first !== null && event.timeStamp - first.at < SEQUENCE_MS;
  const binding = (isSecond ? find(`${first?.key ?? ''} ${key}`) : undefined) ?? find(key);
  first = binding === undefined ? { key, at: event.timeStamp } : null;
  if (binding === undefined) return;
  event.preventDefault();
  binding.run();
};

/** Called once, by the shell. Returns how to stop. */
export const listenForKeys = (): (() => void) => {
  globalThis.addEventListener('keydown', onKey);
  return () => {
    globalThis.removeEventListener('keydown', onKey);
  };
};

/** Registers keys while the component is shown. Labels and keys are constant; `run` may change with every picture. */
export const useKeys = (wanted: readonly KeyBinding[]): void => {
  const run = useEffectEvent((keys: string) => {
    wanted.find((binding) => binding.keys === keys)?.run();
  });
  const names = wanted.map(({ keys, label }) => `${keys}\n${label}`).join('\n');
  useEffect(() => {
    const lines = names === '' ? [] : names.split('\n');
    const mine = lines.flatMap((keys, index): KeyBinding[] =>
      index % 2 === 1
        ? []
        : [
            {
              keys,
              label: lines[index + 1] ?? '',
              run: () => {
                run(keys);
              },
            },
          ],
    );
    changed([...bindings, ...mine]);
    return () => {
      changed(bindings.filter((binding) => !mine.includes(binding)));
    };
  }, [names]);
};

/** All keys that do something now, each once. */
export const useKeyList = (): readonly KeyBinding[] =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    () => bindings,
  );
