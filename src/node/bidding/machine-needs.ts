import type { Engine } from '../../executor/index.ts';
import type { Resources } from '../../protocol/index.ts';

/** What a run takes of this machine in an engine of this node's. */
export function machineNeeds(engine: Pick<Engine, 'takes'>, resources: Resources): Resources {
  return engine.takes?.(resources) ?? resources;
}
