import type { Engine } from '../../src/executor/index.ts';
import { parseJobSpec } from '../../src/protocol/index.ts';
import { LabError } from './errors.ts';

/** posix_fadvise(2) on every file; pages that somebody else maps or that are not yet on the disk stay. */
const SCRIPT = `
import os
for root in ("/inputs/data", "/inputs/image/usr"):
    for folder, _, names in os.walk(root) if os.path.isdir(root) else [(os.path.dirname(root), [], [os.path.basename(root)])]:
        for name in names:
            try: file = os.open(os.path.join(folder, name), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            except OSError: continue
            try: os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            except OSError: pass
            os.close(file)
`;

/**
 * Drops an input and an image's files from the page cache. It is a job itself, because only a program in an image of the
 * laboratory's own is sure to have the call, and it touches no other file of the machine.
 *
 * @param tools root of an image with Python
 * @throws LabError RUN_FAILED; ExecutorError as `Engine.run`
 */
export async function evictCache(engine: Engine, { id, tools, image, input, signal }: { id: string; tools: string; image: string; input: string; signal?: AbortSignal }): Promise<void> {
  const run = await engine.run({
    id, rootfs: tools, sampleIntervalMs: 1000,
    spec: parseJobSpec({ command: ['python3', '-S', '-c', SCRIPT], outputs: [] }),
    inputs: [{ path: input, target: '/inputs/data' }, { path: image, target: '/inputs/image' }],
    ...(signal === undefined ? {} : { signal }),
  });
  await run.release();
  if (run.exitCode !== 0) throw new LabError('RUN_FAILED', 'the page cache could not be emptied', { details: `exit code ${run.exitCode}` });
}
