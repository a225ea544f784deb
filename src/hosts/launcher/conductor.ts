#!/usr/bin/env node
/**
 * The program `conductor`: becomes the command line when this Node satisfies `engines`, else looks for one that does.
 *
 * Every Node since 16 can parse and run this file, so that an old one gets one sentence instead of a stack trace. It has no static
 * import and knows nothing of the command line.
 *
 * L1. At most one other Node is started: it carries the mark `CONDUCTOR_NODE_CHOSEN`, takes it away and is judged, not replaced.
 * L2. Of all warnings only the one about the age of node:sqlite is hidden.
 */
const wanted = '^22.22.2 || ^24.15.0 || >=26';
const { env, execPath } = process;
const numbersOf = (version: string) => version.replace(/^\D+/, '').split('.').map(Number);
const satisfied = wanted.split(' || ').some((range) => {
  const [major = 0, minor = 0, patch = 0] = numbersOf(range);
  const [foundMajor = 0, foundMinor = 0, foundPatch = 0] = numbersOf(process.version);
  if (range.startsWith('>=')) return foundMajor >= major;
  return foundMajor === major && (foundMinor > minor || (foundMinor === minor && foundPatch >= patch));
});
const judged = env['CONDUCTOR_NODE_CHOSEN'] !== undefined;
delete env['CONDUCTOR_NODE_CHOSEN'];

if (satisfied && (judged || [undefined, '', execPath].includes(env['CONDUCTOR_NODE']))) {
  const emitWarning = process.emitWarning.bind(process) as (warning: string | Error, ...rest: unknown[]) => void;
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (!String(warning).startsWith('SQLite is an experimental feature')) emitWarning(warning, ...rest);
  };
  await import(new URL('./cli.mjs', import.meta.url).href);
} else {
  const { becomeOtherNode, refuseThisNode } = await import('./node-choice.ts');
  if (judged) refuseThisNode(wanted);
  else becomeOtherNode(wanted, import.meta.url);
}
