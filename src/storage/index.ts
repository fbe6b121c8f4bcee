/*
 * Where what is: `add` and `unixfs` make DAGs of files, `hidden` sealed ones; `blocks` is what lies on this machine, `shelf` other people's files (`car`, `piece`) that are
 * read where they lie; `fetch` is the cascade of sources: `peer-car`, `bitswap`, `kubo`, `gateway`, `filecoin`, found by `routing`; `read` reads parts of DAGs, `inputs` gives
 * jobs paths, `retention` says what stays; `stream` is CARs on the wire, both ways.
 */
export { contentStream } from './read/content-stream.ts';
export { createCascade, type Cascade } from './fetch/cascade.ts';
export { createStorage, type StorageInit } from './create-storage.ts';
export { REMOTE_SOURCES, type RemoteInit, type RemoteSource } from './fetch/remote-sources.ts';
export { StorageError, type StorageErrorCode } from './errors.ts';
export type { FetchProgress } from './fetch/fetch-dag.ts';
export { listFiles } from './read/list-files.ts';
export { readShardPlan } from './read/read-shard-plan.ts';
export { directoryCid, type Added, type AddOptions, type DirectoryEntry, type TreeEntry } from './unixfs/import-tree.ts';
export type { Locality } from './inputs/locality.ts';
export type { Collected } from './retention/collect-garbage.ts';
export type { Holding } from './retention/holdings.ts';
export type { ListedEntry } from './unixfs/list-directory.ts';
export { openJournal, type Journal } from './journal.ts';
export type { Receipt, Source, SourceReport } from './source.ts';
export type { Materialised } from './inputs/inputs.ts';
export type { Location } from './fetch/reach.ts';
export type { FetchOptions } from './components.ts';
export type { AddedSealed } from './add/adding.ts';
export type { CarInput, ImportedCars } from './add/import-cars.ts';
export type { Unsealing } from './hidden/unsealing.ts';
export type { Storage } from './storage.ts';
