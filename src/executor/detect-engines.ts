import { createContainerEngine, type ContainerEngineInit } from './container/container-engine.ts';
import type { EngineProbe } from './engine.ts';
import { createNoopEngine } from './noop-engine.ts';

/** Tries every engine, the strongest first. @throws ExecutorError ABORTED */
export async function detectEngines(init: ContainerEngineInit, options: { signal?: AbortSignal } = {}): Promise<EngineProbe[]> {
  return [await createContainerEngine(init).probe(options), await createNoopEngine().probe(options)];
}
