import { defineAttack } from './attack.ts';
import { straightTrace } from './tools/straight-trace.ts';

/** A shell that sleeps: its memory, and the few faults and reads of its start. */
const SLEEPING = { cpuNs: 3e6, cpuUserNs: 2e6, cpuSystemNs: 1e6, residentBytes: 300_000, cacheBytes: 0, minorFaults: 180, majorFaults: 0, readBytes: 4000, writtenBytes: 0, readCalls: 8, writeCalls: 0, contextSwitches: 5, processes: 1, outputBytes: 0 };
const LONGEST_MS = 10_000;

export const idle = defineAttack({
  name: 'idle',
  about: 'does nothing and hands in a result it got elsewhere',
  knows: ['result'],
  forge: ({ job, random, result }) => ({
    trace: straightTrace({ engine: job.engine, intervalMs: job.intervalMs, durationMs: 500 + random.below(LONGEST_MS), channels: SLEEPING }),
    ...result,
  }),
});
