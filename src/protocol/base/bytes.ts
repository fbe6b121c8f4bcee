import { CID } from 'multiformats/cid';
import * as raw from 'multiformats/codecs/raw';
import { create as createDigest } from 'multiformats/hashes/digest';
import type { Hex } from 'viem';
import { bytesToHex, hexToBytes } from 'viem/utils';
import { ProtocolError } from './errors.ts';

const SHA2_256 = 0x12;

/** Parses a CID. @throws ProtocolError CID_INVALID */
export function parseCid(text: string): CID {
  try {
    return CID.parse(text);
  } catch (cause) {
    throw new ProtocolError('CID_INVALID', 'not a CID', { details: text.slice(0, 100), cause });
  }
}

/** The 32-byte SHA-256 digest inside a CID. @throws ProtocolError CID_INVALID for another hash function */
export function cidDigest(cid: CID): Hex {
  if (cid.multihash.code !== SHA2_256 || cid.multihash.digest.length !== 32) {
    throw new ProtocolError('CID_INVALID', 'the CID is not of a SHA-256 digest', { details: cid.toString() });
  }
  return bytesToHex(cid.multihash.digest);
}

/** The raw-codec CID of a SHA-256 digest: a spec's CID from its digest on chain. */
export function cidOfDigest(digest: Hex): CID {
  return CID.createV1(raw.code, createDigest(SHA2_256, hexToBytes(digest)));
}
