/** At most `count` of the whole numbers from `start` to before `end`, evenly spread, first and last among them. */
export function evenly(start: number, end: number, count: number): number[] {
  const last = end - start - 1;
  return Array.from({ length: Math.min(count, last + 1) }, (_, i) => start + (last < count ? i : Math.round((i * last) / (count - 1))));
}
