/** How well a distance separates honest pairs from cheats at every threshold. */
export interface Roc {
  /** False-alarm rate and detection rate, both ascending, from (0, 0) to (1, 1). */
  points: [falseAlarms: number, detected: number][];
  /** Area under the curve: the chance that a cheat is farther than an honest pair, ties counting half. */
  auc: number;
  /** Rate at which false alarms and misses are equal. */
  eer: number;
}

/** The receiver operating characteristic of "flagged when beyond the threshold" (Fawcett, An introduction to ROC analysis, 2006). O(n log n). */
export function rocOf(honest: Float64Array, cheats: Float64Array): Roc {
  const h = honest.toSorted();
  const c = cheats.toSorted();
  const points: Roc['points'] = [[0, 0]];
  if (h.length === 0 || c.length === 0) return { points: [[0, 0], [1, 1]], auc: Number.NaN, eer: Number.NaN };
  let [i, j] = [h.length, c.length];
  while (i > 0 || j > 0) {
    const threshold = Math.max(i > 0 ? h[i - 1]! : -Infinity, j > 0 ? c[j - 1]! : -Infinity);
    while (i > 0 && h[i - 1]! >= threshold) i--;
    while (j > 0 && c[j - 1]! >= threshold) j--;
    points.push([1 - i / h.length, 1 - j / c.length]);
  }
  let auc = 0;
  let eer = Number.NaN;
  for (let k = 1; k < points.length; k++) {
    const [x0, y0] = points[k - 1]!;
    const [x1, y1] = points[k]!;
    auc += (x1 - x0) * ((y0 + y1) / 2);
    // False alarms minus misses rises along the curve from -1 to 1.
    const [before, after] = [x0 - (1 - y0), x1 - (1 - y1)];
    if (Number.isNaN(eer) && after >= 0) eer = x0 + (x1 - x0) * (after === before ? 0 : -before / (after - before));
  }
  return { points, auc, eer };
}
