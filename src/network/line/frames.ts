import { NetworkError } from '../errors.ts';

/** One of our protocols' requests, or word that its answer is not wanted any more. */
export type Question = { kind: 'ask'; id: number; protocol: string; payload: Uint8Array } | { kind: 'cancel'; id: number };
/** An answer's envelope; or that it is too long for a line and must be asked for on a stream of its own; or that the protocol is not served here. */
export type Reply = { kind: 'answer'; id: number; envelope: Uint8Array } | { kind: 'alone' | 'unserved'; id: number };

const QUESTIONS = { ask: 0, cancel: 1 } as const;
const REPLIES = ['answer', 'alone', 'unserved'] as const;
/** Kind and number. */
const HEAD_BYTES = 5;

/** `kind (1) ‖ id (4, big-endian)`, then of an ask `length (1) ‖ protocol ‖ payload`. */
export function encodeQuestion(question: Question): Uint8Array {
  if (question.kind === 'cancel') return withHead(QUESTIONS.cancel, question.id, []);
  const name = Buffer.from(question.protocol, 'ascii');
  return withHead(QUESTIONS.ask, question.id, [Uint8Array.of(name.length), name, question.payload]);
}

/** @throws NetworkError PROTOCOL_VIOLATION */
export function decodeQuestion(frame: Uint8Array): Question {
  const id = idOf(frame);
  if (frame[0] === QUESTIONS.cancel) return { kind: 'cancel', id };
  const length = frame[HEAD_BYTES] ?? 0;
  const start = HEAD_BYTES + 1 + length;
  if (frame[0] !== QUESTIONS.ask || frame.length < start) throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a malformed question', { details: `kind ${frame[0]}, ${frame.length} bytes` });
  return { kind: 'ask', id, protocol: Buffer.from(frame.buffer, frame.byteOffset + HEAD_BYTES + 1, length).toString('latin1'), payload: frame.subarray(start) };
}

/** `kind (1) ‖ id (4, big-endian) ‖ envelope`. */
export function encodeReply(reply: Reply): Uint8Array {
  return withHead(REPLIES.indexOf(reply.kind), reply.id, reply.kind === 'answer' ? [reply.envelope] : []);
}

/** @throws NetworkError PROTOCOL_VIOLATION */
export function decodeReply(frame: Uint8Array): Reply {
  const id = idOf(frame);
  const kind = REPLIES[frame[0]!];
  if (kind === undefined) throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a reply of unknown kind', { details: String(frame[0]) });
  return kind === 'answer' ? { kind, id, envelope: frame.subarray(HEAD_BYTES) } : { kind, id };
}

function idOf(frame: Uint8Array): number {
  if (frame.length < HEAD_BYTES) throw new NetworkError('PROTOCOL_VIOLATION', 'the peer sent a frame that is too short', { details: `${frame.length} bytes` });
  return new DataView(frame.buffer, frame.byteOffset).getUint32(1);
}

function withHead(kind: number, id: number, parts: Uint8Array[]): Uint8Array {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = kind;
  head.writeUInt32BE(id, 1);
  return Buffer.concat([head, ...parts]);
}
