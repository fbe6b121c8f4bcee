import type { Trace } from '../../protocol/trace/trace.ts';
import { buildTrace, invalidTable } from './build-trace.ts';
import { columnOf, type Column } from './columns.ts';
import { psrecordColumns } from './psrecord-columns.ts';

/** A trace read from another tool's file, and what of it was not used. */
export interface Imported { trace: Trace; notes: string[] }

/**
 * Reads samples from CSV (RFC 4180 without line breaks in cells; comma, semicolon or tab): a header whose titles are the channels' names or
 * common spellings of them, with units, and a column of time. `gadus trace record --csv` writes such files, `psrecord --log-format csv` as well.
 *
 * @throws EvidenceError TRACE_FILE_INVALID with line and column, EVIDENCE_TOO_LARGE
 */
export function importCsv(text: string): Imported {
  // Lines before the header that say something about the file.
  const header = /^(?:\uFEFF)?(?:\s*#.*\n|\s*\n)*/.exec(text)![0].length;
  const end = text.indexOf('\n', header);
  const line = text.slice(header, end < 0 ? undefined : end).trim();
  const delimiter = [',', ';', '\t'].reduce((best, one) => (line.split(one).length > line.split(best).length ? one : best));
  const cells = (row: string) => cellsOf(row, delimiter);
  const titles = cells(line).map((title) => title.trim());
  const columns = psrecordColumns(titles) ?? titles.map(columnOf);
  checkColumns(titles, columns);
  const unused = titles.filter((_, i) => columns[i] === null);
  const trace = buildTrace({
    tool: psrecordColumns(titles) === undefined ? 'csv' : 'psrecord', columns, text, cells,
    start: end < 0 ? text.length : end + 1, firstLine: text.slice(0, header).split('\n').length + 1, lenient: psrecordColumns(titles) !== undefined,
  });
  return { trace, notes: unused.map((title) => `column ${title} is not used`) };
}

/** Refuses a header without time, without a channel, or with two columns for one channel. */
export function checkColumns(titles: readonly string[], columns: readonly Column[]): void {
  const known = columns.filter((column) => column !== null);
  if (!known.some(({ meaning }) => meaning === 'time')) throw invalidTable(`no column of the header is a time: ${titles.join(', ').slice(0, 200)}`);
  if (known.length < 2) throw invalidTable(`no column of the header is a channel: ${titles.join(', ').slice(0, 200)}`);
  const channel = (column: Column) => (column?.meaning === 'cpuShare' ? 'cpuNs' : column?.meaning);
  for (const [i, column] of columns.entries()) {
    const twin = columns.findIndex((other) => other !== null && channel(other) === channel(column));
    if (column !== null && twin < i) throw invalidTable(`the columns ${titles[twin]} and ${titles[i]} are both ${channel(column)}`);
  }
}

function cellsOf(row: string, delimiter: string): string[] {
  if (!row.includes('"')) return row.split(delimiter);
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < row.length; i++) {
    const letter = row[i]!;
    if (letter === '"') {
      if (quoted && row[i + 1] === '"') cell += row[i++]!;
      else quoted = !quoted;
    } else if (letter === delimiter && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += letter;
  }
  return [...cells, cell];
}
