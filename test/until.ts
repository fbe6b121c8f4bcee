import { SLOWNESS } from '../src/executor/constants.ts';
import { setTimeout as sleep } from 'node:timers/promises';

/** Pause between two looks, ms: short against anything a network does, long against what a look costs. */
const LOOK_EVERY_MS = 20;
/** Longest wait where a test names none, ms: what a machine under full load needs for a job of no work, several times over. */
const DEFAULT_TIMEOUT_MS = 120_000 * SLOWNESS;

/**
 * Looks until the condition gives something truthy, and returns it.
 *
 * @param what what is waited for, for the failure's message; as a function it may say what is there instead
 */
export async function until<T>(what: string | (() => string), condition: () => T | Promise<T>, { timeoutMs = DEFAULT_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const value = await condition();
    if (value !== undefined && value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms in vain: ${typeof what === 'string' ? what : what()}`);
    await sleep(LOOK_EVERY_MS);
  }
}
