/**
 * `gate`: a person's decision.
 *
 * G1. Approving a high-risk gate asks the person at the terminal to type the last six characters of its id. No option replaces it.
 */
import { ConductorError } from '../../../machines/errors.ts';
import type { GateItem } from '../../../operations/read-models/item-schemas.ts';
import type { CommandCall, CommandContext, CommandDefinition } from '../command-definition.ts';
import type { ConductorPort, TypedChallenge } from '../conductor-port.ts';
import { EXIT } from '../exit-codes.ts';
import { resolvePrefix } from '../operation-calls.ts';
import { textOf } from '../option-values.ts';
import { oneLine } from '../output/text-width.ts';
import { needKind } from './id-arguments.ts';

/** The types that only a human may approve; the supervisor judges, this only knows when to ask. */
const HIGH_RISK: readonly string[] = ['approval_required', 'ready_for_pr', 'destructive_cleanup'];
const TYPED_CHARACTERS = 6;

const gateArgument = { name: '<gate>', description: 'an id, or enough of its beginning', completes: ['gate'] } as const;
const reasonOption = { flags: '--reason <text>', description: 'kept with the gate' };

type Decision = { readonly status: 'approved' | 'rejected'; readonly answer?: string };

const decide = async ({ context, args, options }: CommandCall, decision: Decision): Promise<number> => {
  const port = await context.openPort('start');
  const found = await resolvePrefix(port, args[0] ?? '');
  const gateId = needKind(found, 'gate');
  const gate = found.shown.item as unknown as GateItem;
  const needsProof = decision.status === 'approved' && HIGH_RISK.includes(gate.type) && gate.state === 'open';
  const challenge = needsProof ? await askToType(context, gate) : null;
  const { details, content } = await resolveGate(port, {
    params: {
      gateId,
      ...decision,
      resolutionReason: textOf(options, 'reason') ?? `${decision.status} on the command line`,
    },
    challenge,
  });
  context.report.result(details, () => content.map(({ text }) => text));
  return EXIT.done;
};

const resolveGate = (
  port: ConductorPort,
  {
    params,
    challenge,
  }: { readonly params: Readonly<Record<string, unknown>>; readonly challenge: TypedChallenge | null },
) => port.call('conductor_resolve_gate', params, challenge === null ? {} : { challenge });

/** G1. */
const askToType = async ({ io }: CommandContext, gate: GateItem): Promise<TypedChallenge> => {
  const { gateId } = gate;
  if (!io.stdin.isTerminal || !io.stdout.isTerminal) {
    throw new ConductorError(
      'not_permitted',
      `${gateId} is a ${gate.type} gate: a person approves it at a terminal, and no option replaces that`,
      { details: { gateId, type: gate.type } },
    );
  }
  const ending = gateId.slice(-TYPED_CHARACTERS);
  io.stderr.write(`${gate.type}, asked by ${gate.askedBy}:\n  ${oneLine(gate.ask)}\n`);
  io.stderr.write(`Type ${ending} (the end of ${gateId}) to approve: `);
  const typed = ((await io.stdin.readLine()) ?? '').trim();
  if (typed !== ending) {
    throw new ConductorError('refused', `not approved: that was not ${ending}`, { details: { gateId } });
  }
  return { gateId, typed };
};

export const gateCommand: CommandDefinition = {
  name: 'gate',
  summary: 'decide a gate: approve, reject, or answer its question',
  examples: ['conductor gate approve gate-01kb2'],
  subcommands: [
    {
      name: 'approve',
      summary: 'say yes',
      arguments: [gateArgument],
      options: [reasonOption],
      notes: 'For a high-risk gate you type the end of its id at the terminal.',
      examples: ['conductor gate approve gate-01kb2 --reason "reviewed"'],
      run: (call) => decide(call, { status: 'approved' }),
    },
    {
      name: 'reject',
      summary: 'say no',
      arguments: [gateArgument],
      options: [reasonOption],
      examples: ['conductor gate reject gate-01kb2 --reason "wrong branch"'],
      run: (call) => decide(call, { status: 'rejected' }),
    },
    {
      name: 'answer',
      summary: 'answer its question; that approves it',
      arguments: [gateArgument, { name: '<text>', description: 'the answer, or - for stdin' }],
      options: [reasonOption],
      examples: ['conductor gate answer gate-01kb2 "use the second one"'],
      run: async (call) => {
        const [, text = ''] = call.args;
        const answer = text === '-' ? (await call.context.io.stdin.readAll()).trim() : text;
        return decide(call, { status: 'approved', answer });
      },
    },
  ],
};
