import type { CID } from 'multiformats/cid';

/** Somewhere blocks come from. What it returns is verified by the cascade, whoever it is. */
export interface Source {
  name: string;
  /** Whether a read would succeed now; may cost as much as the read. @throws what hinders it from knowing */
  has(cid: CID, options: { signal: AbortSignal }): Promise<boolean>;
  /** One block. @throws StorageError NOT_FOUND when it has it not; anything else when it is broken */
  read(cid: CID, options: { signal: AbortSignal }): Promise<Uint8Array>;
}

/** What one source did in one fetch. */
export interface SourceReport {
  name: string;
  /** Blocks and bytes it served. */
  blocks: number;
  bytes: number;
  /** Time during which it was at work, ms; sources may overlap. */
  ms: number;
  /** Why it did not serve what it did not serve: at most five different messages. */
  errors: string[];
}

/** Where the bytes of a DAG came from. */
export interface Receipt {
  cid: string;
  /** Unique blocks of the DAG, and their bytes. */
  bytes: number;
  blocks: number;
  /** Wall time, ms. */
  ms: number;
  /** In the order of the cascade. */
  sources: SourceReport[];
}
