import { CHANNELS, type ChannelName, type Trace } from '../../protocol/trace/trace.ts';
import { MAX_TRACE_SAMPLES } from '../constants.ts';
import { EvidenceError } from '../errors.ts';
import { validateTrace } from '../trace/validate-trace.ts';
import type { Column } from './columns.ts';

/** A table of numbers as text: columns, and where its rows are. */
export interface Table {
  /** What the tool that wrote it is called: the trace's engine. */
  tool: string;
  columns: readonly Column[];
  text: string;
  /** Where the first row begins, and the number of its line, from 1. */
  start: number;
  firstLine: number;
  /** Cells of a line. */
  cells: (line: string) => string[];
  /** Counters that fall, because processes took theirs along when they ended, stand still; times that stand still are left out. */
  lenient?: boolean;
  /** Most rows. */
  limit?: number;
}

/** Rows there is room for at first; the room doubles as rows come. */
const FIRST_ROWS = 1024;

/**
 * Reads the rows of a table into a trace. Time and counters are counted from the first row; a share of CPU is added up over time; the interval
 * is the median distance of samples.
 *
 * @throws EvidenceError TRACE_FILE_INVALID with the line and column, EVIDENCE_TOO_LARGE beyond `limit`, MAX_TRACE_SAMPLES by default
 */
export function buildTrace(table: Table): Trace {
  const { columns, text, cells, lenient = false, tool, limit = MAX_TRACE_SAMPLES } = table;
  const at = columns.findIndex((column) => column?.meaning === 'time');
  const used = columns.flatMap((column, i) => (column === null || i === at ? [] : [{ ...column, i }]));
  let capacity = FIRST_ROWS;
  let t = new Float64Array(capacity);
  const series = used.map(() => new Float64Array(capacity));
  let rows = 0;
  let firstTime = 0;
  const firsts = used.map(() => 0);

  for (let from = table.start, line = table.firstLine; from < text.length; line++) {
    const to = text.indexOf('\n', from);
    const row = text.slice(from, to < 0 ? undefined : to).trim();
    from = to < 0 ? text.length : to + 1;
    if (row === '' || row.startsWith('#')) continue;
    if (rows === limit) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the trace has too many samples', { details: `more than ${limit}` });
    const values = cells(row);
    if (values.length !== columns.length) throw invalidTable(`line ${line} has ${values.length} columns, the header ${columns.length}`);
    const number = (i: number, title: string): number => {
      const value = Number(values[i]);
      if (values[i]!.trim() === '' || !Number.isFinite(value)) throw invalidTable(`line ${line}, column ${title}: ${JSON.stringify(values[i]!.slice(0, 40))} is not a finite number`);
      return value;
    };
    if (rows === capacity) {
      capacity *= 2;
      t = grown(t, capacity);
      for (const [k, one] of series.entries()) series[k] = grown(one, capacity);
    }
    const { title, factor } = columns[at]!;
    const time = number(at, title) * factor;
    if (rows === 0) firstTime = time;
    const now = time - firstTime;
    if (rows > 0 && !(now > t[rows - 1]!)) {
      if (lenient && now === t[rows - 1]) continue;
      throw invalidTable(`line ${line}, column ${title}: time goes back or stands still`);
    }
    for (const [k, { i, title: its, meaning, factor: per }] of used.entries()) {
      const value = number(i, its) * per;
      if (value < 0) throw invalidTable(`line ${line}, column ${its}: ${values[i]!.trim()} is negative`);
      const before = rows === 0 ? 0 : series[k]![rows - 1]!;
      if (meaning === 'cpuShare') series[k]![rows] = rows === 0 ? 0 : before + Math.round(value * (now - t[rows - 1]!) * 1e6);
      else if (CHANNELS[meaning as ChannelName].kind === 'level') series[k]![rows] = value;
      else {
        if (rows === 0) firsts[k] = value;
        const counted = value - firsts[k]!;
        if (counted < before && !lenient) throw invalidTable(`line ${line}, column ${its}: a counter never falls`);
        series[k]![rows] = Math.max(counted, before);
      }
    }
    t[rows++] = now;
  }
  if (rows === 0) throw invalidTable('it has no samples');
  const trace: Trace = {
    version: 1, engine: tool, intervalMs: medianStep(t.subarray(0, rows)), t: t.slice(0, rows),
    channels: Object.fromEntries(used.map(({ meaning }, k) => [meaning === 'cpuShare' ? 'cpuNs' : meaning, series[k]!.slice(0, rows)])),
  };
  validateTrace(trace);
  return trace;
}

/** The file is not the table it seems to be. */
export function invalidTable(details: string): EvidenceError {
  return new EvidenceError('TRACE_FILE_INVALID', 'not a trace file', { details, hint: 'docs/trace-format.md says what is read' });
}

/** Median distance of samples, ms; 1 where there is only one sample. */
function medianStep(t: Float64Array): number {
  if (t.length < 2) return 1;
  const steps = Float64Array.from({ length: t.length - 1 }, (_, i) => t[i + 1]! - t[i]!).sort();
  return steps[steps.length >> 1]!;
}

function grown(series: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(capacity);
  larger.set(series);
  return larger;
}
