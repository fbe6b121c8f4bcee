import type { Libp2p, PeerId, Stream } from '@libp2p/interface';
import type { CID } from 'multiformats/cid';
import { anySignal } from '../../protocol/base/any-signal.ts';
import { isError } from '../../protocol/base/errors.ts';
import { sectionHead } from '../car/write-car.ts';
import { StorageError } from '../errors.ts';
import { ByteQueue } from '../stream/byte-queue.ts';
import { giveBack } from '../stream/buffers.ts';
import { MAX_ANSWER_BLOCKS, WRITE_TIMEOUT_MS } from '../stream/constants.ts';
import { walkDag, type WalkInit } from '../stream/walk-dag.ts';
import { isLeaf } from '../unixfs/links.ts';
import { CAR_PROTOCOL, MAX_QUESTIONS, MAX_REQUEST_BYTES, REQUEST_READ_TIMEOUT_MS, SEND_BATCH_BYTES, STREAMS_PER_PEER, STREAMS_TOTAL } from './constants.ts';
import type { DirectDoor } from './direct-door.ts';
import { decodeRequest, encodeOffer, STATUS, type CarRequest } from './messages.ts';
import { receiveBytes, sendBytes } from '../stream/peer-bytes.ts';

export interface ServeCarInit {
  /** Whether a peer may have a block; everybody may have everything when absent. */
  allow?: (cid: CID, peer: PeerId) => boolean;
  /** By which peers that want it are sent whole DAGs. */
  door?: DirectDoor;
  streamsPerPeer?: number;
  streamsTotal?: number;
  readTimeoutMs?: number;
  writeTimeoutMs?: number;
}

/**
 * Serves the blocks of this machine to peers as streams of CAR sections, depth first: what they ask for that is here, and an empty
 * section at the end. Nobody's request makes this node look elsewhere.
 *
 * @param read a verified block of this machine; undefined when it is not here
 * @param readMany many of them; undefined for one that is to be read by itself
 * @returns stops serving
 */
export async function serveCar(
  { libp2p, read, readMany }: { libp2p: Pick<Libp2p, 'handle' | 'unhandle'>; read: (cid: CID, signal: AbortSignal) => Promise<Uint8Array | undefined>; readMany?: WalkInit['readMany'] },
  { allow = () => true, door, streamsPerPeer = STREAMS_PER_PEER, streamsTotal = STREAMS_TOTAL, readTimeoutMs = REQUEST_READ_TIMEOUT_MS, writeTimeoutMs = WRITE_TIMEOUT_MS }: ServeCarInit = {},
): Promise<() => Promise<void>> {
  const open = new Map<string, number>();
  const stopped = new AbortController();
  let total = 0;

  async function answer(stream: Stream, peer: PeerId, signal: AbortSignal): Promise<void> {
    const { roots, scope, direct } = await readRequest(stream, anySignal(signal, AbortSignal.timeout(readTimeoutMs)), readTimeoutMs);
    const send = (bytes: Uint8Array) => sendBytes(stream, bytes, { signal, timeoutMs: writeTimeoutMs });
    if (!allow(roots[0]!, peer)) return send(Uint8Array.of(STATUS.REFUSED));
    const find = async (cid: CID) => (allow(cid, peer) ? read(cid, signal) : undefined);
    const many: Pick<WalkInit, 'readMany'> = readMany === undefined ? {} : {
      readMany: async (cids) => (await readMany(cids)).map((bytes, i) => (allow(cids[i]!, peer) ? bytes : undefined)),
    };
    if (scope === 'ask') return send(Uint8Array.of(await find(roots[0]!) === undefined ? STATUS.ABSENT : STATUS.HERE));
    const key = peer.toString();
    const mine = open.get(key) ?? 0;
    if (scope === 'dag' && (mine >= streamsPerPeer || total >= streamsTotal)) return send(Uint8Array.of(STATUS.BUSY));
    open.set(key, mine + 1);
    total++;
    try {
      if (direct !== true || scope !== 'dag' || door === undefined) {
        await send(Uint8Array.of(STATUS.HERE));
        await sendSections(walkDag(roots, find, { signal, ...many, ...(scope === 'block' && { depth: 0 }) }), send);
        return;
      }
      const offer = door.offer();
      const taken = offer.taken(signal);
      await Promise.all([send(Buffer.concat([Uint8Array.of(STATUS.DIRECT), encodeOffer(offer)])), taken]);
      const writer = await taken;
      try {
        await sendSections(walkDag(roots, find, { signal, ...many }), (bytes) => writer.send(bytes, { signal, timeoutMs: writeTimeoutMs }), true);
        await writer.end({ signal });
      } finally {
        writer.destroy();
      }
    } finally {
      total--;
      const left = open.get(key)! - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    }
  }

  async function handle(stream: Stream, peer: PeerId): Promise<void> {
    const gone = new AbortController();
    stream.addEventListener('close', () => gone.abort(new StorageError('STREAM_CUT', 'the peer went away')), { once: true });
    try {
      await answer(stream, peer, anySignal(gone.signal, stopped.signal));
      await stream.close({ signal: AbortSignal.timeout(writeTimeoutMs) });
    } catch (error) {
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    }
  }

  await libp2p.handle(CAR_PROTOCOL, (stream, connection) => { void handle(stream, connection.remotePeer); }, { maxInboundStreams: streamsPerPeer + MAX_QUESTIONS });
  return async () => {
    stopped.abort(new StorageError('STREAM_CUT', 'this node is stopping'));
    await libp2p.unhandle(CAR_PROTOCOL);
  };
}

