/**
 * Takes what children say, and tells them what became of it.
 *
 * B1. A child that does not carry this run's cookie is refused and leaves no trace.
 * B2. `applied` and the reason of a refusal are the supervisor's word; `stored` means that the report is on disk and that the
 *     supervisor has not answered. Nothing else is ever said about a report that could not be kept: that is an error.
 * B3. The same key gets the answer it got before, or the supervisor's word when that has come since.
 */
import { ConductorError } from '../../machines/errors.ts';
import type { ChildAnswer, ReportResult } from '../../supervisor/runners/protocol.ts';
import type { SecretSet } from '../../supervisor/runners/redaction.ts';
import type { RpcPeer } from '../../supervisor/runners/rpc-peer.ts';
import { isSameSecret } from '../../supervisor/runners/token.ts';
import type { ArtifactCopies } from './artifact-copies.ts';
import { parseChildMessage, type ChildBody, type ChildMessage } from './child-message.ts';
import type { GateWaits } from './gate-waits.ts';
import { ProgressPace } from './progress-pace.ts';
import type { ReportDesk } from './report-desk.ts';

/** How long a connected but mute supervisor may keep a child waiting, in ms. */
const WORD_MS = 10_000;
/** Keys remembered; the oldest is forgotten first. */
const KEYS_MAX = 1_024;

export type ChildDeskParts = {
  readonly cookie: string;
  readonly mayFollowUp: boolean;
  readonly reports: ReportDesk;
  readonly gates: GateWaits;
  readonly artifacts: ArtifactCopies;
  readonly secrets: SecretSet;
  readonly onActivity: () => void;
};

type Kept = { answer: Promise<ChildAnswer>; word: ReportResult | null };

export class ChildDesk {
  readonly #parts: ChildDeskParts;
  readonly #pace: ProgressPace;
  readonly #keys = new Map<string, Kept>();

  constructor(parts: ChildDeskParts) {
    this.#parts = parts;
    this.#pace = new ProgressPace((body) => this.#keep(body));
  }

  /** Keeps progress that was held back; before whatever must come after it. */
  flush(): void {
    this.#pace.flush();
  }

  /** @throws not_permitted, invalid_params, too_large, limit_reached, store_full. */
  async report(params: unknown, peer: RpcPeer): Promise<ChildAnswer> {
    const message = parseChildMessage(params);
    if (!isSameSecret(this.#parts.cookie, message.cookie)) {
      throw new ConductorError('not_permitted', 'CONDUCTOR_COOKIE does not belong to this run');
    }
    this.#parts.onActivity();
    const key = 'key' in message.body ? message.body.key : null;
    if (key === null) return this.#take(message, peer);
    const name = `${message.body.kind} ${key}`;
    const before = this.#keys.get(name);
    if (before !== undefined) return before.word === null ? before.answer : answerOf(before.word);
    const kept: Kept = { answer: this.#take(message, peer), word: null };
    this.#keys.set(name, kept);
    if (this.#keys.size > KEYS_MAX) this.#keys.delete(this.#keys.keys().next().value!);
    // What was never kept may be said again under the same key.
    kept.answer.catch(() => this.#keys.delete(name));
    return kept.answer;
  }

  async #take(message: ChildMessage, peer: RpcPeer): Promise<ChildAnswer> {
    const body = this.#clean(message.body);
    if (body.kind === 'child.gate' && body.wait) return this.#wait(body, message.waitMs, peer);
    if (body.kind === 'child.gate') return this.#keep(body);
    if (body.kind === 'child.followup') {
      return this.#parts.mayFollowUp ? this.#keep(body) : { applied: false, reason: 'not_permitted' };
    }
    const artifacts = await this.#parts.artifacts.take(message.files);
    if (body.kind === 'child.progress') return this.#pace.submit({ ...body, artifacts });
    this.flush();
    return this.#keep({ ...body, artifacts });
  }

  #wait(body: Extract<ChildBody, { kind: 'child.gate' }>, waitMs: number | null, peer: RpcPeer): Promise<ChildAnswer> {
    return this.#parts.gates.wait(JSON.stringify([body.gateType, body.ask]), {
      waitMs,
      onGone: (call) => peer.socket.once('close', call),
      ask: (onWord) => this.#parts.reports.add(body, onWord),
    });
  }

  async #keep(body: ChildBody): Promise<ChildAnswer> {
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | null = null;
      let forget: (() => void) | null = null;
      const settle = (answer: ChildAnswer): void => {
        if (timer !== null) clearTimeout(timer);
        forget?.();
        resolve(answer);
      };
      try {
        this.#parts.reports.add(body, (word) => {
          const kept = 'key' in body && body.key !== null ? this.#keys.get(`${body.kind} ${body.key}`) : undefined;
          if (kept !== undefined) kept.word = word;
          settle(answerOf(word));
        });
      } catch (error) {
        reject(error as Error);
        return;
      }
      timer = setTimeout(() => settle({ applied: 'stored' }), WORD_MS);
      forget = this.#parts.reports.onAway(() => settle({ applied: 'stored' }));
    });
  }

  /** Secrets go before anything is kept: the journal holds these texts for months. */
  #clean(body: ChildBody): ChildBody {
    const clean = (text: string): string => this.#parts.secrets.redactText(text);
    if (body.kind === 'child.progress') return { ...body, text: clean(body.text) };
    if (body.kind === 'child.complete') return { ...body, summary: clean(body.summary) };
    if (body.kind === 'child.gate') return { ...body, ask: clean(body.ask) };
    return { ...body, title: clean(body.title), command: body.command.map(clean) };
  }
}

const answerOf = (word: ReportResult): ChildAnswer => {
  if (word.result === 'rejected') return { applied: false, reason: word.reason };
  return { applied: true, ...(word.gate == null ? {} : { gate: word.gate }) };
};
