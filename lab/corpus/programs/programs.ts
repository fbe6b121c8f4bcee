import { LabError } from '../errors.ts';
import { COMPRESSION_PROGRAMS } from './compression.ts';
import { COMPUTE_PROGRAMS } from './compute.ts';
import { DATA_PROGRAMS } from './data.ts';
import { MEDIA_PROGRAMS } from './media.ts';
import { PROCESS_PROGRAMS } from './processes.ts';
import type { LabEngine, LabProgram } from './program.ts';
import { TEXT_PROGRAMS } from './text.ts';
import { WASM_PROGRAMS } from './wasm.ts';

/** What the corpus is recorded of. */
export const PROGRAMS: readonly LabProgram[] = [...TEXT_PROGRAMS, ...COMPRESSION_PROGRAMS, ...DATA_PROGRAMS, ...COMPUTE_PROGRAMS, ...MEDIA_PROGRAMS, ...PROCESS_PROGRAMS, ...WASM_PROGRAMS];

/** Programs that are recorded in microVMs as well: of each main kind of work, and two whose output is new each time. */
export const MICROVM_PROGRAMS: readonly string[] = ['unzip-sed', 'sort-csv', 'gzip', 'hash-rounds', 'matrix-product', 'mandelbrot', 'python-json', 'sqlite-report', 'monte-carlo', 'xargs-race'];

/** A program at one of its sizes, under a name of its own. */
export type LabJob = Omit<LabProgram, 'other'>;

/**
 * All programs at all their sizes: first each program's first size, so that early data covers every program.
 *
 * @param names programs or jobs to keep; all when left out
 * @param engine those that are recorded by this engine; by any when left out
 * @throws LabError PROGRAM_UNKNOWN
 */
export function labJobs(names?: readonly string[], engine?: LabEngine): LabJob[] {
  const first = PROGRAMS.map((job) => ({ job, program: job.name }));
  const second = first.flatMap(({ job, program }) => (job.other === undefined ? [] : [{
    job: { ...job, name: `${program}-${job.other.suffix}`, input: { ...job.input, bytes: job.other.bytes } }, program,
  }]));
  const all = [...first, ...second];
  const unknown = names?.find((name) => !all.some(({ job, program }) => name === job.name || name === program));
  if (unknown !== undefined) throw new LabError('PROGRAM_UNKNOWN', 'no such program', { details: unknown, hint: PROGRAMS.map(({ name }) => name).join(', ') });
  return all.filter(({ job, program }) => names === undefined || names.includes(job.name) || names.includes(program))
    .filter(({ job }) => engine === undefined || (engine === 'microvm' ? MICROVM_PROGRAMS.includes(job.name) : (job.engine ?? 'container') === engine)).map(({ job }) => job);
}
