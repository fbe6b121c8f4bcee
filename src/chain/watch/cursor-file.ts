import { readFile } from 'node:fs/promises';
import type { Address, Hex } from 'viem';
import { z } from 'zod';
import { messageOf } from '../../protocol/index.ts';
import type { RpcLog } from './decode-events.ts';
import { ChainError } from '../errors.ts';
import { writeFileAtomically } from '../write-file.ts';

/** A block the watcher is through with, and the logs it delivered from it: what to take back if the block goes. */
export interface ProcessedBlock { number: number; hash: Hex; logs: RpcLog[] }

/** How far a watcher has come. */
export interface Cursor {
  version: 1;
  chainId: number;
  scheduler: Address;
  /** The block before the first one that was ever read. */
  start: number;
  /** Everything up to this block is delivered. */
  block: number;
  /** The newest blocks whose hash is known, ascending. */
  recent: ProcessedBlock[];
  /** Nothing was dropped from `recent` yet: it holds all that was ever delivered. */
  complete: boolean;
}

const hex = z.string().regex(/^0x[0-9a-f]*$/i).transform((text) => text as Hex);
const log = z.object({
  address: hex, topics: z.array(hex), data: hex, blockNumber: hex, blockHash: hex, transactionHash: hex, logIndex: hex, blockTimestamp: hex.exactOptional(),
});
const schema = z.object({
  version: z.literal(1), chainId: z.number().int(), scheduler: hex, start: z.number().int().min(-1), block: z.number().int().min(-1), complete: z.boolean(),
  recent: z.array(z.object({ number: z.number().int(), hash: hex, logs: z.array(log) })),
});

/** Reads a cursor; undefined when there is no file. @throws ChainError CURSOR_INVALID */
export async function readCursor(path: string): Promise<Cursor | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return undefined;
    throw new ChainError('CURSOR_INVALID', 'the watcher\'s cursor file cannot be read', {
      details: `${path}: ${messageOf(cause)}`, cause, hint: 'delete it to scan again from the deployment',
    });
  }
}

/** Replaces the cursor in one step. @throws ChainError CURSOR_UNWRITABLE */
export async function writeCursor(path: string, cursor: Cursor): Promise<void> {
  try {
    await writeFileAtomically(path, `${JSON.stringify(cursor)}\n`);
  } catch (cause) {
    throw new ChainError('CURSOR_UNWRITABLE', 'the watcher\'s cursor file cannot be written', { details: messageOf(cause), cause });
  }
}