/**
 * Sections, and the empty one at the end; small ones together.
 *
 * @param copies `send` does not look at the bytes any more once it has resolved
 */
async function sendSections(blocks: AsyncIterable<{ cid: CID; bytes: Uint8Array | undefined }>, send: (bytes: Uint8Array) => Promise<void>, copies = false): Promise<void> {
  let sent = 0;
  let batch: Uint8Array[] = [];
  let length = 0;
  /** Of a node the links are still to be walked, and look at its bytes. */
  let leaves: Uint8Array[] = [];
  const flush = async () => {
    const joined = Buffer.concat(batch);
    for (const leaf of leaves) giveBack(leaf);
    batch = [];
    leaves = [];
    length = 0;
    if (joined.length > 0) await send(joined);
  };
  for await (const { cid, bytes } of blocks) {
    if (bytes === undefined) continue;
    const head = sectionHead(cid, bytes.length);
    batch.push(head);
    length += head.length;
    if (bytes.length >= SEND_BATCH_BYTES) {
      await flush();
      await send(bytes);
      if (copies && isLeaf(cid)) giveBack(bytes);
    } else {
      batch.push(bytes);
      if (isLeaf(cid)) leaves.push(bytes);
      length += bytes.length;
      if (length >= SEND_BATCH_BYTES) await flush();
    }
    if (++sent >= MAX_ANSWER_BLOCKS) break;
  }
  batch.push(Uint8Array.of(0));
  await flush();
}

async function readRequest(stream: Stream, signal: AbortSignal, stallMs: number): Promise<CarRequest> {
  const queue = new ByteQueue(receiveBytes(stream), { signal, stallMs });
  try {
    const length = await queue.varint();
    if (length === undefined || length > MAX_REQUEST_BYTES) throw new StorageError('SOURCE_INVALID', 'a malformed request', { details: `${length} bytes` });
    const bytes = await queue.take(length);
    if (bytes === undefined) throw new StorageError('STREAM_CUT', 'the peer sent no request');
    return decodeRequest(bytes);
  } catch (error) {
    if (isError(error)) throw error;
    throw new StorageError('STALLED', 'the request took too long', { cause: error });
  } finally {
    queue.stop();
  }
}
