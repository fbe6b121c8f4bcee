import { PROGRAMS } from '../corpus/programs/programs.ts';

/** The program behind a job's name: `sort-csv` of `sort-csv-large`. Names that the corpus does not know stand for themselves. */
export function familyOf(job: string): string {
  return PROGRAMS.find(({ name, other }) => job === name || (other !== undefined && job === `${name}-${other.suffix}`))?.name ?? job;
}
