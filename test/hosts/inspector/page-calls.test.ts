/**
 * Goal: a page does what the person who opened it may do there, approves only what was typed for exactly that gate, and nothing else.
 * Method: calls over the real server; the face remembers what reached it.
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PASS_HEADER } from '../../../src/hosts/inspector/protocol.ts';
import { PAGE_DECISIONS } from '../../../src/hosts/inspector/operation-list.ts';
import { API } from '../../../src/hosts/inspector/protocol.ts';
import { CHALLENGE_MS } from '../../../src/hosts/rpc/approval-challenge.ts';
import type { InvokeRequest } from '../../../src/hosts/rpc/rpc-face.ts';
import { ConductorError } from '../../../src/machines/errors.ts';
import { catalogue } from '../../../src/operations/catalogue.ts';
import { waitUntil } from '../../supervisor/processes/started-programs.ts';
import { GATE, InspectorBench, jsonOf, refusalOf, type Got } from './inspector-bench.ts';

let bench: InspectorBench;
let pass = '';
beforeEach(async () => {
  bench = await InspectorBench.open();
  pass = await bench.pass();
});
afterEach(async () => {
  await bench.close();
});

const resolves = (): readonly InvokeRequest[] =>
  bench.face.invoked.filter(({ operation }) => operation === 'conductor_resolve_gate');

test('a call reaches the operation as a human, with its request id where it changes something', async () => {
  bench.answers['conductor_list_tasks'] = () => ({ items: [] });
  bench.answers['conductor_retry_task'] = () => ({ done: true });
  const read = await bench.call(pass, { operation: 'conductor_list_tasks', params: { limit: 1 }, requestId: 'r0' });
  expect(jsonOf(read)).toEqual({ content: [{ type: 'text', text: 'ok' }], details: { items: [] } });
  await bench.call(pass, { operation: 'conductor_retry_task', params: { taskId: 'a' }, requestId: 'r1' });
  expect(bench.face.invoked).toMatchObject([
    { operation: 'conductor_list_tasks', params: { limit: 1 }, principal: 'human', requestId: null, clientEnv: {} },
    { operation: 'conductor_retry_task', principal: 'human', requestId: 'r1', confirmedGate: null },
  ]);
  const unnamed = await bench.call(pass, { operation: 'conductor_retry_task', params: {} });
  expect(refusalOf(unnamed)).toEqual({ status: 400, code: 'invalid_params' });
});

test('errors of an operation come with code, text, details and a fitting status; others keep their text', async () => {
  bench.answers['conductor_get_task'] = () => {
    throw new ConductorError('not_found', 'there is no task-a', { details: { id: 'task-a' } });
  };
  bench.answers['conductor_list_tasks'] = () => {
    throw new TypeError('secret of the stack');
  };
  const known = await bench.call(pass, { operation: 'conductor_get_task', params: {} });
  expect(known.status).toBe(404);
  expect(jsonOf(known)).toEqual({
    error: { code: 'not_found', message: 'there is no task-a', retryable: false, details: { id: 'task-a' } },
  });
  const unknown = await bench.call(pass, { operation: 'conductor_list_tasks', params: {} });
  expect(refusalOf(unknown)).toEqual({ status: 500, code: 'internal' });
  expect(unknown.bytes.toString()).not.toContain('secret');
  expect(bench.log.join()).toContain('secret of the stack');
});

test('a page calls readers and the listed decisions, and nothing else', async () => {
  for (const [name, { principals, mutates }] of catalogue) {
    bench.answers[name] = () => ({});
    const isFor = principals.includes('human') && (!mutates || PAGE_DECISIONS.includes(name));
    const params = { status: 'rejected' };
    const got = await bench.call(pass, { operation: name, params, requestId: 'r' });
    expect({ name, ...refusalOf(got) }).toEqual({
      name,
      ...(isFor ? { status: 200, code: 'answered' } : { status: 403, code: 'not_permitted' }),
    });
  }
  const called = new Set(bench.face.invoked.map(({ operation }) => operation));
  for (const name of ['conductor_run_plan', 'conductor_create_task', 'conductor_trust_configuration']) {
    expect(called).not.toContain(name);
  }
  expect(called).toContain('conductor_list_tasks');
  const unknown = await bench.call(pass, { operation: 'conductor_no_such_thing', params: {} });
  expect(refusalOf(unknown)).toEqual({ status: 404, code: 'not_found' });
});

test.each([[[]], ['text'], [{}], [{ operation: 7 }], [{ operation: 'conductor_list_tasks', requestId: 7 }]])(
  'what is no call is refused: %j',
  async (body) => {
    expect(refusalOf(await bench.call(pass, body))).toEqual({ status: 400, code: 'invalid_params' });
  },
);

test('an answer that nobody waits for is not waited for either', async () => {
  const aborted = Promise.withResolvers<void>();
  bench.answers['conductor_get_project'] = ({ signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        aborted.resolve();
        reject(new ConductorError('canceled', 'nobody waits'));
      });
    });
  const leaving = new AbortController();
  const asked = fetch(`${bench.origin}${API.call}`, {
    method: 'POST',
    signal: leaving.signal,
    headers: { 'content-type': 'application/json', [PASS_HEADER]: pass },
    body: JSON.stringify({ operation: 'conductor_get_project', params: {} }),
  });
  await waitUntil('the call has arrived', () => bench.face.invoked.length === 1);
  leaving.abort();
  await expect(asked).rejects.toThrow();
  await aborted.promise;
});

const challenge = async (gateId = GATE, by = pass): Promise<string> =>
  (jsonOf(await bench.call(by, { gateId }, API.challenge)) as { nonce: string }).nonce;
const resolve = (confirm?: object, params: object = {}): Promise<Got> =>
  bench.call(pass, {
    operation: 'conductor_resolve_gate',
    params: { gateId: GATE, status: 'approved', resolutionReason: 'good', ...params },
    requestId: 'r',
    ...(confirm === undefined ? {} : { confirm }),
  });

describe('approving', () => {
  const other = `gate-${'1'.repeat(20)}`;
  let gateType = 'approval_required';
  beforeEach(() => {
    gateType = 'approval_required';
    bench.answers['conductor_get_gate'] = () => ({ gate: { type: gateType } });
    bench.answers['conductor_resolve_gate'] = ({ params }) => params;
  });
  const refused = { status: 403, code: 'not_permitted' };

  test('without a confirmation is refused, for every type of gate', async () => {
    for (gateType of ['approval_required', 'ready_for_pr', 'destructive_cleanup', 'needs_review', 'needs_input']) {
      expect(refusalOf(await resolve())).toEqual(refused);
    }
    expect(resolves()).toEqual([]);
  });

  test('counts with the last six characters of the gate, once', async () => {
    const nonce = await challenge();
    const confirm = { nonce, typed: 'abcdef' };
    expect((await resolve(confirm)).status).toBe(200);
    expect(resolves()).toMatchObject([{ principal: 'human', confirmedGate: GATE, requestId: 'r' }]);
    expect(refusalOf(await resolve(confirm))).toEqual(refused);
    expect(resolves()).toHaveLength(1);
  });

  test('with wrong characters is refused, and uses the challenge up', async () => {
    const nonce = await challenge();
    expect(refusalOf(await resolve({ nonce, typed: 'abcdeg' }))).toEqual(refused);
    expect(refusalOf(await resolve({ nonce, typed: 'abcdef' }))).toEqual(refused);
    expect(resolves()).toEqual([]);
  });

  test('with the challenge of another gate, another session, or of two minutes ago is refused', async () => {
    expect(refusalOf(await resolve({ nonce: await challenge(other), typed: 'abcdef' }))).toEqual(refused);
    expect(refusalOf(await resolve({ nonce: await challenge(GATE, await bench.pass()), typed: 'abcdef' }))).toEqual(
      refused,
    );
    const late = await challenge();
    bench.ahead = CHALLENGE_MS + 1;
    expect(refusalOf(await resolve({ nonce: late, typed: 'abcdef' }))).toEqual(refused);
    expect(refusalOf(await resolve({ nonce: 'never made', typed: 'abcdef' }))).toEqual(refused);
    expect(refusalOf(await resolve({ typed: 'abcdef' }))).toEqual({ status: 400, code: 'invalid_params' });
    expect(resolves()).toEqual([]);
  });

  test('a question is confirmed by its answer, other gates are not', async () => {
    expect(refusalOf(await resolve(undefined, { answer: 'yes' }))).toEqual(refused);
    gateType = 'needs_input';
    expect(refusalOf(await resolve(undefined, { answer: '  ' }))).toEqual(refused);
    expect((await resolve(undefined, { answer: 'yes' })).status).toBe(200);
    expect(resolves()).toMatchObject([{ confirmedGate: null, params: { answer: 'yes' } }]);
  });

  test('rejecting and canceling need none; any other word counts as approving', async () => {
    for (const status of ['rejected', 'canceled']) expect((await resolve(undefined, { status })).status).toBe(200);
    for (const status of ['Approved', 'approved ', null, ['approved']]) {
      expect(refusalOf(await resolve(undefined, { status }))).toEqual(refused);
    }
    expect(resolves()).toHaveLength(2);
  });
});
