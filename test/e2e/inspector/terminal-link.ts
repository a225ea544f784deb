/** The inspector's link, asked for over the supervisor's socket as a person's terminal asks, or as somebody else would. */
import { connect } from 'node:net';
import type { InspectorLink } from '../../../src/hosts/rpc/rpc-face.ts';
import { PROTOCOL } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';

/** Bytes of a frame that a client may send and get. */
const FRAME_BYTES_MAX = 16_777_216;

/** Default: this process, at a terminal, without a file. */
export type LinkCaller = { readonly pid?: number; readonly tty?: boolean; readonly file?: boolean };

/** @returns the address of the page with a link that counts once. */
export const askTerminalLink = async (socketPath: string): Promise<string> => (await askLinkAs(socketPath, {})).url;

export const askLinkAs = async (
  socketPath: string,
  { pid = process.pid, tty = true, file = false }: LinkCaller,
): Promise<InspectorLink> => {
  const peer = new RpcPeer(connect(socketPath), { frameBytesMax: FRAME_BYTES_MAX, methods: {} });
  try {
    await peer.call('hello', {
      protocol: PROTOCOL,
      version: '0.0.0',
      role: 'client',
      pid,
      stdinTty: tty,
      stdoutTty: tty,
    });
    return (await peer.call('inspector/link', { file })) as InspectorLink;
  } finally {
    peer.end();
  }
};
