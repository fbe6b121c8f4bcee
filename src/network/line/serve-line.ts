import type { Libp2p, PeerId, Stream } from '@libp2p/interface';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { untilIdle } from '../../protocol/wire/byte-stream.ts';
import { toError } from '../streams/call.ts';
import { LINE_BACKLOG_BYTES, LINE_PROTOCOL, MAX_LINE_FRAME_BYTES, MAX_LINE_REPLY_BYTES, MAX_LINES_PER_CONNECTION, WRITE_TIMEOUT_MS } from '../constants.ts';
import { NetworkError } from '../errors.ts';
import { finish, readFrames, writeFrame } from '../streams/frames.ts';
import { decodeQuestion, encodeReply, type Reply } from './frames.ts';

/** Answers one request with an envelope; never throws. */
export type Answerer = (payload: Uint8Array, asker: { peer: PeerId; signal: AbortSignal }) => Promise<Uint8Array>;

type Listener = Pick<Libp2p, 'handle' | 'unhandle'>;

/** What each host answers on lines, by protocol. */
const served = new WeakMap<Listener, Map<string, Answerer>>();

/** Answers a protocol's requests on lines, too. @returns a function that ends it */
export async function serveOnLines(host: Listener, protocol: string, answer: Answerer): Promise<() => Promise<void>> {
  let answerers = served.get(host);
  if (answerers === undefined) served.set(host, answerers = new Map());
  const first = answerers.size === 0;
  answerers.set(protocol, answer);
  if (first) {
    await host.handle(LINE_PROTOCOL, (stream, { remotePeer }) => {
      serveStream(stream, remotePeer, answerers).then(() => finish(stream), (error: unknown) => stream.abort(toError(error)));
    }, { maxInboundStreams: MAX_LINES_PER_CONNECTION });
  }
  return async () => {
    if (answerers.get(protocol) === answer) answerers.delete(protocol);
    if (answerers.size === 0) await host.unhandle(LINE_PROTOCOL);
  };
}

async function serveStream(stream: Stream, peer: PeerId, answerers: ReadonlyMap<string, Answerer>): Promise<void> {
  const running = new Map<number, AbortController>();
  const gone = new AbortController();
  stream.addEventListener('close', () => gone.abort(new NetworkError('STREAM_CLOSED', 'the peer went away')), { once: true });
  const say = (reply: Reply) => writeFrame(stream, encodeReply(reply), { signal: anySignal(gone.signal, AbortSignal.timeout(WRITE_TIMEOUT_MS)) })
    .catch((error: unknown) => stream.abort(toError(error)));
  try {
    for await (const frame of readFrames(stream, { maxBytes: MAX_LINE_FRAME_BYTES, signal: gone.signal })) {
      const question = decodeQuestion(frame);
      const { id } = question;
      if (question.kind === 'cancel') {
        running.get(id)?.abort(new NetworkError('STREAM_CLOSED', 'the peer does not want it any more'));
        continue;
      }
      if (running.has(id)) throw new NetworkError('PROTOCOL_VIOLATION', 'the peer asked two questions under one number', { details: String(id) });
      const answer = answerers.get(question.protocol);
      if (answer === undefined) {
        await say({ kind: 'unserved', id });
        continue;
      }
      const controller = new AbortController();
      running.set(id, controller);
      void answer(question.payload, { peer, signal: anySignal(controller.signal, gone.signal) }).then(async (envelope) => {
        running.delete(id);
        if (controller.signal.aborted || gone.signal.aborted) return;
        await say(envelope.length > MAX_LINE_REPLY_BYTES - 16 ? { kind: 'alone', id } : { kind: 'answer', id, envelope });
      });
      // Who asks and does not read the answers is not read from any more.
      if (stream.writeBufferLength > LINE_BACKLOG_BYTES) await untilIdle(stream, { signal: gone.signal, cut: () => new NetworkError('STREAM_CLOSED', 'the peer went away') });
    }
  } finally {
    for (const controller of running.values()) controller.abort(new NetworkError('STREAM_CLOSED', 'the peer went away'));
  }
}
