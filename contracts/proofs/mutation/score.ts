/** Percentage of mutants killed, with the interval that holds the true one with 95 % (Wilson 1927), to a tenth. */
export function scoreOf(killed: number, tried: number): { score: number; low: number; high: number } {
  if (tried === 0) return { score: 0, low: 0, high: 100 };
  const z = 1.96;
  const p = killed / tried;
  const middle = (p + z * z / (2 * tried)) / (1 + z * z / tried);
  const half = z / (1 + z * z / tried) * Math.sqrt(p * (1 - p) / tried + z * z / (4 * tried * tried));
  const percent = (share: number): number => Math.round(1000 * share) / 10;
  return { score: percent(p), low: percent(middle - half), high: percent(middle + half) };
}
