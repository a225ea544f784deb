/**
 * `inspect`: opens the inspector in a browser, with a link that counts once and for two minutes.
 *
 * I1. A link acts as the person who asked for it, so only a terminal gets one; it is printed nowhere but here, and no program gets it
 *     as an argument, which others would see.
 */
import type { CommandDefinition } from '../command-definition.ts';
import { EXIT } from '../exit-codes.ts';
import { flagOf, numberOf } from '../option-values.ts';
import { usageError } from '../usage-error.ts';

export const inspectCommand: CommandDefinition = {
  name: 'inspect',
  summary: 'watch everything live in a browser',
  options: [
    { flags: '--print-url', description: 'only print the link' },
    { flags: '--stately', description: 'serve receivers of the Stately inspector until Ctrl-C' },
    { flags: '--port <port>', description: 'where, with --stately (default: any)', range: { min: 1, max: 65_535 } },
  ],
  notes: 'The link works once, within two minutes, on this machine.\nconductor status shows the address without it.',
  examples: ['conductor inspect', 'conductor inspect --print-url', 'conductor inspect --stately'],
  run: async ({ context, options }) => {
    const { io, local, report } = context;
    const port = numberOf(options, 'port');
    if (flagOf(options, 'stately')) {
      return (await import('../stately/serve-stately.ts')).serveStately(context, port ?? 0);
    }
    if (port !== null) throw usageError('--port goes with --stately');
    const printsOnly = flagOf(options, 'printUrl');
    const opens = !printsOnly && !context.json && io.stdout.isTerminal;
    const { url, file, started } = await local.inspectorLink(context.repo, { file: opens });
    if (started) report.note('started a supervisor; it ends by itself 15 minutes after the last work and page');
    const opened = file !== null && (await local.openBrowser(file));
    report.result({ url, opened, started }, () => {
      if (printsOnly) return [url];
      const what = opened ? 'opened in your browser; if nothing shows, open' : 'open in a browser on this machine';
      return [`${what} within two minutes:`, url];
    });
    return EXIT.done;
  },
};
