import { importer, type ImportCandidate, type WritableStorage } from 'ipfs-unixfs-importer';
import { StorageError } from '../errors.ts';
import type { Child, ChildList } from './child-list.ts';
import { PROFILE } from './profile.ts';
import { shardedDirectory } from './sharded-directory.ts';

/** Of so many entries a directory is sharded by the profile, however short their names: each counts with 36 bytes of its CID, and the limit is 256 KiB. */
const SHARDED_ENTRIES = 256 * 1024 / 36;

/** A directory of children that are there already, sharded when it is large. @throws StorageError SOURCE_INVALID; what the store throws */
export async function makeDirectory(store: WritableStorage, children: ChildList): Promise<Child> {
  if (children.length > SHARDED_ENTRIES) return shardedDirectory(store, children);
  const ordered = Array.from({ length: children.length }, (_, i): [string, Child] => [children.nameOf(i), { cid: children.cidOf(i), size: BigInt(children.sizeOf(i)) }])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  let last: Child | undefined;
  const nothing: ImportCandidate[] = [];
  for await (const result of importer(nothing, store, {
    ...PROFILE,
    wrapWithDirectory: true,
    dagBuilder: async function* () {
      for (const [path, { cid, size }] of ordered) yield async () => ({ cid, size, path });
    },
  })) last = result;
  if (last === undefined) throw new StorageError('SOURCE_INVALID', 'the folder could not be made');
  return last;
}
