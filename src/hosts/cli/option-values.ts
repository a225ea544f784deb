/** Reads parsed options by their type. A name that a definition does not have reads as absent. */
import type { CommandCall } from './command-definition.ts';

type Options = CommandCall['options'];

export const flagOf = (options: Options, name: string): boolean => options[name] === true;

export const textOf = (options: Options, name: string): string | null => {
  const value = options[name];
  return typeof value === 'string' ? value : null;
};

export const numberOf = (options: Options, name: string): number | null => {
  const value = options[name];
  return typeof value === 'number' ? value : null;
};

export const listOf = (options: Options, name: string): readonly string[] => {
  const value = options[name];
  return Array.isArray(value) ? (value as readonly string[]) : [];
};
