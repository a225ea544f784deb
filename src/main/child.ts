/** The program `child.cjs <progress|gate|followup|complete> …`, started by the `conductor` that every run has first on its PATH. */
import { writeSync } from 'node:fs';
import { runChild } from '../hosts/child/child.ts';

// Written at once: a pipe would lose what is still in a stream when the process exits.
// Without an `await` outside of a function, so that the bundle can be CommonJS: Node starts that 10 ms sooner.
void runChild(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  print: (text) => void writeSync(1, text),
  complain: (text) => void writeSync(2, text),
}).then((code) => process.exit(code));
