import { buildTrace, invalidTable } from './build-trace.ts';
import { checkColumns, type Imported } from './import-csv.ts';
import { psrecordColumns } from './psrecord-columns.ts';

/** Titles of a log are set in columns of twelve characters, which some fill, so that a single blank may part two of them. */
const TITLE = /Elapsed time|CPU \(%\)|Dir size \(MB\)|\S+ \(MB\)|(?:Read|Write) (?:count|bytes)|\S+/g;

/** Whether a text begins as a log of psrecord does. */
export function isPsrecord(text: string): boolean {
  return /^\uFEFF?#\s*Elapsed time\s+CPU \(%\)/.test(text);
}

/**
 * Reads a log of psrecord (`psrecord --log FILE`, with --include-children, --include-io and the like).
 *
 * Samples at the same millisecond count once; a counter that falls, because a child took its share along, stands still.
 *
 * @throws EvidenceError TRACE_FILE_INVALID with line and column, EVIDENCE_TOO_LARGE
 */
export function importPsrecord(text: string): Imported {
  const end = text.indexOf('\n');
  const header = text.slice(text.indexOf('#') + 1, end < 0 ? undefined : end);
  const titles = header.match(TITLE) ?? [];
  const columns = psrecordColumns(titles);
  if (columns === undefined) throw invalidTable(`line 1 is not the header of a psrecord log: ${header.trim().slice(0, 100)}`);
  checkColumns(titles, columns);
  const trace = buildTrace({
    tool: 'psrecord', columns, text, start: end < 0 ? text.length : end + 1, firstLine: 2, cells: (line) => line.split(/\s+/), lenient: true,
  });
  return { trace, notes: titles.filter((_, i) => columns[i] === null).map((title) => `column ${title} is not used`) };
}
