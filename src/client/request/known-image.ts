import { parseCid } from '../../protocol/index.ts';
import type { Storage } from '../../storage/index.ts';
import type { KnownSize } from './known-inputs.ts';

/**
 * What this client knows of the size of a job's image, as it is fetched: where it has it, or as much of it as says how large the rest is. Nothing of an engine that takes none.
 *
 * @throws StorageError
 */
export async function knownImage(storage: Pick<Storage, 'locality'>, { engine, image }: { engine: string; image: string }, signal: AbortSignal): Promise<KnownSize> {
  if (engine === 'noop') return { bytes: 0, blocks: 0 };
  const { totalBytes: bytes, blocks } = await storage.locality(parseCid(image), { signal });
  return { bytes, blocks };
}
