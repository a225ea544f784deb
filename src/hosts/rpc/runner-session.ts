/**
 * A runner's connection: its calls go to the intake, the supervisor's instructions go back over the link.
 *
 * R1. One link per connection; a runner that connects again has a new one.
 * R2. An instruction settles: with the answer, with the runner's error, at its deadline, or when the connection closes.
 */
import { CancellationTokenSource } from 'vscode-jsonrpc/node';
import { ConductorError } from '../../machines/errors.ts';
import {
  RUNNER_CALLS,
  type Heartbeat,
  type RunnerReady,
  type RunnerReport,
} from '../../supervisor/runners/protocol.ts';
import type { RunnerIntake, RunnerLink } from '../../supervisor/runs/runner-link.ts';
import type { Session } from './client-session.ts';
import type { GuardedConnection } from './guarded-connection.ts';
import { receivedError } from './wire-errors.ts';

export const createRunnerSession = (intake: RunnerIntake, guarded: GuardedConnection): Session => {
  const link = createRunnerLink(guarded);
  const methods: Readonly<Record<string, (params: unknown) => unknown>> = {
    [RUNNER_CALLS.ready]: (params) => {
      const ready = addressed(params, ['protocol', 'spoolSeq']) as RunnerReady;
      const areTexts = Array.isArray(ready.secrets) && ready.secrets.every((value) => typeof value === 'string');
      if (ready.secrets !== undefined && !areTexts) {
        throw new ConductorError('invalid_params', 'secrets must be a list of texts');
      }
      return intake.ready(ready, link);
    },
    [RUNNER_CALLS.report]: async (params) => {
      const report = addressed(params, []) as RunnerReport;
      if (!Array.isArray(report.entries)) throw new ConductorError('invalid_params', 'entries must be a list');
      return intake.report(report);
    },
    [RUNNER_CALLS.heartbeat]: (params) => {
      intake.heartbeat(addressed(params, ['idleMs', 'outputBytes']) as Heartbeat);
      return {};
    },
  };
  return {
    handle: async (method, params) => {
      const handler = Object.hasOwn(methods, method) ? methods[method] : undefined;
      if (handler !== undefined) return await handler(params);
      const text = `${method.slice(0, 64)} is not for runners, which may call ${Object.keys(methods).join(', ')}`;
      throw new ConductorError('not_permitted', text);
    },
    close: () => intake.closed(link),
  };
};

const createRunnerLink = (guarded: GuardedConnection): RunnerLink => ({
  call: async (method, params, timeoutMs) => {
    const canceling = new CancellationTokenSource();
    const deadline = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      deadline.reject(unreachable(`${method}: the runner did not answer within ${String(timeoutMs)} ms`));
      canceling.cancel();
    }, timeoutMs);
    try {
      return await Promise.race([guarded.connection.sendRequest(method, params, canceling.token), deadline.promise]);
    } catch (error) {
      throw receivedError(error) ?? unreachable(`${method}: the runner's connection is closed`, error);
    } finally {
      clearTimeout(timer);
    }
  },
  close: () => guarded.end(),
});

/** Shape only: the intake checks the token before it believes anything. */
const addressed = (params: unknown, numbers: readonly string[]): unknown => {
  const fields = (typeof params === 'object' && params !== null ? params : {}) as Record<string, unknown>;
  const missing = ['runId', 'instance', 'token'].find((name) => typeof fields[name] !== 'string');
  const strange = ['epoch', ...numbers].find((name) => !Number.isFinite(fields[name]));
  const fault = missing ?? strange;
  if (fault === undefined) return fields;
  throw new ConductorError('invalid_params', `a runner's message needs ${fault}`);
};

const unreachable = (message: string, cause?: unknown): ConductorError =>
  new ConductorError('supervisor_unreachable', message, {
    retryable: true,
    ...(cause === undefined ? {} : { cause }),
  });
