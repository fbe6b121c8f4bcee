/** A quantile of ascending values, by nearest rank; NaN without any. */
export function quantile(sorted: ArrayLike<number>, level: number): number {
  return sorted.length === 0 ? Number.NaN : sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(level * sorted.length) - 1))]!;
}
