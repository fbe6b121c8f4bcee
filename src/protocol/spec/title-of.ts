import type { JobSpec } from './job-spec.ts';

/** What a job is called: its name, or else its command. */
export function titleOf({ name, command }: Pick<JobSpec, 'name' | 'command'>): string {
  return name ?? command.join(' ');
}
