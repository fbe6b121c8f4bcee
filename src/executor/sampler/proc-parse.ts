const NEWLINE = 10;
const SPACE = 32;
const CLOSE = 41;
const MINUS = 45;
const ZERO = 48;

/** Fields of /proc/pid/stat the sampler uses (proc(5)); own and reaped children's counters already added. */
export interface ProcessStat {
  /** True for a process that has ended but was not waited for. */
  ended: boolean;
  parent: number;
  minorFaults: number;
  majorFaults: number;
  /** Clock ticks. */
  userTicks: number;
  systemTicks: number;
  threads: number;
  /** Clock ticks after boot; with the pid it names a process for good. */
  startTicks: number;
}

/** Field numbers of proc(5), from 1. */
const STATE = 3, PARENT = 4, MINFLT = 10, CMINFLT = 11, MAJFLT = 12, CMAJFLT = 13, UTIME = 14, STIME = 15, CUTIME = 16, CSTIME = 17, THREADS = 20, START = 22;

const field = new Float64Array(START + 1);

/** Parses /proc/pid/stat into `into`, without making strings. False when the text is not whole. */
export function parseStat(text: Uint8Array, length: number, into: ProcessStat): boolean {
  // The command's name may hold anything, spaces and brackets too; it ends at the last ")".
  let at = text.subarray(0, length).lastIndexOf(CLOSE);
  if (at < 0 || at + 2 >= length) return false;
  at += 2;
  const state = text[at]!;
  at += 2;
  let index = STATE + 1;
  while (index <= START && at < length) {
    let value = 0;
    let negative = false;
    for (; at < length; at++) {
      const c = text[at]!;
      if (c === SPACE || c === NEWLINE) break;
      if (c === MINUS) negative = true;
      else value = value * 10 + (c - ZERO);
    }
    field[index++] = negative ? -value : value;
    at++;
  }
  if (index <= START) return false;
  into.ended = state === 90 || state === 88;
  into.parent = field[PARENT]!;
  into.minorFaults = field[MINFLT]! + field[CMINFLT]!;
  into.majorFaults = field[MAJFLT]! + field[CMAJFLT]!;
  into.userTicks = field[UTIME]! + field[CUTIME]!;
  into.systemTicks = field[STIME]! + field[CSTIME]!;
  into.threads = field[THREADS]!;
  into.startTicks = field[START]!;
  return true;
}

/** The n-th number in a text, counted from 0, whatever stands between the numbers. NaN when there are fewer. */
export function numberAt(text: Uint8Array, length: number, n: number): number {
  let at = 0;
  for (let i = 0; ; i++) {
    while (at < length && !isDigit(text[at]!)) at++;
    if (at >= length) return Number.NaN;
    let value = 0;
    for (; at < length && isDigit(text[at]!); at++) value = value * 10 + (text[at]! - ZERO);
    if (i === n) return value;
  }
}

/** Value of the line `key value` in a flat keyed file (memory.stat, cpu.stat). `key` holds the name, a space, and is preceded by a line start. NaN when absent. */
export function keyedNumber(text: Buffer, length: number, key: string): number {
  for (let from = 0; ;) {
    const at = text.indexOf(key, from, 'latin1');
    if (at < 0 || at >= length) return Number.NaN;
    if (at === 0 || text[at - 1] === NEWLINE) return numberAt(text.subarray(at + key.length, length), length - at - key.length, 0);
    from = at + 1;
  }
}

/** Numbers separated by white space, appended to `into`. */
export function parseNumbers(text: Uint8Array, length: number, into: number[]): void {
  let value = -1;
  for (let at = 0; at < length; at++) {
    const c = text[at]!;
    if (isDigit(c)) value = (value < 0 ? 0 : value * 10) + (c - ZERO);
    else if (value >= 0) { into.push(value); value = -1; }
  }
  if (value >= 0) into.push(value);
}

function isDigit(c: number): boolean {
  return c >= ZERO && c <= ZERO + 9;
}
