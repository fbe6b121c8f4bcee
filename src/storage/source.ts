import type { CID } from 'multiformats/cid';

/** Somewhere blocks come from. What it returns is verified by the cascade, whoever it is. */
export interface Source {
  name: string;
  /** Its bytes lie on this machine: they are not kept a second time, and count as held. */
  local?: boolean;
  /** Whether a read would succeed now; may cost as much as the read. @throws what hinders it from knowing */
  has(cid: CID, options: { signal: AbortSignal }): Promise<boolean>;
  /**
   * One block, in memory that may be given back if it is `borrowed` and the source knows how.
   * @throws StorageError NOT_FOUND when it has it not; anything else when it is broken
   */
  read(cid: CID, options: { signal: AbortSignal; borrowed?: boolean }): Promise<Uint8Array>;
  /** Of many leaves the bytes of each that is here and verified; -1 for the rest, which are to be read one by one. */
  check?(leaves: readonly CID[]): Promise<Int32Array>;
  /**
   * Streams what a DAG lacks into the sink, from as many places as it takes; returns when it has no more of it. Whoever a block came from
   * that the sink did not take is not asked again: only the source knows who that was.
   * @throws what hindered it last
   */
  stream?(sink: DagSink, options: { signal: AbortSignal }): Promise<void>;
}

/** Takes the blocks of one DAG in whatever order they come. */
export interface DagSink {
  /** The DAG's root. */
  root: CID;
  /** What is neither here nor came yet and is known to be wanted, depth first; empty when the DAG is whole. */
  missing(): Promise<CID[]>;
  /**
   * Verifies and keeps one block; resolves when the next may come, to whether it was of use (a block that came before is not). The bytes are
   * the sink's: it gives their memory back when it is done with them.
   * @throws StorageError BLOCK_INVALID, BLOCK_TOO_LARGE, BLOCK_UNWANTED: whoever sent it is to be left; anything else when the fetch is over
   */
  take(cid: CID, bytes: Uint8Array): Promise<boolean>;
}

/** What one source did in one fetch. */
export interface SourceReport {
  name: string;
  /** Its bytes lie on the machine that fetched. */
  local: boolean;
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
