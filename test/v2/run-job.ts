import path from 'node:path';
import { parseJobSpec } from '../../src/protocol/index.ts';
import { buildBusyboxImage, createContainerEngine, createImageStore, enterUserNamespace } from '../../src/executor/index.ts';

// node run-job.ts DIRECTORY [RUNTIME]: what a node does, as far as a machine's service manager sees it: sweeps, says so, runs a job of ten minutes that would take all of the CPU and
// may have a fifth of one, says that and its process's id, and ends the job on SIGTERM.

enterUserNamespace();
const [directory = '', runtime] = process.argv.slice(2);
const images = createImageStore({ dir: path.join(directory, 'images') });
await buildBusyboxImage({ out: path.join(directory, 'busybox.tar') });
await images.unpack('busybox', path.join(directory, 'busybox.tar'));
const engine = createContainerEngine({ stateDir: path.join(directory, 'state'), ...(runtime === undefined ? {} : { runtime }) });
await engine.sweep();
console.log('swept');
const over = new AbortController();
process.once('SIGTERM', () => over.abort());
await engine.run({
  id: 'job', rootfs: images.rootfs('busybox'), inputs: [], sampleIntervalMs: 20, signal: over.signal,
  spec: parseJobSpec({ command: ['sh', '-c', 'while :; do :; done'], resources: { cpus: 0.2, timeoutMs: 600_000 } }),
  onStart: () => console.log(`started ${process.pid}`),
}).catch((error: unknown) => {
  console.log(over.signal.aborted ? 'aborted' : String(error));
});
