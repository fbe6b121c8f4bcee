import type { OutputProfile, Trace } from '../../protocol/trace/trace.ts';
import type { Point } from './decimate.ts';
import { escapeMarkup } from './escape-markup.ts';
import { CHART_STYLE, lineChart, type ChartLine } from './line-chart.ts';
import { DEVIATING_COLOUR, DEVIATING_DASH, REPLICA_COLOURS } from './palette.ts';

/** One replica to draw. */
export interface PlotSeries {
  label: string;
  trace: Trace;
  profile?: OutputProfile;
  /** Drawn on top, dashed in vermilion, and named at its end. */
  deviating?: boolean;
}

/** The views of a trace; `work` is what the job has read and written, or its CPU time when it moves hardly any data. */
export const PANELS = ['cpu-over-time', 'memory-over-time', 'cpu-over-work', 'memory-over-work', 'data-over-time', 'entropy'] as const;
export type Panel = (typeof PANELS)[number];

/** px of one panel. */
const PANEL = { width: 520, height: 250, gap: 16 } as const;
const LEGEND_HEIGHT = 30;
/** Bins of the CPU rate over a run: single samples of 20 ms flicker between 0 and 1 core. */
const RATE_BINS = 120;
/** Below this a job's work is drawn by its CPU time, not by the data it moves. */
const MIN_DATA_BYTES = 1024 * 1024;

