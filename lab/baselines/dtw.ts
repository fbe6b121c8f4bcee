/** Several series of equal length, one after the other. */
export interface Curves { length: number; channels: Float64Array[] }

/**
 * Dynamic time warping with a Sakoe-Chiba band (Sakoe and Chiba, Dynamic programming algorithm optimization for spoken word
 * recognition, 1978): the cheapest monotone alignment, the cost of a step being the mean absolute difference over the channels, divided by
 * the length of a diagonal path. Both curves have the same length. O(length * band).
 *
 * @param band most places two aligned points may be apart
 */
export function dtw(a: Curves, b: Curves, band: number): number {
  const n = a.length;
  const k = Math.min(a.channels.length, b.channels.length);
  if (k === 0 || n === 0) return Infinity;
  let before = new Float64Array(n + 1).fill(Infinity);
  let row = new Float64Array(n + 1);
  before[0] = 0;
  for (let i = 1; i <= n; i++) {
    row.fill(Infinity);
    for (let j = Math.max(1, i - band), end = Math.min(n, i + band); j <= end; j++) {
      let cost = 0;
      for (let c = 0; c < k; c++) cost += Math.abs(a.channels[c]![i - 1]! - b.channels[c]![j - 1]!);
      row[j] = cost / k + Math.min(before[j]!, row[j - 1]!, before[j - 1]!);
    }
    [before, row] = [row, before];
  }
  return before[n]! / n;
}
