import type { Command } from 'commander';
import { callApi, type ApiTarget } from '../api/call-api.ts';
import { progressBar } from './output.ts';
import { loadProfile, type GlobalOptions } from './session.ts';
import { UsageError } from './usage-error.ts';

/** Has nodes do the same, and shows how far they are together. @returns their answers, in order */
export async function atNodes(nodes: readonly ApiTarget[], method: 'GET' | 'POST', path: string, body: unknown, options: GlobalOptions, signal: AbortSignal, doing?: string): Promise<unknown[]> {
  const bar = progressBar(options);
  const progress = nodes.map(() => ({ bytes: 0, blocks: 0 }));
  return Promise.all(nodes.map((api, i) => callApi(api, method, path, body, {
    signal,
    onProgress({ bytes = 0, blocks = 0 }) {
      progress[i] = { bytes, blocks };
      bar({ bytes: sum(progress.map((one) => one.bytes)), blocks: sum(progress.map((one) => one.blocks)), ...(doing !== undefined && { doing }) });
    },
  })));
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

/** The nodes of the profile whose API may be called. @throws UsageError when there are none */
export async function nodesOfThisMachine(command: Command): Promise<readonly ApiTarget[]> {
  const { apis } = await loadProfile(command);
  if (apis.length === 0) throw new UsageError('the profile names no node of this machine', 'apis in the profile: [{ "url": …, "token": … }]');
  return apis;
}
