import { lineChart, type ChartLine } from '../../../src/evidence/plot/line-chart.ts';
import type { Roc } from '../statistics/roc.ts';

/** Decades of the axis of false alarms: 0.1 % to 100 %. */
const DECADES = 3;

/** One curve of a chart. */
export interface RocLine extends Pick<ChartLine, 'label' | 'colour' | 'width' | 'dash'> { roc: Roc }

/** Detection over false alarms, the latter on a logarithmic axis, because only its left end is of use. */
export function rocChart(title: string, lines: readonly RocLine[]): string {
  return lineChart({
    title, xLabel: 'false alarms', yLabel: '', empty: 'nothing to compare', width: 330, height: 215, maxX: DECADES, maxY: 100,
    formatX: (x) => `${10 ** (x - 1)} %`, formatY: (y) => `${y} %`,
    lines: lines.map(({ roc, ...line }) => ({ ...line, points: onLogAxis(roc.points) })),
  });
}

/** A staircase from the axis' left end on, without the points that change nothing. */
function onLogAxis(points: Roc['points']): [number, number][] {
  const shown: [number, number][] = [];
  let detected = 0;
  for (const [falseAlarms, y] of points) {
    const x = Math.max(0, Math.log10(Math.max(falseAlarms, 1e-9)) + DECADES);
    if (x === 0) { detected = y; continue; }
    if (shown.length === 0) shown.push([0, 100 * detected]);
    const last = shown.at(-1)!;
    if (y * 100 - last[1] >= 0.5 || x - last[0] >= 0.25 || falseAlarms === 1) shown.push([x, last[1]], [x, 100 * y]);
  }
  return shown.filter((point, i) => i === 0 || i === shown.length - 1 || !(point[1] === shown[i - 1]![1] && point[1] === shown[i + 1]![1]));
}
