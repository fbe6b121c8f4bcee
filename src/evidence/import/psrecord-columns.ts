import type { Column } from './columns.ts';

const MIB = 1024 ** 2;
const column = (title: string, meaning: NonNullable<Column>['meaning'], factor = 1): Column => ({ title, meaning, factor });

/**
 * What psrecord writes, by the title in its log and in its CSV. Its MB are 2^20 bytes; its CPU is percent of one core since the sample before.
 * Its bytes read and written are those of the block layer, which the page cache distorts, not those of system calls: they are left out.
 */
const TITLES: Record<string, Column> = {
  'Elapsed time': column('Elapsed time', 'time', 1000), 'CPU (%)': column('CPU (%)', 'cpuShare', 0.01),
  'Real (MB)': column('Real (MB)', 'residentBytes', MIB), 'Cached (MB)': column('Cached (MB)', 'cacheBytes', MIB), 'Cache (MB)': column('Cache (MB)', 'cacheBytes', MIB),
  'Read count': column('Read count', 'readCalls'), 'Write count': column('Write count', 'writeCalls'), 'Dir size (MB)': column('Dir size (MB)', 'outputBytes', MIB),
  elapsed_time: column('elapsed_time', 'time', 1000), cpu: column('cpu', 'cpuShare', 0.01), nproc: column('nproc', 'processes'),
  mem_real: column('mem_real', 'residentBytes', MIB), mem_cached: column('mem_cached', 'cacheBytes', MIB),
  read_count: column('read_count', 'readCalls'), write_count: column('write_count', 'writeCalls'), dir_size_mb: column('dir_size_mb', 'outputBytes', MIB),
};

/** The columns of a psrecord log or CSV, or undefined for a header that psrecord does not write. */
export function psrecordColumns(titles: readonly string[]): Column[] | undefined {
  const log = titles[0] === 'Elapsed time' && titles[1] === 'CPU (%)';
  const csv = titles[0] === 'elapsed_time' && titles.includes('mem_real');
  return log || csv ? titles.map((title) => (Object.hasOwn(TITLES, title) ? TITLES[title]! : null)) : undefined;
}
