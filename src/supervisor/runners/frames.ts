/**
 * `Content-Length` frames over a stream, as vscode-jsonrpc writes them; small enough for a process that is started for every run.
 *
 * F1. A frame's length is judged from its header, before one byte of its body is kept.
 * F2. At most one frame and one header are kept at any time. After the first fault the decoder takes nothing any more.
 */

/** Longest header; the two fields that exist have below 100 bytes. */
const HEADER_BYTES_MAX = 512;
const SEPARATOR = Buffer.from('\r\n\r\n');

export type FrameFault = { readonly code: 'too_large' | 'invalid_params'; readonly message: string };

export const encodeFrame = (message: unknown): Buffer => {
  const body = Buffer.from(JSON.stringify(message));
  return Buffer.concat([Buffer.from(`Content-Length: ${String(body.length)}\r\n\r\n`), body]);
};

export class FrameDecoder {
  readonly #bodyBytesMax: number;
  readonly #onBody: (body: Buffer) => void;
  #header: Buffer = Buffer.alloc(0);
  #body: Buffer[] = [];
  /** Bytes of the body that are still to come; null while a header is being read. */
  #missing: number | null = null;
  #fault: FrameFault | null = null;

  /** @param onBody Gets every whole body, in order. */
  constructor(bodyBytesMax: number, onBody: (body: Buffer) => void) {
    this.#bodyBytesMax = bodyBytesMax;
    this.#onBody = onBody;
  }

  /** Takes the next bytes; returns the fault that ends this stream, if there is one. */
  push(chunk: Buffer): FrameFault | null {
    let rest = chunk;
    while (rest.length > 0 && this.#fault === null) {
      rest = this.#missing === null ? this.#readHeader(rest) : this.#readBody(rest, this.#missing);
    }
    return this.#fault;
  }

  #readHeader(chunk: Buffer): Buffer {
    const before = this.#header.length;
    const seen = before === 0 ? chunk : Buffer.concat([this.#header, chunk.subarray(0, HEADER_BYTES_MAX)]);
    const end = seen.indexOf(SEPARATOR);
    if (end < 0 || end > HEADER_BYTES_MAX) {
      if (seen.length > HEADER_BYTES_MAX) return this.#fail('invalid_params', 'the header of a frame has no end');
      this.#header = Buffer.from(seen);
      return Buffer.alloc(0);
    }
    this.#header = Buffer.alloc(0);
    const length = /^content-length: *(\d{1,15})$/im.exec(seen.toString('latin1', 0, end))?.[1];
    if (length === undefined) return this.#fail('invalid_params', 'a frame must begin with Content-Length: <bytes>');
    if (Number(length) > this.#bodyBytesMax) {
      const limit = String(this.#bodyBytesMax);
      return this.#fail('too_large', `a message of ${length} bytes was refused, at most ${limit} are taken`);
    }
    this.#missing = Number(length);
    if (this.#missing === 0) return this.#fail('invalid_params', 'a frame must have a body');
    return chunk.subarray(end + SEPARATOR.length - before);
  }

  #readBody(chunk: Buffer, missing: number): Buffer {
    const part = chunk.subarray(0, missing);
    this.#body.push(part);
    this.#missing = missing - part.length;
    if (this.#missing === 0) {
      const body = this.#body.length === 1 ? part : Buffer.concat(this.#body);
      this.#body = [];
      this.#missing = null;
      this.#onBody(body);
    }
    return chunk.subarray(part.length);
  }

  #fail(code: FrameFault['code'], message: string): Buffer {
    this.#fault = { code, message };
    this.#header = Buffer.alloc(0);
    this.#body = [];
    return Buffer.alloc(0);
  }
}
