import { CPU_PERIOD_US, START_CPUS, START_MEMORY_BYTES, START_PROCESSES } from '../constants.ts';
import type { Resources } from '../../protocol/index.ts';

/** What a group may use. */
export interface ResourceLimits { cpus: number; memoryBytes: number; processes: number }

/** A job's limits; its processes are counted beside the engine's init, and beside what a runtime inside the sandbox needs. */
export function jobLimits({ cpus, memoryBytes, processes }: Resources, overhead = { memoryBytes: 0, processes: 0 }): ResourceLimits {
  return { cpus, memoryBytes: memoryBytes + overhead.memoryBytes, processes: processes + 1 + overhead.processes };
}

/** Limits in force until the start mark: never below what the runtime itself needs to start. */
export function startLimits(limits: ResourceLimits): ResourceLimits {
  return {
    cpus: Math.max(limits.cpus, START_CPUS),
    memoryBytes: Math.max(limits.memoryBytes, START_MEMORY_BYTES),
    processes: Math.max(limits.processes, START_PROCESSES),
  };
}

/** CFS quota for one period, µs; the kernel accepts no less than 1000. */
export function cpuQuotaUs(cpus: number): number {
  return Math.max(1000, Math.round(cpus * CPU_PERIOD_US));
}

/** v1: memory before memory+swap, because the second may never be below the first. */
export function limitsV1(limits: ResourceLimits): [controller: string, file: string, value: string][] {
  return [
    ['memory', 'memory.limit_in_bytes', String(limits.memoryBytes)],
    ['memory', 'memory.memsw.limit_in_bytes', String(limits.memoryBytes)],
    ['pids', 'pids.max', String(limits.processes)],
    ['cpu', 'cpu.cfs_quota_us', String(cpuQuotaUs(limits.cpus))],
  ];
}

export function limitsV2(limits: ResourceLimits): [file: string, value: string][] {
  return [
    ['memory.max', String(limits.memoryBytes)],
    ['memory.swap.max', '0'],
    ['pids.max', String(limits.processes)],
    ['cpu.max', `${cpuQuotaUs(limits.cpus)} ${CPU_PERIOD_US}`],
  ];
}
