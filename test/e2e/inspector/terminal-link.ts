/** The inspector's link, asked for over the supervisor's socket as a person's terminal asks. */
import { connect } from 'node:net';
import type { InspectorLink } from '../../../src/hosts/rpc/rpc-face.ts';
import { PROTOCOL } from '../../../src/supervisor/runners/protocol.ts';
import { RpcPeer } from '../../../src/supervisor/runners/rpc-peer.ts';

/** Bytes of a frame that a client may send and get. */
const FRAME_BYTES_MAX = 16_777_216;

/** @returns the address of the page with a link that counts once. */
export const askTerminalLink = async (socketPath: string): Promise<string> =>
  (await askTerminalLinkWith(socketPath, false)).url;

export const askTerminalLinkWith = async (socketPath: string, file: boolean): Promise<InspectorLink> => {
  const peer = new RpcPeer(connect(socketPath), { frameBytesMax: FRAME_BYTES_MAX, methods: {} });
  const { pid } = process;
  try {
    await peer.call('hello', {
      protocol: PROTOCOL,
      version: '0.0.0',
      role: 'client',
      pid,
      stdinTty: true,
      stdoutTty: true,
    });
    return (await peer.call('inspector/link', { file })) as InspectorLink;
  } finally {
    peer.end();
  }
};
