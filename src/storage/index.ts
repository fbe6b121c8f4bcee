export { createCascade, type Cascade } from './cascade.ts';
export { createStorage, type StorageInit } from './create-storage.ts';
export { StorageError, type StorageErrorCode } from './errors.ts';
export type { FetchProgress } from './fetch-dag.ts';
export type { Added, AddOptions, TreeEntry } from './import-tree.ts';
export type { Locality } from './locality.ts';
export { openJournal, type Journal } from './journal.ts';
export type { Receipt, Source, SourceReport } from './source.ts';
export type { FetchOptions, ListedEntry, Location, Materialised, Storage } from './storage.ts';
