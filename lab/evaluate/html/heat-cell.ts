/** A table cell with a rate in percent, or another text, on a ground that is the stronger the higher the rate; a dot where nothing was tried. */
export function heatCell(rate: number | undefined, { title, text: own, digits = 0 }: { title?: string; text?: string; digits?: number } = {}): string {
  if (rate === undefined) return '<td class="heat"><small>·</small></td>';
  const text = own ?? (rate === 1 ? '100' : rate === 0 ? '0' : atMost(100 * rate, digits));
  return `<td class="heat" style="background:rgba(var(--heat),${(0.62 * rate).toFixed(2)})"${title === undefined ? '' : ` title="${title}"`}>${text}</td>`;
}

/** Rounded, but never up to 100 or down to 0: those are kept for all and none. */
function atMost(percent: number, digits: number): string {
  const step = 10 ** -digits;
  return Math.min(100 - step, Math.max(step, percent)).toFixed(digits);
}
