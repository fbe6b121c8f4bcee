import type { Trace } from '../../src/protocol/index.ts';

/** CPU time of both modes, whichever way the engine counts it; undefined where it cannot. */
export function cpuOf({ channels: { cpuNs, cpuUserNs, cpuSystemNs } }: Trace): Float64Array | undefined {
  if (cpuNs !== undefined || cpuUserNs === undefined || cpuSystemNs === undefined) return cpuNs;
  return cpuUserNs.map((user, i) => user + cpuSystemNs[i]!);
}
