import { DEFAULT_ENGINES, createEngines, type CreateEnginesInit } from './create-engines.ts';
import type { EngineProbe } from '../engine.ts';
import { createNoopEngine } from '../noop/noop-engine.ts';
import { takeUsualUmask } from '../usual-umask.ts';

/** Tries every engine, the strongest first. @throws ExecutorError ABORTED */
export async function detectEngines(init: CreateEnginesInit, options: { signal?: AbortSignal } = {}): Promise<EngineProbe[]> {
  takeUsualUmask();
  const probes: EngineProbe[] = [];
  for (const engine of [...createEngines(DEFAULT_ENGINES, init), createNoopEngine()]) probes.push(await engine.probe(options));
  return probes;
}
