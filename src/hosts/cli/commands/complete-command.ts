/**
 * `__complete`: what may stand where a word is being typed, one a line, with a tab and its meaning. For completion scripts.
 *
 * Whatever goes wrong gives no words: a shell shows nothing instead of an error in the middle of a line.
 */
import type { ActorKind } from '../../../machines/ids.ts';
import type {
  ArgumentDefinition,
  CommandContext,
  CommandDefinition,
  Completes,
  OptionDefinition,
} from '../command-definition.ts';
import { COMMANDS, findCommand } from '../command-table.ts';
import { EXIT } from '../exit-codes.ts';
import { LIST_OPERATIONS } from '../operation-calls.ts';
import { firstText } from '../output/text-fields.ts';
import { fitText, oneLine } from '../output/text-width.ts';

type Word = { readonly word: string; readonly meaning: string };

/** Says «file names»; the script completes those itself. */
const FILES: Word = { word: ':files', meaning: '' };
const MEANING_CELLS = 50;
/** The newest of each kind; nobody types the beginning of an older one. */
const IDS_MAX = 100;
const common: readonly OptionDefinition[] = [
  { flags: '--json', description: 'print JSON on stdout' },
  { flags: '--repo <dir>', description: 'the repository' },
  { flags: '--help', description: 'show the help' },
];

export const completeCommand: CommandDefinition = {
  name: '__complete',
  summary: 'complete a word',
  takesProgram: true,
  examples: ['conductor __complete -- show task-'],
  run: async ({ context, program }) => {
    const words = program ?? [];
    const typed = words.at(-1) ?? '';
    const found = await wordsFor(context, words.slice(0, -1), typed).catch(() => []);
    for (const { word, meaning } of found) {
      if (word === FILES.word || word.startsWith(typed)) context.io.stdout.write(`${word}\t${meaning}\n`);
    }
    return EXIT.done;
  },
};

const wordsFor = async (
  context: CommandContext,
  before: readonly string[],
  typed: string,
): Promise<readonly Word[]> => {
  const [name, ...rest] = before;
  if (name === undefined) return COMMANDS.map((entry) => ({ word: entry.name, meaning: entry.summary }));
  // After -- stands somebody else's command line.
  if (before.includes('--')) return [FILES];
  const command = await findCommand(name)?.load();
  if (command === undefined) return [];
  const sub = command.subcommands?.find((one) => one.name === rest[0]);
  return sub === undefined
    ? definitionWords(context, command, { given: rest, typed })
    : definitionWords(context, sub, { given: rest.slice(1), typed });
};

const definitionWords = async (
  context: CommandContext,
  definition: CommandDefinition,
  { given, typed }: { readonly given: readonly string[]; readonly typed: string },
): Promise<readonly Word[]> => {
  const options = [...(definition.options ?? []), ...common];
  const valued = options.find(({ flags }) => flags.includes('<') && flagsOf(flags).includes(given.at(-1) ?? ''));
  if (valued !== undefined) return valueWords(context, valued);
  if (typed.startsWith('-')) return options.flatMap(optionWords);
  const subs = given.length === 0 ? (definition.subcommands ?? []) : [];
  return [
    ...subs.map((one) => ({ word: one.name, meaning: one.summary })),
    ...(await argumentWords(context, definition.arguments ?? [], positionOf(given, options))),
  ];
};

const flagsOf = (flags: string): readonly string[] => flags.match(/--?[a-zA-Z-]+/g) ?? [];

const optionWords = ({ flags, description }: OptionDefinition): readonly Word[] => {
  const word = flagsOf(flags).at(-1);
  return word === undefined ? [] : [{ word, meaning: description }];
};

/** Which argument is being typed: options and their values do not count. */
const positionOf = (given: readonly string[], options: readonly OptionDefinition[]): number => {
  let position = 0;
  for (let index = 0; index < given.length; index += 1) {
    const word = given[index]!;
    if (!word.startsWith('-')) position += 1;
    else if (options.some(({ flags }) => flags.includes('<') && flagsOf(flags).includes(word))) index += 1;
  }
  return position;
};

const valueWords = async (context: CommandContext, { flags, choices }: OptionDefinition): Promise<readonly Word[]> => {
  if (choices !== undefined) return choices.map((word) => ({ word, meaning: '' }));
  const kind = (['objective', 'task', 'run', 'worker'] as const).find((one) => flags.includes(`--${one} <id>`));
  if (kind !== undefined) return idWords(context, kind);
  return /<dir>|<path>/.test(flags) ? [FILES] : [];
};

const argumentWords = async (
  context: CommandContext,
  definitions: readonly ArgumentDefinition[],
  position: number,
): Promise<readonly Word[]> => {
  const kinds = definitions[position]?.completes ?? [];
  const words = await Promise.all(kinds.map((kind) => kindWords(context, kind)));
  return words.flat();
};

const kindWords = async (context: CommandContext, kind: Completes): Promise<readonly Word[]> => {
  if (kind === 'file') return [FILES];
  if (kind !== 'operation') return idWords(context, kind);
  const { catalogue } = await import('../../../operations/catalogue.ts');
  return [...catalogue.values()].map(({ name, title }) => ({ word: name, meaning: title }));
};

const idWords = async (context: CommandContext, kind: ActorKind | 'artifact'): Promise<readonly Word[]> => {
  const port = await context.openPort('read');
  const { details } = await port.call(LIST_OPERATIONS[kind], { limit: IDS_MAX });
  const { items } = details as { readonly items: readonly Readonly<Record<string, unknown>>[] };
  return items.flatMap((item) => {
    const state = firstText(item, ['state', 'status', 'type']);
    const meaning = fitText(oneLine(`${state} ${firstText(item, ['title', 'ask', 'branch'])}`), MEANING_CELLS);
    const name = kind === 'worker' && typeof item['name'] === 'string' ? [{ word: item['name'], meaning }] : [];
    return [...name, { word: String(item[`${kind}Id`]), meaning }];
  });
};
