import { axisTicks } from './axis-ticks.ts';
import { decimate, type Point } from './decimate.ts';
import { escapeMarkup } from './escape-markup.ts';

/** Points a line may have: more would not be visible at this size. */
const MAX_POINTS = 800;
const MARGIN = { left: 58, right: 24, top: 30, bottom: 40 } as const;

/** One line of a chart. */
export interface ChartLine {
  label: string;
  colour: string;
  /** px */
  width: number;
  /** SVG dash pattern. */
  dash?: string;
  /** Written at the line's end, in its colour. */
  endLabel?: string;
  points: readonly Point[];
}

export interface ChartInit {
  title: string;
  xLabel: string;
  yLabel: string;
  /** Written when no line has a point. */
  empty: string;
  lines: readonly ChartLine[];
  formatX?: (value: number) => string;
  formatY?: (value: number) => string;
  /** Upper ends of the axes; the data decides when left out. */
  maxX?: number;
  maxY?: number;
  /** px */
  width: number;
  height: number;
}

/** A line chart from zero as a self-contained `<svg>`: follows the reader's light or dark scheme, needs no script and no font. */
export function lineChart(init: ChartInit): string {
  const { title, xLabel, yLabel, lines, width, height, formatX = String, formatY = String } = init;
  const inner = { width: width - MARGIN.left - MARGIN.right, height: height - MARGIN.top - MARGIN.bottom };
  const all = lines.flatMap((line) => line.points);
  const xEnd = init.maxX ?? (all.reduce((max, [x]) => Math.max(max, x), 0) || 1);
  const yTicks = axisTicks(init.maxY ?? all.reduce((max, [, y]) => Math.max(max, y), 0), 4);
  const yEnd = yTicks.at(-1)!;
  const px = (x: number) => round(MARGIN.left + (x / xEnd) * inner.width);
  const py = (y: number) => round(MARGIN.top + inner.height - (y / yEnd) * inner.height);
  const bottom = MARGIN.top + inner.height;
  const right = MARGIN.left + inner.width;

  const grid = yTicks.map((y) => `<line class="grid" x1="${MARGIN.left}" x2="${right}" y1="${py(y)}" y2="${py(y)}"/>`
    + `<text class="tick" x="${MARGIN.left - 8}" y="${py(y) + 4}" text-anchor="end">${escapeMarkup(formatY(y))}</text>`);
  const xTicks = axisTicks(xEnd, 5).filter((x) => x <= xEnd * (1 + 1e-9));
  const feet = xTicks.map((x) => `<line class="axis" x1="${px(x)}" x2="${px(x)}" y1="${bottom}" y2="${bottom + 4}"/>`
    + `<text class="tick" x="${px(x)}" y="${bottom + 17}" text-anchor="middle">${escapeMarkup(formatX(x))}</text>`);
  const paths = lines.filter((line) => line.points.length > 0).map((line) => {
    const points = decimate(line.points, MAX_POINTS);
    const path = points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${px(x)} ${py(y)}`).join('');
    const dot = points.length === 1 ? `<circle cx="${px(points[0]![0])}" cy="${py(points[0]![1])}" r="3" fill="${line.colour}"/>` : '';
    return `<path d="${path}" fill="none" stroke="${line.colour}" stroke-width="${line.width}" stroke-linejoin="round" stroke-linecap="${line.dash === undefined ? 'round' : 'butt'}"`
      + `${line.dash === undefined ? '' : ` stroke-dasharray="${line.dash}"`}><title>${escapeMarkup(line.label)}</title></path>${dot}`;
  });
  const ends = lines.filter((line) => line.endLabel !== undefined && line.points.length > 0).map((line) => {
    const [x, y] = line.points.at(-1)!;
    const late = px(x) > MARGIN.left + inner.width * 0.7;
    const above = py(y) > MARGIN.top + 24;
    return `<circle cx="${px(x)}" cy="${py(y)}" r="4" fill="${line.colour}"/>`
      + `<text class="end" x="${px(x) + (late ? -8 : 8)}" y="${py(y) + (above ? -8 : 18)}" fill="${line.colour}" text-anchor="${late ? 'end' : 'start'}">${escapeMarkup(line.endLabel!)}</text>`;
  });
  const nothing = all.length > 0 ? '' : `<text class="label" x="${MARGIN.left + inner.width / 2}" y="${MARGIN.top + inner.height / 2}" text-anchor="middle">${escapeMarkup(init.empty)}</text>`;

  return `<svg xmlns="http://www.w3.org/2000/svg" class="gadus-chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${escapeMarkup(`${title}: ${yLabel} by ${xLabel}`)}">`
    + `<style>${CHART_STYLE}</style>`
    + `<text class="title" x="${MARGIN.left}" y="16">${escapeMarkup(title)}</text>`
    + `<text class="unit" x="${right}" y="16" text-anchor="end">${escapeMarkup(yLabel)}</text>`
    + grid.join('') + feet.join('')
    + `<line class="axis" x1="${MARGIN.left}" x2="${right}" y1="${bottom}" y2="${bottom}"/>`
    + `<text class="label" x="${MARGIN.left + inner.width / 2}" y="${height - 6}" text-anchor="middle">${escapeMarkup(xLabel)}</text>`
    + `${paths.join('')}${ends.join('')}${nothing}</svg>`;
}

/** Text and grid take the page's colour scheme; the lines' colours suit both. */
export const CHART_STYLE = '.gadus-chart{font-family:ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif;color-scheme:light dark;--ink:#1d2733;--soft:#5d6b7a;--line:#dfe5eb}'
  + '@media (prefers-color-scheme:dark){.gadus-chart{--ink:#e6ebf0;--soft:#9aa8b6;--line:#2d3844}}'
  + '.gadus-chart text{font-size:11.5px;fill:var(--soft)}.gadus-chart .title{font-size:13.5px;font-weight:600;fill:var(--ink)}'
  + '.gadus-chart .tick{font-variant-numeric:tabular-nums}.gadus-chart .legend{fill:var(--ink);font-size:12.5px}'
  + '.gadus-chart .grid{stroke:var(--line);stroke-width:1}.gadus-chart .axis{stroke:var(--soft);stroke-width:1}'
  + '.gadus-chart text.end{font-weight:600;font-size:12px;fill:#d5410b;paint-order:stroke;stroke:Canvas;stroke-width:3px;stroke-opacity:.85}';

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
