import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import * as cborg from 'cborg';
import type { Address, Hex } from 'viem';
import { bytesToHex, encodePacked, hexToBytes } from 'viem/utils';
import { z } from 'zod';
import { MAX_MESSAGE_BYTES } from '../../protocol/constants.ts';
import { messageOf } from '../../protocol/base/errors.ts';
import type { Court, Opening } from '../../protocol/statements/statements.ts';
import { MAX_EVIDENCE_BYTES, SEAL_INFO } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { buffer, importPrivateKey, importPublicKey, sealSuite } from './seal-keys.ts';

/** What sealed bytes are bound to: they do not open for another chain, contract, job or node. */
export interface SealContext { court: Court; jobId: Hex; node: Address }

/** What is sealed: the encoded evidence, and the salt of its commitment. */
export interface SealedPayload { evidence: Uint8Array; salt: Hex }

/** What a node seals. */
export interface SealInit extends SealContext {
  /** X25519 public key from the job's request. */
  sealKey: Hex;
  /** The encoded evidence. */
  evidence: Uint8Array;
  /** What the commitment hides; of it only the salt is not in the evidence already. */
  opening: Pick<Opening, 'salt'>;
}

/** What a client opens. */
export interface UnsealInit extends SealContext { privateKey: Hex; sealed: Uint8Array }

/** Bytes of an encapsulated X25519 key, and of an AES-GCM tag. */
const ENC_BYTES = 32;
const TAG_BYTES = 16;

const payloadSchema = z.strictObject({ evidence: z.instanceof(Uint8Array), salt: z.instanceof(Uint8Array).refine((b) => b.length === 32, 'must be 32 bytes') });
const deflate = promisify(gzip);
const inflate = promisify(gunzip);

/**
 * Seals evidence to a job's key (HPKE base mode, RFC 9180): 32 bytes of encapsulated key, then the ciphertext of gzip(CBOR(payload)).
 *
 * @throws EvidenceError SEAL_KEY_INVALID, EVIDENCE_TOO_LARGE when it would not fit in a message
 */
export async function sealEvidence({ sealKey, evidence, opening, ...context }: SealInit): Promise<Uint8Array> {
  const recipientPublicKey = await importPublicKey(sealKey);
  const plain = await deflate(cborg.encode({ evidence, salt: hexToBytes(opening.salt) }));
  const { enc, ct } = await sealSuite.seal({ recipientPublicKey, info: buffer(new TextEncoder().encode(SEAL_INFO)) }, buffer(plain), buffer(sealContextBytes(context)));
  const sealed = Buffer.concat([new Uint8Array(enc), new Uint8Array(ct)]);
  if (sealed.length > MAX_MESSAGE_BYTES) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the sealed evidence does not fit in a message', { details: `${sealed.length} bytes, at most ${MAX_MESSAGE_BYTES}` });
  return new Uint8Array(sealed);
}

/**
 * Opens sealed bytes from a stranger. The result is bounded however well it was compressed; nothing in it is checked yet: see `openSealed`.
 *
 * @throws EvidenceError SEAL_BROKEN, SEAL_KEY_INVALID, EVIDENCE_MALFORMED, EVIDENCE_TOO_LARGE
 */
export async function unsealEvidence({ sealed, privateKey, ...context }: UnsealInit): Promise<SealedPayload> {
  const recipientKey = await importPrivateKey(privateKey);
  if (sealed.length < ENC_BYTES + TAG_BYTES) throw broken(`${sealed.length} bytes are too few`);
  if (sealed.length > MAX_MESSAGE_BYTES) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the sealed evidence is too large', { details: `${sealed.length} bytes` });
  let plain: ArrayBuffer;
  try {
    plain = await sealSuite.open(
      { recipientKey, enc: buffer(sealed.subarray(0, ENC_BYTES)), info: buffer(new TextEncoder().encode(SEAL_INFO)) },
      buffer(sealed.subarray(ENC_BYTES)), buffer(sealContextBytes(context)),
    );
  } catch (cause) {
    throw broken(messageOf(cause), cause);
  }
  let value: unknown;
  try {
    value = cborg.decode(await inflate(new Uint8Array(plain), { maxOutputLength: MAX_EVIDENCE_BYTES + 1024 }), { strict: true, allowUndefined: false, rejectDuplicateMapKeys: true });
  } catch (cause) {
    throw new EvidenceError('EVIDENCE_MALFORMED', 'the sealed bytes do not hold evidence', { details: messageOf(cause), cause });
  }
  const result = payloadSchema.safeParse(value);
  if (!result.success) throw new EvidenceError('EVIDENCE_MALFORMED', 'the sealed bytes do not hold evidence', { details: result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ') });
  return { evidence: result.data.evidence, salt: bytesToHex(result.data.salt) };
}

/** Associated data: abi.encodePacked(uint256 chainId, address scheduler, bytes32 jobId, address node). */
export function sealContextBytes({ court: { chainId, scheduler }, jobId, node }: SealContext): Uint8Array {
  return hexToBytes(encodePacked(['uint256', 'address', 'bytes32', 'address'], [BigInt(chainId), scheduler, jobId, node]));
}

function broken(details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('SEAL_BROKEN', 'the sealed evidence does not open', {
    details, cause, hint: 'it was sealed to another key, for another job or node, or damaged on the way',
  });
}
