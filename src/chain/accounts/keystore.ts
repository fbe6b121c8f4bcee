import { createDecipheriv, pbkdf2, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { bytesToHex, concat, hexToBytes, keccak256, type Hex } from 'viem';
import { z } from 'zod';
import { messageOf } from '../../protocol/index.ts';
import { ChainError } from '../errors.ts';

/** Most memory a keystore may ask scrypt for, bytes: wallets use 256 MiB, a hostile file would use all there is. */
const MAX_SCRYPT_BYTES = 1024 ** 3;
const MAX_PBKDF2_ROUNDS = 10_000_000;

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-fA-F]{${2 * bytes}}$`)).transform((text) => hexToBytes(`0x${text}`));
const count = z.number().int().positive();
const salt = z.string().regex(/^([0-9a-fA-F]{2})+$/).transform((text) => hexToBytes(`0x${text}`));
const crypto = z.object({ cipher: z.literal('aes-128-ctr'), ciphertext: hex(32), cipherparams: z.object({ iv: hex(16) }), mac: hex(32) });
const keystore = z.object({
  version: z.literal(3),
  crypto: z.discriminatedUnion('kdf', [
    crypto.extend({ kdf: z.literal('scrypt'), kdfparams: z.object({ dklen: z.literal(32), n: count, r: count, p: count, salt }) }),
    crypto.extend({ kdf: z.literal('pbkdf2'), kdfparams: z.object({ dklen: z.literal(32), c: count.max(MAX_PBKDF2_ROUNDS), prf: z.literal('hmac-sha256'), salt }) }),
  ]),
});

/**
 * The private key in a keystore of version 3, which geth, cast and most wallets write (Web3 Secret Storage).
 *
 * @throws ChainError KEYSTORE_INVALID, also for a wrong password
 */
export async function openKeystore(json: string, password: string): Promise<Hex> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  // Old writers capitalised the field.
  const parsed = keystore.safeParse(isRecord(value) && 'Crypto' in value ? { ...value, crypto: value.Crypto } : value);
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  const { ciphertext, cipherparams, mac, ...derivation } = parsed.data.crypto;
  const derived = await derive(derivation, password);
  const expected = keccak256(concat([derived.subarray(16), ciphertext]), 'bytes');
  if (!timingSafeEqual(expected, mac)) throw invalid('the password is wrong, or the file is damaged');
  const decipher = createDecipheriv('aes-128-ctr', derived.subarray(0, 16), cipherparams.iv);
  return bytesToHex(Buffer.concat([decipher.update(ciphertext), decipher.final()]));
}

type Derivation = Pick<z.output<typeof keystore>['crypto'], 'kdf' | 'kdfparams'>;

async function derive({ kdfparams: params }: Derivation, password: string): Promise<Uint8Array> {
  if ('c' in params) return promisify(pbkdf2)(password, params.salt, params.c, params.dklen, 'sha256');
  const { n, r, p, dklen, salt } = params;
  const memory = 128 * n * r + 128 * r * p;
  if (memory > MAX_SCRYPT_BYTES) throw invalid(`scrypt would need ${memory} bytes of memory`);
  return new Promise((resolve, reject) => {
    try {
      scrypt(password, salt, dklen, { N: n, r, p, maxmem: 2 * memory }, (error, key) => (error === null ? resolve(key) : reject(error)));
    } catch (cause) {
      reject(invalid(messageOf(cause), cause));
    }
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function invalid(details: string, cause?: unknown): ChainError {
  return new ChainError('KEYSTORE_INVALID', 'the keystore cannot be opened', { details, cause, hint: 'a keystore of version 3 and its password are needed' });
}
