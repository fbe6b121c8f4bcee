import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { isError } from '../../../protocol/index.ts';
import { misbehaved, readFrames, type Frame } from '../wire.ts';
import { MAX_STREAMS, MAX_TUNNEL_FRAME_BYTES } from './constants.ts';
import { GuestStream } from './guest-stream.ts';
import { BYTES, CREDIT, END, OPEN, RESET } from './tunnel-frames.ts';

/** Many connections of one guest over one channel. */
export interface Tunnel {
  /** Rejects when the guest breaks the protocol (ExecutorError GUEST_MISBEHAVED); never resolves. */
  broken: Promise<never>;
  /** Ends every stream and the channel. */
  close(): Promise<void>;
}

/**
 * Takes the streams that a guest opens, as docs/microvm.md has them. The guest is a stranger: a frame that is none ends the tunnel, and what
 * is kept for it is one frame, and a window for each of the streams that `accept` does not turn away.
 */
export function openTunnel(channel: Duplex, accept: (stream: GuestStream) => void): Tunnel {
  const live = new Map<number, GuestStream>();
  const broken = Promise.withResolvers<never>();
  broken.promise.catch(() => undefined);
  let newest = 0;

  const open = (id: number) => {
    if (live.size >= MAX_STREAMS) throw misbehaved('too many streams');
    newest = id;
    const stream = new GuestStream(id, {
      send: (frame, done) => {
        if (channel.writable) channel.write(frame, done);
        else done?.(new Error('the tunnel is closed'));
      },
      forget: () => live.delete(id),
    });
    stream.on('error', () => undefined);
    live.set(id, stream);
    accept(stream);
  };
  const take = ({ type, payload }: Frame) => {
    if (payload.length < 4) throw misbehaved('a frame of no stream');
    const id = payload.readUInt32BE();
    const rest = payload.subarray(4);
    if ((type === OPEN) !== (id > newest)) throw misbehaved('a stream that was there before, or never');
    if (rest.length !== (type === CREDIT ? 4 : 0) && type !== BYTES) throw misbehaved(`frame ${type} of ${rest.length} bytes`);
    if (type === OPEN) return open(id);
    // What is said of a stream that the host has given up was on its way.
    const stream = live.get(id);
    if (type === BYTES) stream?.received(rest);
    else if (type === CREDIT) stream?.credited(rest.readUInt32BE());
    else if (type === END) stream?.ended();
    else if (type === RESET) stream?.hungUp();
    else throw misbehaved(`frame ${type} in a tunnel`);
  };

  const reading = (async () => {
    try {
      for await (const frame of readFrames(channel, MAX_TUNNEL_FRAME_BYTES)) {
        take(frame);
        // A guest that asks and does not listen to the answers is asked nothing more.
        if (channel.writableNeedDrain) await drained(channel);
      }
    } catch (error) {
      if (isError(error, 'GUEST_MISBEHAVED')) broken.reject(error);
    } finally {
      channel.destroy();
      for (const stream of live.values()) stream.hungUp();
    }
  })();
  return {
    broken: broken.promise,
    async close() {
      channel.destroy();
      await reading;
    },
  };
}

async function drained(channel: Duplex): Promise<void> {
  const over = new AbortController();
  try {
    await Promise.race(['drain', 'close'].map((event) => once(channel, event, { signal: over.signal })));
  } finally {
    over.abort();
  }
}
