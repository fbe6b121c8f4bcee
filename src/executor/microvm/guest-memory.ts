import type { Resources } from '../../protocol/index.ts';
import { GUEST_MEMORY_BYTES, GUEST_MEMORY_RATIO, MONITOR_MEMORY_BYTES, TRANSLATED_MIB } from './constants.ts';

/** Memory that a guest is given, for a job with these limits. */
export function guestMemoryBytes({ memoryBytes }: Pick<Resources, 'memoryBytes'>): number {
  return Math.ceil(memoryBytes * (1 + GUEST_MEMORY_RATIO)) + GUEST_MEMORY_BYTES;
}

/** What such a run can take of the machine: its guest's memory, its monitor's, and code that an emulator has translated. */
export function microvmTakes(resources: Resources, { emulate }: { emulate: boolean }): Resources {
  return { ...resources, memoryBytes: guestMemoryBytes(resources) + MONITOR_MEMORY_BYTES + (emulate ? TRANSLATED_MIB * 1024 ** 2 : 0) };
}
