import type { Address } from 'viem';
import { openResult } from '../evidence/index.ts';
import { decodeSpec, parseCid } from '../protocol/index.ts';
import type { FetchOptions, Receipt } from '../storage/index.ts';
import type { ClientComponents } from './components.ts';
import { ClientError } from './errors.ts';
import type { JobRecord } from './job-record.ts';
import { sealKeysOf } from './prepare-job.ts';

/** A result as one of its nodes offers it. */
export interface ResultCopy { node: Address; resultCid: string; encryptedResultCid?: string }

/**
 * Fetches a result to a path that must not exist, as a folder or as a CAR. Encrypted, each node has a copy of its own: they are tried in turn
 * until one opens and holds the result.
 *
 * @param copies of one and the same result
 * @throws ClientError NO_RESULT when no copy is encrypted that should be; EvidenceError RESULT_UNOPENED, RESULT_CUT, RESULT_DAMAGED; StorageError as
 * `export` and `exportSealed`: what the last copy met
 */
export async function exportResult(
  { storage, court }: Pick<ClientComponents, 'storage' | 'court'>, record: JobRecord, copies: readonly ResultCopy[], destination: string,
  { car = false, ...options }: FetchOptions & { car?: boolean } = {},
): Promise<Receipt> {
  const result = parseCid(copies[0]!.resultCid);
  if (decodeSpec(new TextEncoder().encode(record.spec)).result?.encrypt !== true) return car ? storage.exportCar(result, destination, options) : storage.export(result, destination, options);
  const { privateKey } = await sealKeysOf(record.seed);
  let failure: unknown = new ClientError('NO_RESULT', 'no node encrypted the result', { details: result.toString() });
  for (const { node, encryptedResultCid } of copies) {
    if (encryptedResultCid === undefined) continue;
    try {
      return await storage.exportSealed(parseCid(encryptedResultCid), result, destination, {
        car, ...options, open: (sealed) => openResult(sealed, { court, jobId: record.jobId, node, privateKey, resultCid: result.toString() }),
      });
    } catch (error) {
      options.signal?.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
}
