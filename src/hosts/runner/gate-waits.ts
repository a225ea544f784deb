/**
 * Children that wait for a person's answer. A question outlives the supervisor's connection; its answer comes by whichever way is
 * first: with the report's own result, or as an instruction.
 *
 * W1. Children that ask the same question share one report and one answer.
 * W2. An answer that comes before the word on the report is kept until that word names its gate.
 */
import type { AnswerInstruction, ChildAnswer, GateAnswer, ReportResult } from '../../supervisor/runners/protocol.ts';

/** Answers kept for questions whose gate is not known yet. */
const EARLY_ANSWERS_MAX = 256;

type Settle = (answer: ChildAnswer) => void;
type Question = { readonly asked: string; gate: GateAnswer | null; readonly waiting: Set<Settle> };

export class GateWaits {
  readonly #open = new Map<string, Question>();
  readonly #early = new Map<string, AnswerInstruction>();

  /** True while somebody waits: the run is then idle for a good reason. */
  get waiting(): boolean {
    return this.#open.size > 0;
  }

  /**
   * Waits for the answer to a question.
   *
   * @param asked What makes two questions the same.
   * @param wait.ask Puts the question into the spool; not called when it is open already. May throw: nobody waits then.
   * @param wait.waitMs null = without limit.
   * @param wait.onGone Registers what is to be called when the child's connection closes.
   */
  wait(
    asked: string,
    wait: {
      readonly waitMs: number | null;
      readonly onGone: (call: () => void) => void;
      readonly ask: (onWord: (word: ReportResult) => void) => void;
    },
  ): Promise<ChildAnswer> {
    const known = this.#open.get(asked);
    const question: Question = known ?? { asked, gate: null, waiting: new Set() };
    if (known === undefined) wait.ask((word) => this.#hear(question, word));
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | null = null;
      const settle: Settle = (answer) => {
        if (timer !== null) clearTimeout(timer);
        question.waiting.delete(settle);
        if (question.waiting.size === 0) this.#open.delete(asked);
        resolve(answer);
      };
      question.waiting.add(settle);
      this.#open.set(asked, question);
      const giveUp = (): void => settle({ applied: true, reason: 'timeout', gate: question.gate });
      if (wait.waitMs !== null) timer = setTimeout(giveUp, wait.waitMs);
      wait.onGone(giveUp);
    });
  }

  /** The supervisor's instruction. @returns whether a child was waiting for it. */
  async answer(instruction: AnswerInstruction): Promise<boolean> {
    // The word that names the gate may lie in the same packet and be heard right after this.
    await new Promise((resolve) => setImmediate(resolve));
    const question = [...this.#open.values()].find(({ gate }) => gate?.gateId === instruction.gateId);
    if (question === undefined) {
      this.#early.set(instruction.gateId, instruction);
      for (const gateId of this.#early.keys()) if (this.#early.size > EARLY_ANSWERS_MAX) this.#early.delete(gateId);
      return false;
    }
    this.#close(question, instruction);
    return true;
  }

  #hear(question: Question, word: ReportResult): void {
    if (word.result === 'rejected') {
      for (const settle of question.waiting) settle({ applied: false, reason: word.reason });
      return;
    }
    question.gate = word.gate ?? null;
    if (question.gate === null) return;
    const { gateId, decision, answer } = question.gate;
    const early = this.#early.get(gateId);
    this.#early.delete(gateId);
    if (early !== undefined) this.#close(question, early);
    else if (decision !== null) this.#close(question, { gateId, decision, answer: answer ?? '' });
  }

  #close(question: Question, { gateId, decision, answer }: AnswerInstruction): void {
    const gate: GateAnswer = { gateId, state: decision, decision, answer };
    for (const settle of question.waiting) settle({ applied: true, gate });
  }
}
