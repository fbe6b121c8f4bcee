import type { webcrypto } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { Hex } from 'viem';
import { bytesToHex, hexToBytes } from 'viem/utils';
import { messageOf } from '../../protocol/base/errors.ts';
import { EvidenceError } from '../errors.ts';

/** A client's key pair for one job: 32 bytes each, X25519 (RFC 7748). */
export interface SealKeys { publicKey: Hex; privateKey: Hex }

/** RFC 9180 base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */
export const sealSuite = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/**
 * Makes a key pair that evidence is sealed to.
 *
 * @param seed 32 bytes; the same seed gives the same keys (RFC 9180, 7.1.3, DeriveKeyPair), so a client can restore them; random when left out
 * @throws EvidenceError SEAL_KEY_INVALID for a seed of another length
 */
export async function createSealKeys(seed?: Hex): Promise<SealKeys> {
  if (seed !== undefined && !/^0x[0-9a-f]{64}$/i.test(seed)) throw invalid('the seed is not 32 bytes of hex');
  const pair = seed === undefined ? await sealSuite.kem.generateKeyPair() : await sealSuite.kem.deriveKeyPair(buffer(hexToBytes(seed)));
  return {
    publicKey: bytesToHex(new Uint8Array(await sealSuite.kem.serializePublicKey(pair.publicKey))),
    privateKey: bytesToHex(new Uint8Array(await sealSuite.kem.serializePrivateKey(pair.privateKey))),
  };
}

/** Imports a public key. @throws EvidenceError SEAL_KEY_INVALID */
export async function importPublicKey(key: Hex): Promise<webcrypto.CryptoKey> {
  return importing(() => sealSuite.kem.deserializePublicKey(buffer(hexToBytes(key))));
}

/** Imports a private key. @throws EvidenceError SEAL_KEY_INVALID */
export async function importPrivateKey(key: Hex): Promise<webcrypto.CryptoKey> {
  return importing(() => sealSuite.kem.deserializePrivateKey(buffer(hexToBytes(key))));
}

/** A copy with its own ArrayBuffer: WebCrypto takes no view into a larger one. */
export function buffer(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

async function importing(run: () => Promise<webcrypto.CryptoKey>): Promise<webcrypto.CryptoKey> {
  try {
    return await run();
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

function invalid(details: string, cause?: unknown): EvidenceError {
  return new EvidenceError('SEAL_KEY_INVALID', 'not an X25519 sealing key', { details, cause });
}
