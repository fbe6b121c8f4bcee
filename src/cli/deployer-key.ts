import { readFile } from 'node:fs/promises';
import type { Hex } from 'viem';
import { openKeystore } from '../chain/index.ts';
import { messageOf } from '../protocol/index.ts';
import { UsageError } from './usage-error.ts';

/**
 * The key a deployment is paid with: a file's, which holds hex digits or is a keystore (its password in $GADUS_KEYSTORE_PASSWORD), else
 * $GADUS_PRIVATE_KEY. Undefined where neither is given.
 *
 * @throws UsageError; ChainError KEYSTORE_INVALID
 */
export async function deployerKey(keyFile: string | undefined): Promise<Hex | undefined> {
  const given = keyFile === undefined ? process.env.GADUS_PRIVATE_KEY : await read(keyFile);
  if (given === undefined || given === '') return undefined;
  const text = given.trim();
  if (text.startsWith('{')) {
    const password = process.env.GADUS_KEYSTORE_PASSWORD;
    if (password === undefined) throw new UsageError('the keystore needs its password', 'set GADUS_KEYSTORE_PASSWORD');
    return openKeystore(text, password);
  }
  if (!/^(0x)?[0-9a-fA-F]{64}$/.test(text)) throw new UsageError('this is no private key', '64 hex digits, or a keystore of version 3, are needed');
  return (text.startsWith('0x') ? text : `0x${text}`) as Hex;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new UsageError('the key file cannot be read', messageOf(error));
  }
}
