import type { ReportJob, ReportReplica } from './report-data.ts';

/** A job's outcome in one sentence: who agreed, who deviated, and why. */
export function headline({ replicas }: ReportJob): string {
  const labels = (verdict: ReportReplica['verdict']) => replicas.filter((replica) => replica.verdict === verdict);
  const [agreed, deviated, absent, undecided] = [labels('agreed'), labels('deviated'), labels('absent'), labels('undecided')];
  const sentences: string[] = [];
  if (replicas.length === 0) return 'No replica ran.';
  if (agreed.length === 1 && replicas.length === 1) sentences.push(`${names(agreed)} ran alone; there was nobody to compare it with.`);
  else if (agreed.length === replicas.length) sentences.push(`${agreed.length === 2 ? 'Both' : `All ${agreed.length}`} replicas did the same work.`);
  else if (agreed.length > 0) sentences.push(`${names(agreed)} ${agreed.length === 1 ? 'stands' : 'did the same work'}.`);
  for (const replica of deviated) sentences.push(`${replica.label} deviated: ${replica.reason.replace(/\.$/, '')}.`);
  if (undecided.length > 0) sentences.push(`No majority agrees; nobody is accused.`);
  if (absent.length > 0) sentences.push(`${names(absent)} left nothing.`);
  return sentences.join(' ');
}

function names(replicas: readonly ReportReplica[]): string {
  const all = replicas.map(({ label }) => label);
  return all.length < 2 ? all.join('') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}
