import { readFile } from 'node:fs/promises';
import { isAddress, type Address } from 'viem';
import { messageOf } from '../../protocol/index.ts';
import { ChainError } from '../errors.ts';
import { writeFileAtomically } from '../write-file.ts';

/** Where a scheduler is deployed, and with which parameters, where they were written down. */
export interface Addresses {
  chainId: number;
  scheduler: Address;
  coin: Address;
  /** Its events begin here. */
  deploymentBlock: bigint;
  randomness?: Address;
  /** Blocks. */
  seedDelay?: number;
  minWindowSeconds?: number;
  maxWindowSeconds?: number;
}

/** Writes an addresses file: JSON, the block as decimal text. */
export async function writeAddresses(path: string, addresses: Addresses): Promise<void> {
  const { chainId, scheduler, coin, deploymentBlock, randomness, seedDelay, minWindowSeconds, maxWindowSeconds } = addresses;
  const value = { chainId, scheduler, coin, deploymentBlock: String(deploymentBlock), randomness, seedDelay, minWindowSeconds, maxWindowSeconds };
  await writeFileAtomically(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** Reads an addresses file. @throws ChainError ADDRESSES_INVALID when it is missing or malformed */
export async function readAddresses(path: string): Promise<Addresses> {
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
  } catch (cause) {
    throw invalid(path, messageOf(cause), cause);
  }
  const { chainId, scheduler, coin, deploymentBlock, randomness, ...parameters } = value ?? {};
  if (!Number.isSafeInteger(chainId)) throw invalid(path, 'chainId is not a number');
  if (typeof scheduler !== 'string' || !isAddress(scheduler)) throw invalid(path, 'scheduler is not an address');
  if (typeof coin !== 'string' || !isAddress(coin)) throw invalid(path, 'coin is not an address');
  if (!/^\d+$/.test(String(deploymentBlock))) throw invalid(path, 'deploymentBlock is not a number');
  if (randomness !== undefined && (typeof randomness !== 'string' || !isAddress(randomness))) throw invalid(path, 'randomness is not an address');
  const numbers = Object.fromEntries((['seedDelay', 'minWindowSeconds', 'maxWindowSeconds'] as const).flatMap((name) => {
    if (parameters[name] === undefined) return [];
    if (!Number.isSafeInteger(parameters[name])) throw invalid(path, `${name} is not a number`);
    return [[name, Number(parameters[name])]];
  }));
  return {
    chainId: Number(chainId), scheduler, coin, deploymentBlock: BigInt(String(deploymentBlock)), ...(randomness === undefined ? {} : { randomness }), ...numbers,
  };
}

function invalid(path: string, details: string, cause?: unknown): ChainError {
  return new ChainError('ADDRESSES_INVALID', 'the file of contract addresses cannot be used', { details: `${path}: ${details}`, cause });
}