/** Several replicas overlaid in all panels with one legend, as one self-contained SVG. */
export function tracePlot(series: readonly PlotSeries[], { columns = 2, panels = PANELS }: { columns?: number; panels?: readonly Panel[] } = {}): string {
  const width = columns * PANEL.width + (columns - 1) * PANEL.gap;
  const rows = Math.ceil(panels.length / columns);
  const legend = legendOf(series, width);
  const height = legend.height + rows * PANEL.height + (rows - 1) * PANEL.gap;
  const placed = panels.map((panel, i) => {
    const x = (i % columns) * (PANEL.width + PANEL.gap);
    const y = legend.height + Math.floor(i / columns) * (PANEL.height + PANEL.gap);
    return panelPlot(series, panel).replace('<svg ', `<svg x="${x}" y="${y}" `);
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" class="gadus-chart" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><style>${CHART_STYLE}</style>${legend.svg}${placed.join('')}</svg>`;
}

/** One panel as a self-contained SVG, without a legend; of another size where that is said. */
export function panelPlot(series: readonly PlotSeries[], panel: Panel, { width, height }: { width: number; height: number } = PANEL): string {
  const byData = Math.max(0, ...series.map(({ trace }) => endOf(dataOf(trace)))) >= MIN_DATA_BYTES;
  const work = byData ? 'data read and written (MB)' : 'CPU time spent (s)';
  const workOf = (trace: Trace) => (byData ? dataOf(trace).map((bytes) => bytes / 1e6) : cpuOf(trace).map((ns) => ns / 1e9));
  const draw = (points: (one: PlotSeries) => Point[]): ChartLine[] => lines(series, points);
  const empty = 'the engine could not see this';
  switch (panel) {
    case 'cpu-over-time':
      return lineChart({ title: 'CPU over time', xLabel: 'time since start (s)', yLabel: 'cores in use', empty, width, height, lines: draw(({ trace }) => cpuRate(trace)) });
    case 'memory-over-time':
      return lineChart({ title: 'Memory over time', xLabel: 'time since start (s)', yLabel: 'resident MiB', empty, width, height, lines: draw(({ trace }) => zip(trace.t.map((ms) => ms / 1000), memoryOf(trace))) });
    case 'cpu-over-work':
      return byData
        ? lineChart({ title: 'CPU time over work', xLabel: work, yLabel: 'CPU s', empty, width, height, lines: draw(({ trace }) => zip(workOf(trace), cpuOf(trace).map((ns) => ns / 1e9))) })
        : lineChart({ title: 'Page faults over work', xLabel: work, yLabel: 'thousand faults', empty, width, height, lines: draw(({ trace }) => zip(workOf(trace), (trace.channels.minorFaults ?? new Float64Array()).map((n) => n / 1000))) });
    case 'memory-over-work':
      return lineChart({ title: 'Memory over work', xLabel: work, yLabel: 'resident MiB', empty, width, height, lines: draw(({ trace }) => zip(workOf(trace), memoryOf(trace))) });
    case 'data-over-time':
      return lineChart({ title: 'Data over time', xLabel: 'time since start (s)', yLabel: 'MB read and written', empty, width, height, lines: draw(({ trace }) => zip(trace.t.map((ms) => ms / 1000), dataOf(trace).map((bytes) => bytes / 1e6))) });
    case 'entropy':
      return lineChart({
        title: 'Entropy along the output', xLabel: 'position in the output', yLabel: 'bits a byte', empty: 'no output profile', width, height, maxX: 100, maxY: 8,
        formatX: (x) => `${x} %`, lines: draw(({ profile }) => (profile === undefined || profile.bytes === 0 ? [] : steps(profile.entropy))),
      });
  }
}

/** Agreeing replicas nest, widest first, so that equal lines stay visible; deviating ones come last, on top. */
function lines(series: readonly PlotSeries[], points: (one: PlotSeries) => Point[]): ChartLine[] {
  const looks = looksOf(series);
  return series.map((one, i) => ({
    ...looks[i]!, label: one.label, points: points(one), ...(one.deviating ? { endLabel: one.label } : {}),
  })).sort((a, b) => Number(a.endLabel !== undefined) - Number(b.endLabel !== undefined) || b.width - a.width);
}

interface Look { colour: string; width: number; dash?: string }

/** Colour, width and dash of every replica, the same in each panel and in the legend. */
export function looksOf(series: readonly Pick<PlotSeries, 'deviating'>[]): Look[] {
  const honest = series.filter((one) => !one.deviating).length;
  let next = 0;
  return series.map(({ deviating }) => {
    if (deviating) return { colour: DEVIATING_COLOUR, width: 2.6, dash: DEVIATING_DASH };
    const place = next++;
    return { colour: REPLICA_COLOURS[place % REPLICA_COLOURS.length]!, width: honest < 2 ? 2.2 : 1.6 + (2.8 * (honest - 1 - place)) / (honest - 1) };
  });
}

function legendOf(series: readonly PlotSeries[], width: number): { svg: string; height: number } {
  const looks = looksOf(series);
  let [x, y] = [58, 20];
  const items = series.map(({ label, deviating }, i) => {
    const { colour, dash, width: stroke } = looks[i]!;
    const text = `${label}${deviating ? ' (deviates)' : ''}`;
    const space = 44 + text.length * 7.4;
    if (x + space > width && x > 58) [x, y] = [58, y + 22];
    const item = `<line x1="${x}" x2="${x + 26}" y1="${y - 4}" y2="${y - 4}" stroke="${colour}" stroke-width="${stroke}"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/>`
      + `<text class="legend" x="${x + 33}" y="${y}">${escapeMarkup(text)}</text>`;
    x += space;
    return item;
  });
  return { svg: items.join(''), height: y - 20 + LEGEND_HEIGHT };
}

/** Cores in use, averaged over equal bins of the run's time. */
function cpuRate(trace: Trace): Point[] {
  const cpu = cpuOf(trace);
  const { t } = trace;
  const end = endOf(t);
  if (cpu.length === 0 || end === 0) return [];
  const bins = Math.min(RATE_BINS, Math.max(1, Math.floor(t.length / 2)));
  const at = (ms: number, from: number): [ns: number, index: number] => {
    let i = from;
    while (i < t.length - 1 && t[i]! < ms) i++;
    if (i === 0) return [cpu[0]!, 0];
    const share = (ms - t[i - 1]!) / (t[i]! - t[i - 1]!);
    return [cpu[i - 1]! + (cpu[i]! - cpu[i - 1]!) * share, i];
  };
  const points: Point[] = [];
  for (let bin = 0, before = cpu[0]!, i = 0; bin < bins; bin++) {
    const [now, index] = at((end * (bin + 1)) / bins, i);
    points.push([(end * (bin + 0.5)) / bins / 1000, (now - before) / 1e6 / (end / bins)]);
    [before, i] = [now, index];
  }
  return points;
}

/** Each segment's value over its width. */
function steps(values: Float64Array): Point[] {
  return Array.from(values).flatMap((value, i): Point[] => [[(100 * i) / values.length, value], [(100 * (i + 1)) / values.length, value]]);
}

function zip(xs: Float64Array, ys: Float64Array): Point[] {
  return Array.from({ length: Math.min(xs.length, ys.length) }, (_, i): Point => [xs[i]!, ys[i]!]);
}

function dataOf({ channels: { readBytes, writtenBytes } }: Trace): Float64Array {
  if (readBytes === undefined || writtenBytes === undefined) return readBytes ?? writtenBytes ?? new Float64Array();
  return readBytes.map((bytes, i) => bytes + writtenBytes[i]!);
}

function cpuOf({ channels: { cpuNs, cpuUserNs, cpuSystemNs } }: Trace): Float64Array {
  return cpuNs ?? cpuUserNs?.map((user, i) => user + (cpuSystemNs?.[i] ?? 0)) ?? new Float64Array();
}

function memoryOf({ channels }: Trace): Float64Array {
  return (channels.residentBytes ?? new Float64Array()).map((bytes) => bytes / 1024 ** 2);
}

function endOf(series: Float64Array): number {
  return series.at(-1) ?? 0;
}
