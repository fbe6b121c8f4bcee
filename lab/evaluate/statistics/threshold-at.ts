/** The smallest threshold that at most a share `rate` of the honest distances exceed; Infinity without any. `sorted` ascends. */
export function thresholdAt(sorted: Float64Array, rate: number): number {
  if (sorted.length === 0) return Infinity;
  return sorted[sorted.length - 1 - Math.min(sorted.length - 1, Math.floor(rate * sorted.length))]!;
}
