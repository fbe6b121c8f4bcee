import { readFileSync } from 'node:fs';
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { preferThisThread } from './prefer-this-thread.ts';
import type { SampleTask, SamplerMessage } from './sampler-protocol.ts';
import { Watch } from './watch.ts';

// Files of ended processes fail to open many times a second; the stack of such an error costs more than the sample.
Error.stackTraceLimit = 0;

preferThisThread();
const port = parentPort!;
/** Counts what the other side has to say: a new job, an order. This thread sleeps on it, so that nothing waits for a sample. */
const bell = new Int32Array(workerData as SharedArrayBuffer);
const thread = { busyMs: 0, cpuNs: threadCpuNs };
const watches = new Map<number, Watch>();

port.on('message', (task: SampleTask) => {
  begin(task);
  // Blocks this thread for as long as there is a job to watch: it has no other work.
  while (watches.size > 0) {
    const rung = Atomics.load(bell, 0);
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) begin(next.message as SampleTask);
    for (const [id, watch] of watches) if (watch.wants(performance.now())) step(id, watch);
    const pause = Math.min(...Array.from(watches.values(), ({ due }) => due)) - performance.now();
    if (pause > 0 && watches.size > 0) Atomics.wait(bell, 0, rung, pause);
  }
});

function begin(task: SampleTask): void {
  const { id } = task;
  try {
    watches.set(id, new Watch(task, thread, task.glances ? (sample) => port.postMessage({ type: 'sample', id, sample } satisfies SamplerMessage) : undefined));
    port.postMessage({ type: 'baseline', id } satisfies SamplerMessage);
  } catch (error) {
    port.postMessage({ type: 'failed', id, message: String(error) } satisfies SamplerMessage);
  }
}

function step(id: number, watch: Watch): void {
  try {
    const sampling = watch.step();
    if (sampling === undefined) return;
    port.postMessage({ type: 'result', id, sampling } satisfies SamplerMessage, [
      sampling.t.buffer as ArrayBuffer,
      ...Object.values(sampling.channels).map((column) => column.buffer as ArrayBuffer),
    ]);
  } catch (error) {
    port.postMessage({ type: 'failed', id, message: String(error) } satisfies SamplerMessage);
  }
  watches.delete(id);
  watch.close();
}

/** CPU time of the calling thread, ns. */
function threadCpuNs(): number {
  return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0]);
}
