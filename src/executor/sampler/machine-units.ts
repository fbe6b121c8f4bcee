import { readFileSync } from 'node:fs';

const AT_PAGESZ = 6n;
const AT_CLKTCK = 17n;

/** Page size and length of a clock tick, from the auxiliary vector (getauxval(3)). */
export function machineUnits(): { pageBytes: number; tickNs: number } {
  const vector = new Map<bigint, bigint>();
  try {
    const bytes = readFileSync('/proc/self/auxv');
    for (let at = 0; at + 16 <= bytes.length; at += 16) vector.set(bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8));
  } catch {
    // A hidden auxv leaves the values of nearly every Linux.
  }
  return { pageBytes: Number(vector.get(AT_PAGESZ) ?? 4096n), tickNs: 1e9 / Number(vector.get(AT_CLKTCK) ?? 100n) };
}
