/** Goal: an identity is judged by all four parts. Method: one change at a time. */
import { expect, test } from 'vitest';
import { identifyHost } from '../../../src/supervisor/processes/host-identity.ts';
import { judgeLiveness, sameIdentity } from '../../../src/supervisor/processes/process-identity.ts';

const id = { hostId: 'h', bootId: 'b', pid: 7, startTicks: '100' };
const here = { hostId: 'h', bootId: 'b' };

test('I1: any part that differs makes another process', () => {
  expect(sameIdentity(id, { ...id })).toBe(true);
  for (const change of [{ hostId: 'x' }, { bootId: 'x' }, { pid: 8 }, { startTicks: '101' }, { startTicks: '100.0' }]) {
    expect(sameIdentity(id, { ...id, ...change })).toBe(false);
  }
});

test.each([
  ['alive', id, { identity: id, state: 'running' }],
  ['alive', id, { identity: id, state: 'stopped' }],
  ['zombie', id, { identity: id, state: 'zombie' }],
  ['gone', id, null],
  ['gone', id, { identity: { ...id, startTicks: '101' }, state: 'running' }],
  ['gone', { ...id, bootId: 'before' }, { identity: id, state: 'running' }],
  ['foreign', { ...id, hostId: 'other' }, { identity: id, state: 'running' }],
  ['foreign', { ...id, hostId: 'other', bootId: 'before' }, null],
] as const)('I2, I3: %s', (liveness, asked, now) => {
  expect(judgeLiveness(asked, here, now)).toBe(liveness);
});

const facts = { machineId: 'abc\n', hostName: 'box', bootId: 'boot-1\n', pidNamespace: 'pid:[4026531836]' };

test('a host is known by its machine id, else by its name, and neither stands in the id', () => {
  const host = identifyHost(facts);
  expect(host).toEqual({ hostId: expect.stringMatching(/^[0-9a-f]{16}$/), bootId: 'boot-1' });
  expect(identifyHost({ ...facts, hostName: 'renamed' }).hostId).toBe(host.hostId);
  expect(identifyHost({ ...facts, machineId: '' }).hostId).not.toBe(host.hostId);
  expect(identifyHost({ ...facts, machineId: '' })).not.toEqual(
    identifyHost({ ...facts, machineId: '', hostName: 'other' }),
  );
});

test('H1: containers that share a machine id and a kernel are different hosts, and a restart is another boot', () => {
  const one = identifyHost({ ...facts, hostName: 'one', pidNamespace: 'pid:[4026532001]' });
  const two = identifyHost({ ...facts, hostName: 'two', pidNamespace: 'pid:[4026532002]' });
  const again = identifyHost({ ...facts, hostName: 'one', pidNamespace: 'pid:[4026532003]' });
  expect(one.hostId).not.toBe(two.hostId);
  expect(again.hostId).toBe(one.hostId);
  expect(one.bootId).toBe('boot-1+4026532001');
  expect(again.bootId).not.toBe(one.bootId);
});
