import { isError, messageOf } from '../protocol/base/errors.ts';
import { formatBytes } from '../protocol/spec/units.ts';

const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint = (code: number) => (text: string) => (colour ? `\u001B[${code}m${text}\u001B[0m` : text);

export const bold = paint(1);
export const dim = paint(2);
export const red = paint(31);
export const green = paint(32);
export const yellow = paint(33);

/** Rows under a header, columns aligned; colours do not count towards the width. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  // oxlint-disable-next-line no-control-regex -- the escape sequences are our own
  const width = (text: string) => text.replace(/\u001B\[\d+m/g, '').length;
  const widths = header.map((title, i) => Math.max(width(title), ...rows.map((row) => width(row[i] ?? ''))));
  const line = (cells: readonly string[]) => cells.map((cell, i) => cell + ' '.repeat(Math.max(0, widths[i]! - width(cell)))).join('  ').trimEnd();
  return [bold(line(header)), ...rows.map(line)].join('\n');
}

/** Prints a value: as JSON where the user asked for it, else as text. */
export function print(value: unknown, text: string, { json }: { json?: boolean | undefined }): void {
  process.stdout.write(json ? `${toJson(value)}\n` : `${text}\n`);
}

/** Says what is going on, on stderr, so that stdout stays the result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** Shows on one line of a terminal how far a transfer has come; silent elsewhere. */
export function progressBar({ json, quiet }: { json?: boolean | undefined; quiet?: boolean | undefined }): (progress: { bytes: number; totalBytes?: number; blocks?: number; doing?: string }) => void {
  if (json === true || quiet === true || !process.stderr.isTTY) return () => {};
  let shownAt = 0;
  let shown: string | undefined;
  let since = { at: performance.now(), bytes: 0 };
  return ({ bytes, totalBytes, blocks = 0, doing }) => {
    const now = performance.now();
    // What is begun is shown at once.
    if (now - shownAt < 100 && doing === shown) return;
    // What is done after another thing, or once more, has a speed of its own.
    if (doing !== shown || bytes < since.bytes) since = { at: now, bytes };
    shownAt = now;
    shown = doing;
    const seconds = (now - since.at) / 1000;
    const speed = seconds < 1 ? '' : `, ${formatBytes(Math.round((bytes - since.bytes) / seconds))}/s`;
    const whole = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
    process.stderr.write(`\r\u001B[K${doing === undefined ? '' : `${doing}: `}${formatBytes(bytes)}${whole}${blocks === 0 ? '' : ` in ${blocks} blocks`}${speed}\r`);
  };
}

export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? v.toString() : v), 2);
}

/** A moment as the reader's clock says it, with its day where that is not today. */
export function clock(unixSeconds: number): string {
  const at = new Date(unixSeconds * 1000);
  return at.toDateString() === new Date().toDateString() ? at.toLocaleTimeString() : at.toLocaleString();
}

/** Basis points as a share of one. */
export function score(bps: number): string {
  return (bps / 10_000).toFixed(3);
}

/** Prints an error the way its reader needs it: what happened, why, what to do. */
export function reportError(error: unknown, { json }: { json?: boolean | undefined }): void {
  if (json) {
    process.stderr.write(`${toJson({ error: isError(error) ? error : { code: 'INTERNAL', message: messageOf(error) } })}\n`);
    return;
  }
  if (!isError(error)) {
    say(`${red('error:')} ${messageOf(error)}`);
    if (process.env.GADUS_DEBUG !== undefined && error instanceof Error) say(dim(error.stack ?? ''));
    return;
  }
  say(`${red('error:')} ${error.shortMessage} ${dim(`[${error.code}]`)}`);
  if (error.details !== undefined) say(`  ${error.details}`);
  if (error.hint !== undefined) say(`  ${dim('→')} ${error.hint}`);
  if (process.env.GADUS_DEBUG !== undefined) say(dim(error.stack ?? ''));
}
