import type { ChannelName } from '../../protocol/trace/trace.ts';

/** What a column of a table holds, as the channel it becomes and the factor to the channel's unit; null for one that no channel stands for. */
export type Column = { title: string; meaning: 'time' | 'cpuShare' | ChannelName; factor: number } | null;

type Dimension = 'time' | 'bytes' | 'count' | 'share';

/** Names without unit in lower case and without separators; the channels' own names are among them. `unit` is what no unit means. */
const NAMES: Record<string, { meaning: NonNullable<Column>['meaning']; dimension: Dimension; unit: string }> = {};
const name = (meaning: NonNullable<Column>['meaning'], dimension: Dimension, unit: string, ...names: string[]) => {
  for (const one of names) NAMES[one] = { meaning, dimension, unit };
};
name('time', 'time', 's', 't', 'time', 'elapsed', 'elapsedtime', 'timestamp', 'wall', 'walltime');
name('cpuShare', 'share', '%', 'cpu', 'cpupercent', 'cpuusage', 'pcpu');
name('cpuNs', 'time', 's', 'cputime');
name('cpuUserNs', 'time', 's', 'cpuuser', 'user', 'usertime', 'utime');
name('cpuSystemNs', 'time', 's', 'cpusystem', 'system', 'systemtime', 'sys', 'stime');
name('residentBytes', 'bytes', 'b', 'resident', 'rss', 'residentmemory', 'memory', 'mem', 'real', 'memreal');
name('cacheBytes', 'bytes', 'b', 'cache', 'cached', 'pagecache');
name('minorFaults', 'count', '', 'minorfaults', 'minflt', 'minfaults');
name('majorFaults', 'count', '', 'majorfaults', 'majflt', 'majfaults');
name('readBytes', 'bytes', 'b', 'read', 'bytesread', 'rchar', 'readchars');
name('writtenBytes', 'bytes', 'b', 'written', 'write', 'byteswritten', 'wchar', 'writechars');
name('readCalls', 'count', '', 'readcalls', 'reads', 'readcount', 'syscr');
name('writeCalls', 'count', '', 'writecalls', 'writes', 'writecount', 'syscw');
name('contextSwitches', 'count', '', 'contextswitches', 'ctxsw', 'ctxswitches');
name('processes', 'count', '', 'processes', 'procs', 'nproc');
name('outputBytes', 'bytes', 'b', 'output', 'outputsize');
name('instructions', 'count', '', 'instructions');

/** Factors to milliseconds for the time axis; to nanoseconds they are a million times that. */
const TIME_UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, sec: 1000, seconds: 1000, min: 60_000 };
const BYTE_UNITS: Record<string, number> = {
  b: 1, bytes: 1, byte: 1, kb: 1e3, mb: 1e6, gb: 1e9, kib: 1024, mib: 1024 ** 2, gib: 1024 ** 3,
};
const UNITS: Record<Dimension, Record<string, number>> = { time: TIME_UNITS, bytes: BYTE_UNITS, count: { '': 1 }, share: { '%': 0.01, percent: 0.01, pct: 0.01 } };

/**
 * What a column's title says: a name, and behind it or in brackets its unit: `rss_kib`, `RSS (KiB)`, `residentBytes`, `cpu %`, `tMs`.
 *
 * @returns null for a name that means nothing here
 */
export function columnOf(title: string): Column {
  const bracket = /^(.*?)\s*[([]\s*([^)\]]*?)\s*[)\]]\s*$/.exec(title);
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9µ%]/g, '');
  if (bracket !== null) return named(title, plain(bracket[1]!), plain(bracket[2]!));
  const whole = plain(title);
  const exact = named(title, whole, undefined);
  if (exact !== null) return exact;
  // The longest unit first: `rsskib` ends in `b`, too.
  const units = Object.values(UNITS).flatMap((table) => Object.keys(table)).filter(Boolean).sort((a, b) => b.length - a.length);
  for (const unit of units) {
    if (!whole.endsWith(unit)) continue;
    const column = named(title, whole.slice(0, -unit.length), unit);
    if (column !== null) return column;
  }
  return null;
}

function named(title: string, base: string, unit: string | undefined): Column {
  // `cpu` in units of time is CPU time; alone, or in percent, it is a share.
  const key = base === 'cpu' && unit !== undefined && Object.hasOwn(TIME_UNITS, unit) ? 'cputime' : base;
  if (!Object.hasOwn(NAMES, key)) return null;
  const { meaning, dimension, unit: usual } = NAMES[key]!;
  const table = UNITS[dimension];
  const given = unit ?? usual;
  if (!Object.hasOwn(table, given)) return null;
  return { title, meaning, factor: table[given]! * (dimension === 'time' && meaning !== 'time' ? 1e6 : 1) };
}
