/** 97.5th percentile of the standard normal: two-sided 95 %. */
export const Z_95 = 1.959_963_985;
/** 95th percentile: one-sided 95 %. */
export const Z_95_ONE_SIDED = 1.644_853_627;

/** Wilson's score interval of a proportion (E. B. Wilson, JASA 22, 1927); 0 to 1 when nothing was tried. */
export function wilson(hits: number, trials: number, z = Z_95): [low: number, high: number] {
  if (trials === 0) return [0, 1];
  const p = hits / trials;
  const centre = p + z ** 2 / (2 * trials);
  const half = z * Math.sqrt((p * (1 - p)) / trials + z ** 2 / (4 * trials ** 2));
  const scale = 1 + z ** 2 / trials;
  return [Math.max(0, (centre - half) / scale), Math.min(1, (centre + half) / scale)];
}
