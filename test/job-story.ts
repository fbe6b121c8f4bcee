import type { Hex } from 'viem';
import type { JobRecord, RunningClient } from '../src/client/index.ts';
import type { NodeLine } from '../src/devnet/node-child.ts';

/** What a client told of its jobs, and when: the reason when one does not end is nowhere else. */
const told = new Map<Hex, string[]>();
/** What the nodes of all networks said. */
const diary: { at: string; index: number; line: NodeLine }[] = [];

/** A node said something. */
export function noteLine(index: number, line: NodeLine): void {
  diary.push({ at: now(), index, line });
}

/** Has a client tell us of the jobs it submits, besides whom it tells anyway. */
export function listenTo({ client }: RunningClient): void {
  const submit = client.submit.bind(client);
  client.submit = async (input, options = {}) => {
    const lines: string[] = [];
    const record = await submit(input, {
      ...options,
      onProgress: (progress) => {
        lines.push(`${now()} client ${JSON.stringify(progress, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}`);
        options.onProgress?.(progress);
      },
    });
    told.set(record.jobId, lines);
    return record;
  };
}

/** What client and nodes told of a job, in order. */
export function storyOf({ jobId, timingsMs }: JobRecord): string {
  const nodes = diary.filter(({ line }) => (line.data as { jobId?: string } | undefined)?.jobId === jobId)
    .map(({ at, index, line }) => `${at} node ${index} ${line.event} ${JSON.stringify({ ...(line.data as object), jobId: undefined })}`);
  return [...(told.get(jobId) ?? []), ...nodes].sort().concat(`${now()} reached after ms: ${JSON.stringify(timingsMs)}`).join('\n');
}

const now = (): string => new Date().toISOString().slice(11);
