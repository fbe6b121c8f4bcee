/** A point of a curve. */
export type Point = readonly [x: number, y: number];

/**
 * At most `limit` points of a curve with ascending x: from each of limit/4 equal stretches of points its first, lowest, highest and
 * last one, so that no peak is lost.
 */
export function decimate(points: readonly Point[], limit: number): Point[] {
  if (points.length <= limit) return [...points];
  const buckets = Math.max(1, Math.floor(limit / 4));
  const kept: Point[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * points.length) / buckets);
    const to = Math.floor(((bucket + 1) * points.length) / buckets);
    let [low, high] = [from, from];
    for (let i = from; i < to; i++) {
      if (points[i]![1] < points[low]![1]) low = i;
      if (points[i]![1] > points[high]![1]) high = i;
    }
    for (const i of [...new Set([from, low, high, to - 1])].sort((a, b) => a - b)) kept.push(points[i]!);
  }
  return kept;
}
