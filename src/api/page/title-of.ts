import type { JobSpec } from '../../protocol/index.ts';

/** What a job is called: its name, or else its command. */
export function titleOf({ name, command }: Pick<JobSpec, 'name' | 'command'>): string {
  return name ?? command.join(' ');
}
