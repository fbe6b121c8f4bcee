import path from 'node:path';
import { createContainerEngine } from '../container/container-engine.ts';
import { createDockerEngine } from '../docker/docker-engine.ts';
import type { NetworkRules } from '../egress/network-rules.ts';
import type { Engine } from '../engine.ts';
import { guestDir } from '../guest/guest-dir.ts';
import { createMicrovmEngine } from '../microvm/microvm-engine.ts';
import { createWasmEngine } from '../wasm/wasm-engine.ts';

/** Engines by the names an operator uses; `microvm-emulated` also works without KVM, about ten times slower; `docker` is a container engine for machines with a Docker. */
export const ENGINE_CHOICES = ['microvm', 'microvm-emulated', 'container', 'docker', 'wasm'] as const;
export type EngineChoice = (typeof ENGINE_CHOICES)[number];
/** The strongest first. */
export const DEFAULT_ENGINES: EngineChoice[] = ['microvm', 'container', 'docker', 'wasm'];

export interface CreateEnginesInit {
  /** Folder of the engines' state, one below it for each. */
  dir: string;
  /** OCI runtime, where not the first that works. */
  runtime?: string;
  /** Kernel of microVMs in place of Debian's; GADUS_KERNEL when left out. */
  kernel?: string;
  /** What jobs may have of the network; nothing when left out. */
  network?: NetworkRules;
}

/** The engines of these names, in their order; whether each works here is for its `probe` to find out. */
export function createEngines(names: readonly EngineChoice[], { dir, runtime, network, kernel = process.env['GADUS_KERNEL'] }: CreateEnginesInit): Engine[] {
  const oci = runtime === undefined ? {} : { runtime };
  return names.map((name) => {
    if (name === 'container') return createContainerEngine({ stateDir: path.join(dir, 'engine'), ...oci, ...(network === undefined ? {} : { network }) });
    if (name === 'docker') return createDockerEngine({ stateDir: path.join(dir, 'engine-docker') });
    if (name === 'wasm') return createWasmEngine({ stateDir: path.join(dir, 'engine-wasm'), ...oci });
    return createMicrovmEngine({ stateDir: path.join(dir, 'engine-microvm'), guestDir: guestDir(), emulate: name === 'microvm-emulated', ...(network === undefined ? {} : { network }), ...(kernel === undefined ? {} : { kernel }) });
  });
}
