import type { BigIntStats } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { FILE_TIMES_COARSE_SETTLE_MS, FILE_TIMES_SETTLE_MS } from '../constants.ts';

const SECOND_NS = 1_000_000_000n;

/**
 * How long until a change of a file is sure to show in its times, ms: they are no finer than the kernel's clock, or than what the file system keeps. A time
 * that lies ahead of the clock, which somebody has set back, is not waited for: the clock comes by that very nanosecond once at most.
 *
 * @param now Unix time, ms, for tests
 */
export function timesToSettleMs({ ctimeNs }: Pick<BigIntStats, 'ctimeNs'>, now = Date.now()): number {
  const settleMs = ctimeNs % SECOND_NS === 0n ? FILE_TIMES_COARSE_SETTLE_MS : FILE_TIMES_SETTLE_MS;
  const age = now - Number(ctimeNs / 1_000_000n);
  return age < 0 ? 0 : Math.max(0, settleMs - age);
}

/** Waits until then. @throws the signal's reason */
export async function settledTimes(stats: Pick<BigIntStats, 'ctimeNs'>, signal: AbortSignal | undefined): Promise<void> {
  const ms = timesToSettleMs(stats);
  if (ms > 0) await sleep(ms, undefined, { ...(signal && { signal }) }).catch((error: unknown) => { throw signal?.aborted === true ? signal.reason : error; });
}
