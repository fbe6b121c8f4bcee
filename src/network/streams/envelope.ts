import { MAX_REASON_BYTES } from '../constants.ts';
import { NetworkError } from '../errors.ts';

/** First byte of every frame from server to client. */
const KINDS = { message: 0, refused: 1, end: 2, alive: 3 } as const;

/** A server's frame: an encoded message, a refusal with its reason, the end of a stream, or a sign of life. */
export type Envelope =
  | { kind: 'message'; payload: Uint8Array }
  | { kind: 'refused'; reason: string }
  | { kind: 'end' }
  | { kind: 'alive' };

/** Room an envelope needs around a message of `maxBytes`. */
export function maxEnvelopeBytes(maxBytes: number): number {
  return 1 + Math.max(maxBytes, MAX_REASON_BYTES);
}

/** One byte of kind, then the payload. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  if (envelope.kind === 'message') return prefixed(KINDS.message, envelope.payload);
  if (envelope.kind === 'refused') return prefixed(KINDS.refused, new TextEncoder().encode(envelope.reason).subarray(0, MAX_REASON_BYTES));
  return new Uint8Array([KINDS[envelope.kind]]);
}

/** @throws NetworkError PROTOCOL_VIOLATION */
export function decodeEnvelope(frame: Uint8Array): Envelope {
  const payload = frame.subarray(1);
  switch (frame[0]) {
    case KINDS.message: return { kind: 'message', payload };
    case KINDS.refused: return { kind: 'refused', reason: printable(new TextDecoder().decode(payload.subarray(0, MAX_REASON_BYTES))) };
    case KINDS.end: return { kind: 'end' };
    case KINDS.alive: return { kind: 'alive' };
    default: throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a frame of unknown kind', { details: String(frame[0]) });
  }
}

/** A stranger's text may end up on a terminal. */
function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}]/gu, ' ');
}

function prefixed(kind: number, payload: Uint8Array): Uint8Array {
  const frame = new Uint8Array(payload.length + 1);
  frame[0] = kind;
  frame.set(payload, 1);
  return frame;
}
