import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { messageOf } from '../../protocol/index.ts';
import { slotPaths } from '../container/bundle.ts';
import type { MountPlan } from '../container/mount-plan.ts';
import { unpackTar } from '../image/unpack-tar.ts';
import { runTool } from '../tool.ts';
import { MAX_OUTPUT_ENTRIES, TAR_ENTRY_BYTES } from './constants.ts';
import { dropUnchanged } from './drop-unchanged.ts';
import type { DockerContainer } from './docker-container.ts';

/** A tar ends with two empty blocks, rounded up to 20. */
const TAR_END_BYTES = 20 * 512;

/**
 * Brings what a job wrote from its container to `scratch`, each slot to its own directory, as the container engine's scratch disk has them. What
 * comes is a stranger's: its length is bounded, and it is unpacked as an image would be.
 *
 * @returns notes on what could not be taken
 */
export async function fetchOutputs(container: DockerContainer, plan: MountPlan, scratch: string, diskBytes: number): Promise<string[]> {
  const notes: string[] = [];
  mkdirSync(scratch, { recursive: true });
  for (const { slot, target, lower } of plan.writable) {
    if (!plan.outputs.some((output) => output.slot === slot)) continue;
    const tar = path.join(scratch, `${slot}.tar`);
    const { data } = slotPaths(scratch, slot);
    const limit = 2 * diskBytes + 1000 * TAR_ENTRY_BYTES + TAR_END_BYTES;
    const file = await open(tar, 'w', 0o600);
    let bytes = 0;
    let writing: Promise<unknown> = Promise.resolve();
    try {
      await container.helper('cd "$1" && exec tar -c -f - .', [target], (chunk) => {
        if ((bytes += chunk.length) > limit) throw new Error(`more than ${limit} bytes`);
        writing = writing.then(() => file.write(chunk));
        writing.catch(() => undefined);
      });
      await writing;
      mkdirSync(data);
      await unpackTar(tar, data, { maxBytes: limit, maxEntries: MAX_OUTPUT_ENTRIES, allowEmpty: true });
      if (process.getuid?.() !== 0) await runTool('chmod', ['-R', 'u+rwX', data]);
      if (lower !== undefined) await dropUnchanged(data, lower);
    } catch (error) {
      rmSync(data, { recursive: true, force: true });
      notes.push(`what the job left in ${target} could not be taken: ${messageOf(error).slice(0, 300)}`);
    } finally {
      await writing.catch(() => undefined);
      await file.close();
      rmSync(tar, { force: true });
    }
  }
  return notes;
}
