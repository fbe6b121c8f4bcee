import type { ChainError } from '../errors.ts';
import type { ChainEvent } from './decode-events.ts';

/** Events that left the chain, newest first. `forkBlock` is the newest block that stayed. */
export interface Reorg { forkBlock: bigint; removed: ChainEvent[] }

export type WatcherStatus =
  /** Blocks behind the head are being read. */
  | { status: 'syncing'; block: bigint; head: bigint }
  /** Everything up to `block` is delivered. */
  | { status: 'live'; block: bigint }
  /** The endpoint fails; the next try comes in `retryMs`. */
  | { status: 'down'; error: ChainError; retryMs: number }
  /** The handler threw; the same event or reorg is handed over again in `retryMs`. */
  | { status: 'blocked'; error: unknown; retryMs: number }
  /** The watcher has ended: CURSOR_MISMATCH (another chain), REORG_TOO_DEEP, EVENT_INVALID. */
  | { status: 'failed'; error: ChainError };
