import type { JobSpec } from '../../protocol/index.ts';
import { PROXY_PORT } from './constants.ts';

/** The variables by which programs find a job's proxy, in both spellings that are in use; nothing for a job without network. */
export function proxyEnvironment({ network }: Pick<JobSpec, 'network'>): Record<string, string> {
  if (network === 'none') return {};
  const url = `http://127.0.0.1:${PROXY_PORT}`;
  return Object.fromEntries(['http_proxy', 'https_proxy', 'all_proxy'].flatMap((name) => [[name, url], [name.toUpperCase(), url]]));
}
