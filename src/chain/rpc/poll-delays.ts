import { FIRST_POLL_MS } from '../constants.ts';

/** Pauses between two looks at the chain, milliseconds: short at first, for a devnet answers in milliseconds, then the interval. */
export function* pollDelays(intervalMs: number): Generator<number, never> {
  for (let pause = FIRST_POLL_MS; ; pause = Math.min(pause * 1.5, intervalMs)) yield pause;
}
