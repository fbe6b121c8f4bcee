import { readFileSync } from 'node:fs';
import os from 'node:os';
import type { Environment } from '../protocol/index.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

/** Where a replica runs, as its evidence tells it. */
export function environment(engine: string, runtime: string, cgroup: string): Environment {
  const cpus = os.cpus();
  return { engine, runtime, kernel: os.release(), cpu: cpus[0]?.model.trim() ?? os.arch(), cores: cpus.length, cgroup, gadus: version };
}
