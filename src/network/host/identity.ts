import { chmod, link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { randomUUID } from 'node:crypto';
import { generateKeyPair, generateKeyPairFromSeed, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { NetworkError } from '../errors.ts';

/**
 * The node's identity from a file; makes one (ed25519, protobuf, mode 0600) when there is none. Two processes that start
 * at once get the same key. A file readable by others is narrowed to 0600.
 *
 * @returns the key as libp2p's protobuf
 * @throws NetworkError KEY_INVALID
 */
export async function loadOrCreateKey(path: string): Promise<Uint8Array> {
  const existing = await load(path);
  if (existing !== undefined) return existing;
  const key = privateKeyToProtobuf(await generateKeyPair('Ed25519'));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${randomUUID()}`;
  await writeFile(temporary, key, { mode: 0o600, flag: 'wx' });
  try {
    // link, unlike rename, fails when another process was faster; the faster one's key wins.
    await link(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(temporary, { force: true });
  }
  return await load(path) ?? key;
}

async function load(path: string): Promise<Uint8Array | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = new Uint8Array(await readFile(path));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    privateKeyFromProtobuf(bytes);
  } catch (cause) {
    throw new NetworkError('KEY_INVALID', 'the identity file does not hold a private key', {
      details: path, cause, hint: 'restore it from a backup, or move it away to get a new identity',
    });
  }
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  return bytes;
}

/** A private key from a 32-byte ed25519 seed or a libp2p protobuf. @throws NetworkError KEY_INVALID */
export async function parseKey(bytes: Uint8Array): Promise<PrivateKey> {
  try {
    return bytes.length === 32 ? await generateKeyPairFromSeed('Ed25519', bytes) : privateKeyFromProtobuf(bytes);
  } catch (cause) {
    throw new NetworkError('KEY_INVALID', 'not a private key', { details: `${bytes.length} bytes`, cause });
  }
}
