import type { Libp2p, PeerId } from '@libp2p/interface';
import * as lp from 'it-length-prefixed';
import type { CID } from 'multiformats/cid';
import { DIAL_TIMEOUT_MS } from '../constants.ts';

export const BITSWAP_PROTOCOL = '/ipfs/bitswap/1.2.0';

/**
 * Tells a peer that a block is not wanted any more. Helia's bitswap never does; but its server answers a want once (with the block, or
 * with DONT_HAVE), and stays silent when the block is asked for again, until the want was cancelled.
 *
 * Best effort: a peer that cannot be told is noticed elsewhere.
 */
export async function cancelWant(libp2p: Libp2p, peer: PeerId, cid: CID): Promise<void> {
  const signal = AbortSignal.timeout(DIAL_TIMEOUT_MS);
  try {
    if (libp2p.getConnections(peer).length === 0) return;
    const stream = await libp2p.dialProtocol(peer, BITSWAP_PROTOCOL, { signal });
    stream.send(lp.encode.single(encodeCancel(cid)));
    await stream.close({ signal });
  } catch {
    // The peer went away, or does not speak bitswap.
  }
}

/** Message { wantlist = 1 { entries = 1 { block = 1, priority = 2, cancel = 3 } } }, https://specs.ipfs.tech/bitswap-protocol/ */
export function encodeCancel(cid: CID): Uint8Array {
  const entry = new Uint8Array([...field(1, cid.bytes), 2 << 3, 1, 3 << 3, 1]);
  return field(1, field(1, entry));
}

/** A length-delimited protobuf field of less than 16 KiB. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const length = bytes.length < 0x80 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
  return new Uint8Array([(number << 3) | 2, ...length, ...bytes]);
}
