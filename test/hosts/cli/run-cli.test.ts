/**
 * Goal: every command line ends with the exit code and the words of the contract.
 * Method: the command line in this process against a project that answers from a table; all help texts in one snapshot.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConductorError, ERROR_CODES } from '../../../src/machines/errors.ts';
import { helpText } from '../../../src/hosts/cli/command-parser.ts';
import { COMMANDS } from '../../../src/hosts/cli/command-table.ts';
import { exitCodeOf } from '../../../src/hosts/cli/exit-codes.ts';
import { mainHelp } from '../../../src/hosts/cli/run-cli.ts';
import { conductor, fakeIo } from './surroundings.ts';

const folder = mkdtempSync(join(tmpdir(), 'conductor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('help', () => {
  test('of every command', async () => {
    const definitions = await Promise.all(COMMANDS.map(({ load }) => load()));
    const all = definitions.flatMap((definition) => [
      helpText(definition),
      ...(definition.subcommands ?? []).map((sub) => helpText({ ...sub, name: `${definition.name} ${sub.name}` })),
    ]);
    await expect([mainHelp(), ...all].join('\n────\n')).toMatchFileSnapshot('help.snapshot.txt');
  });

  test('the table says the same as the definitions, and every command has an example', async () => {
    for (const { name, summary, load } of COMMANDS) {
      const definition = await load();
      expect({ name: definition.name, summary: definition.summary }).toEqual({ name, summary });
      expect(definition.examples.length).toBeGreaterThan(0);
    }
  });

  test('no line of it is wider than 80 columns', async () => {
    const definitions = await Promise.all(COMMANDS.map(({ load }) => load()));
    const lines = [mainHelp(), ...definitions.map(helpText)].flatMap((text) => text.split('\n'));
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test.each([[['--help']], [['help']], [['help', 'run']], [['run', '--help']], [['gate', 'approve', '--help']]])(
    '%j ends with 0 and opens nothing',
    async (argv) => {
      const { exitCode, out, opened } = await conductor(argv);
      expect({ exitCode, opened }).toEqual({ exitCode: 0, opened: [] });
      expect(out).toContain('Usage: conductor');
    },
  );
});

test.each([[['--version']], [['-V']], [['version']]])('%j prints the version', async (argv) => {
  expect(await conductor(argv)).toMatchObject({ exitCode: 0, out: '1.2.3\n' });
});

describe('usage errors end with 2 and one message on stderr', () => {
  const plan = file('empty.yaml', '');
  test.each<[string, readonly string[], RegExp]>([
    ['nothing', [], /a command is missing/],
    ['an unknown command', ['stauts'], /unknown command stauts; did you mean status\?/],
    ['an unknown option', ['tasks', '--bogus'], /unknown option '--bogus'/],
    ['an unknown option before the command', ['--bogus'], /unknown option --bogus/],
    ['a page of nothing', ['tasks', '--limit', '0'], /from 1 to 100/],
    ['a page that is no number', ['tasks', '--limit', '1e1'], /from 1 to 100/],
    ['a missing argument', ['show'], /missing required argument 'id'/],
    ['too many arguments', ['show', 'a', 'b'], /too many arguments/],
    ['no subcommand', ['gate'], /needs one of approve, reject, answer/],
    ['an unknown subcommand', ['gate', 'aprove', 'x'], /aprove/],
    ['a program where none is taken', ['status', '--', 'ls'], /takes no program/],
    ['run without anything', ['run'], /give a plan file, or a program/],
    ['run with both', ['run', plan, '--', 'ls'], /not both/],
    ['options of a program with a plan', ['run', plan, '--title', 'x'], /--title is for a program/],
    ['a plan that is not there', ['run', join(folder, 'no.yaml')], /there is no such file/],
    ['a plan that is a directory', ['run', folder], /it is a directory/],
    ['a variable without value', ['run', '--env', 'NAME', '--', 'ls'], /NAME=VALUE/],
    ['an unknown mode', ['run', '--mode', 'window', '--', 'ls'], /Allowed choices are/],
    ['stop with both', ['stop', '--now', '--keep-runs'], /give one/],
    ['accept without reason', ['accept', 'task-1'], /--reason is missing/],
    ['cleanup of nothing', ['workers', 'cleanup'], /name one worker/],
    ['parameters that are no JSON', ['call', 'conductor_list_tasks', '{'], /no JSON/],
    ['parameters that are a list', ['call', 'conductor_list_tasks', '[]'], /must be a JSON object/],
    ['parameters from a file that is not there', ['call', 'conductor_list_tasks', '@nope'], /cannot be read/],
    ['a shell nobody knows', ['completion', 'tcsh'], /bash, zsh, fish/],
    ['events from two places', ['events', '-f', '--after', 'x'], /leave --after out/],
  ])('%s', async (_name, argv, message) => {
    const { exitCode, out, err, calls } = await conductor(argv);
    expect({ exitCode, out, calls }).toEqual({ exitCode: 2, out: '', calls: [] });
    expect(err).toMatch(message);
  });

  test('R1: an invalid plan is told by file, line and column, before anything is opened', async () => {
    const path = file('bad.yaml', 'objective: x\ntasks:\n  - id: a\n    rnu: ls\n');
    const { exitCode, err, opened } = await conductor(['run', path]);
    expect({ exitCode, opened }).toEqual({ exitCode: 2, opened: [] });
    expect(err).toMatch(new RegExp(`^${path}:4:5: tasks\\[0\\].rnu is not a known key: did you mean run\\?`));
  });

  test('with --json it is an error document on stdout, wherever --json stands', async () => {
    for (const argv of [
      ['--json', 'stauts'],
      ['stauts', '--json'],
      ['tasks', '--bogus', '--json'],
    ]) {
      const { exitCode, out, err } = await conductor(argv);
      expect({ exitCode, err }).toEqual({ exitCode: 2, err: '' });
      expect(JSON.parse(out)).toMatchObject({ error: { code: 'invalid_params', retryable: false } });
    }
  });

  test('--json after -- belongs to the program', async () => {
    const { err } = await conductor(['stauts', '--', '--json']);
    expect(err).toContain('unknown command');
  });
});

describe('errors of others', () => {
  test.each(ERROR_CODES)('%s', async (code) => {
    const openError = new ConductorError(code, 'the message', { details: { fact: 1 } });
    const plain = await conductor(['status'], { openError });
    expect(plain).toMatchObject({ exitCode: exitCodeOf(code), out: '', err: 'conductor: the message\n' });
    const json = await conductor(['status', '--json'], { openError });
    expect(json).toMatchObject({ exitCode: exitCodeOf(code), err: '' });
    expect(JSON.parse(json.out)).toEqual({
      error: { code, message: 'the message', retryable: false, details: { fact: 1 } },
    });
  });

  test('the exit codes are those of the contract', () => {
    const codes = Object.groupBy(ERROR_CODES, (code) => String(exitCodeOf(code)));
    expect(codes['2']).toEqual(['invalid_params', 'not_a_repository', 'repository_empty', 'agent_unavailable']);
    expect(codes['4']).toEqual(expect.arrayContaining(['supervisor_unreachable', 'store_damaged', 'owned_elsewhere']));
    expect(Object.keys(codes).toSorted()).toEqual(['1', '2', '4']);
  });

  test('a defect is said to be one', async () => {
    const answers = {
      conductor_get_project: () => {
        throw new TypeError('x is undefined');
      },
    };
    const { exitCode, err } = await conductor(['status'], { answers });
    expect(exitCode).toBe(4);
    expect(err).toMatch(/defect of conductor: x is undefined/);
  });
});

describe('call', () => {
  const refusal = new ConductorError('invalid_params', 'no');
  test.each<[string, unknown, number]>([
    ['a refusal ends with 1', refusal, 1],
    ['trouble ends with 4', new ConductorError('supervisor_unreachable', 'gone'), 4],
  ])('%s', async (_name, error, code) => {
    const answers = {
      conductor_list_tasks: () => {
        throw error;
      },
    };
    const { exitCode, out } = await conductor(['call', 'conductor_list_tasks'], { answers });
    expect(exitCode).toBe(code);
    expect(JSON.parse(out)).toHaveProperty('error.code', (error as ConductorError).code);
  });

  test('parameters come as a word, from a file, from stdin', async () => {
    const answers = { conductor_list_tasks: { items: [] } };
    const wanted = '{"state": "failed"}';
    const path = file('params.json', wanted);
    for (const word of [wanted, `@${path}`, '-']) {
      const ran = await conductor(['call', 'conductor_list_tasks', word], { answers }, fakeIo({ input: wanted }));
      expect(ran).toMatchObject({ exitCode: 0, calls: [{ params: { state: 'failed' } }], opened: ['read'] });
      expect(JSON.parse(ran.out)).toEqual({
        content: [{ type: 'text', text: 'conductor_list_tasks is done' }],
        details: { items: [] },
      });
    }
  });

  test('an operation that writes starts a supervisor', async () => {
    const { opened } = await conductor(['call', 'conductor_create_objective', '{"title": "x"}'], {
      answers: { conductor_create_objective: {} },
    });
    expect(opened).toEqual(['start']);
  });
});

test('child hands its words on as they are, -- included', async () => {
  const seen: string[][] = [];
  const local = { child: async (words: readonly string[]) => (seen.push([...words]), 1) };
  const { exitCode } = await conductor(['child', 'followup', '--title', 'T', '--', 'ls', '--json'], { local });
  expect({ exitCode, seen }).toEqual({ exitCode: 1, seen: [['followup', '--title', 'T', '--', 'ls', '--json']] });
});

describe('start and stop', () => {
  test('start says who runs', async () => {
    expect(await conductor(['start'])).toMatchObject({
      exitCode: 0,
      out: 'started: pid 4242, version 1.2.3\nhome /home/p-1\n',
    });
  });

  test('stop of nothing is done', async () => {
    expect(await conductor(['stop', '--json'])).toMatchObject({ exitCode: 0, out: '{"stopped":false,"pid":null}\n' });
  });

  test.each([
    [[], 'drain'],
    [['--now'], 'now'],
    [['--keep-runs'], 'keep'],
  ])('stop %j asks for %s and shows what is waited for on stderr', async (options, runs) => {
    const seen: string[] = [];
    const { exitCode, err } = await conductor(['stop', ...options], {
      local: {
        stop: async (_repo, request) => {
          seen.push(request.runs);
          request.onProgress('waiting for 2 runs');
          return { stopped: true, pid: 7 };
        },
      },
    });
    expect({ exitCode, seen, err }).toEqual({ exitCode: 0, seen: [runs], err: 'waiting for 2 runs\n' });
  });
});
