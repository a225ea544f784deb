/**
 * Names this host and this boot on Linux. The parts come from files, given by a reader so that tests can write them.
 *
 * H1. Inside a pid namespace of its own (a container) two machines may share the kernel's boot id and even the machine
 *     id, but their pids mean different processes: the host id takes the host name in, the boot id the namespace.
 */
import { nodeCrypto } from './node-crypto.ts';

export type HostFacts = {
  /** /etc/machine-id; empty when there is none. */
  readonly machineId: string;
  readonly hostName: string;
  /** /proc/sys/kernel/random/boot_id */
  readonly bootId: string;
  /** Target of /proc/self/ns/pid, `pid:[<inode>]`; empty when unknown. */
  readonly pidNamespace: string;
  /** As somebody on this host has found it out before; absent: it is made of the other facts. */
  readonly hostId?: string | undefined;
};

/** The first namespace of every boot has this fixed inode (include/linux/proc_ns.h, PROC_PID_INIT_INO). */
const FIRST_PID_NAMESPACE = 'pid:[4026531836]';

/** Hashed, because a machine id is confidential (machine-id(5)). 16 hexadecimal digits. */
export const hashHostId = (text: string): string =>
  nodeCrypto().createHash('sha256').update(`conductor host\n${text}`).digest('hex').slice(0, 16);

export const identifyHost = (facts: HostFacts): { readonly hostId: string; readonly bootId: string } => {
  const contained = facts.pidNamespace !== '' && facts.pidNamespace !== FIRST_PID_NAMESPACE;
  const machine = facts.machineId.trim() === '' ? facts.hostName : facts.machineId.trim();
  return {
    hostId: facts.hostId ?? hashHostId(contained ? `${machine}\n${facts.hostName}` : machine),
    bootId: contained ? `${facts.bootId.trim()}+${/\d+/.exec(facts.pidNamespace)?.[0] ?? ''}` : facts.bootId.trim(),
  };
};
