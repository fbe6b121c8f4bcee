/** Round tick positions (1, 2 or 5 times a power of ten apart) covering 0 to max; the last one is at least max. */
export function axisTicks(max: number, wanted = 4): number[] {
  if (!(max > 0 && max < Infinity)) return [0, 1];
  const rough = max / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10) * power;
  const count = Math.ceil(max / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
