import type { CID } from 'multiformats/cid';
import type { Address } from 'viem';
import { openResult } from '../evidence/index.ts';
import { decodeSpec, parseCid, SHARD_INDEX, shardName } from '../protocol/index.ts';
import { StorageError, type FetchOptions, type Receipt } from '../storage/index.ts';
import type { ClientComponents } from './components.ts';
import { ClientError } from './errors.ts';
import type { JobRecord } from './book/job-record.ts';
import { sealKeysOf } from './request/prepare-job.ts';

/** A result as one of its nodes offers it. */
export interface ResultCopy { node: Address; resultCid: string; encryptedResultCid?: string }

export interface ExportResultInit extends FetchOptions {
  /** As a CAR. */
  car?: boolean;
  /** The copies are of all shards, whose results are to be fetched: of one, or of each. */
  shards?: number | 'all';
}

type Components = Pick<ClientComponents, 'storage' | 'court'>;

/**
 * Fetches a result to a path that must not exist, as a folder or as a CAR. Encrypted, each node has a copy of its own: they are tried in turn
 * until one opens and holds the result.
 *
 * @param copies of one and the same result
 * @throws ClientError NO_RESULT when no copy is encrypted that should be; EvidenceError RESULT_UNOPENED, RESULT_CUT, RESULT_DAMAGED; StorageError as
 * `export` and `exportUnsealed`: what the last copy met
 */
export async function exportResult({ storage, court }: Components, record: JobRecord, copies: readonly ResultCopy[], destination: string, { car = false, shards, ...options }: ExportResultInit = {}): Promise<Receipt> {
  const result = parseCid(copies[0]!.resultCid);
  if (decodeSpec(new TextEncoder().encode(record.spec)).result?.encrypt !== true) {
    const cid = typeof shards === 'number' ? await storage.entry(result, shardName(shards), options) : result;
    return car ? storage.exportCar(cid, destination, options) : storage.export(cid, destination, options);
  }
  const { privateKey } = await sealKeysOf(record.seed);
  let failure: unknown = new ClientError('NO_RESULT', 'no node encrypted the result', { details: result.toString() });
  for (const { node, encryptedResultCid } of copies) {
    if (encryptedResultCid === undefined) continue;
    const open = (plain: CID) => (sealed: AsyncIterable<Uint8Array>) => openResult(sealed, { court, jobId: record.jobId, node, privateKey, resultCid: plain.toString() });
    try {
      const sealed = parseCid(encryptedResultCid);
      if (shards === undefined) return await storage.exportSealed(sealed, result, destination, { car, ...options, open: open(result) });
      return await exportShards(storage, { sealed, result, open, only: shards === 'all' ? undefined : shardName(shards) }, destination, { car, ...options });
    } catch (error) {
      options.signal?.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}

/** What one node encrypted of each shard, and of the directory of them all, which says what to expect. */
async function exportShards(
  storage: Components['storage'], { sealed, result, open, only }: { sealed: CID; result: CID; open: (plain: CID) => (sealed: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>; only: string | undefined },
  destination: string, options: FetchOptions & { car: boolean },
): Promise<Receipt> {
  const { signal } = options;
  const entry = (name: string) => storage.entry(sealed, name, signal === undefined ? {} : { signal });
  let receipt: Receipt | undefined;
  await storage.exportUnsealed(destination, async (unsealing) => {
    receipt = await storage.fetch(only === undefined ? sealed : await entry(only), options);
    await unsealing.take(await entry(SHARD_INDEX), result, open(result));
    const folders = await unsealing.entries(result);
    for (const [name, plain] of only === undefined ? folders : [...folders].filter(([one]) => one === only)) await unsealing.take(await entry(name), plain, open(plain));
    if (only === undefined) return result;
    const one = folders.get(only);
    if (one === undefined) throw new StorageError('NOT_FOUND', 'the result has no such shard', { details: only });
    return one;
  }, options);
  return receipt!;
}
