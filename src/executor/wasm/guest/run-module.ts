import { closeSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WASI } from 'node:wasi';
import { Worker } from 'node:worker_threads';
import { countIo } from './count-io.ts';
import { MAX_WAYPOINTS, STATE_FIELDS, WAYPOINTS_OFFSET } from './meter-page.ts';
import { MeterRecord } from './meter-record.ts';
import { ModuleMeter } from './module-meter.ts';

// Runs inside the sandbox, as `node run-module.mjs`, its types taken off; imports nothing but Node and its neighbours. Descriptor 3 is the socket to the engine: `ready`
// once the module is compiled, then one line in, then it is closed, before the module's first instruction.

const CONTROL_FD = 3;

interface RunPlan { args: string[]; env: Record<string, string>; preopens: Record<string, string>; reportIntervalMs: number; trapExitCode: number }

const here = new URL('.', import.meta.url);
const plan = JSON.parse(readFileSync(new URL('run.json', here), 'utf8')) as RunPlan;
const meter = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
/** A module has no sockets, and Node's own functions for them crash on descriptors that are none: WASI's ENOTSOCK. */
const NO_SOCKETS = Object.fromEntries(['sock_accept', 'sock_recv', 'sock_send', 'sock_shutdown'].map((name) => [name, () => 57]));

process.exit(await main());

async function main(): Promise<number> {
  const counter = fileURLToPath(new URL('counter', here));
  const counterFd = openSync(counter, 'r+');
  const record = new MeterRecord(meter.buffer, counter);
  // Takes longer to come up than all the rest: nobody waits for it.
  const reporter = new Worker(new URL(`report-meter${extname(import.meta.url)}`, here), {
    workerData: { buffer: meter.buffer, file: counter, intervalMs: plan.reportIntervalMs },
    // Not joined to this process's own streams, which would make them non-blocking under the module.
    stdout: true, stderr: true,
  });
  reporter.on('error', (error) => { throw error; });
  let start: { command: () => number; moduleMeter: ModuleMeter } | { failure: string };
  try {
    start = instantiate(await WebAssembly.compile(readFileSync(new URL('module.wasm', here))));
  } catch (error) {
    start = { failure: String(error) };
  }
  record.write();
  writeSync(CONTROL_FD, 'ready\n');
  readSync(CONTROL_FD, new Uint8Array(16));
  closeSync(CONTROL_FD);
  if ('failure' in start) {
    writeSync(2, `gadus: the module cannot be compiled: ${start.failure}\n`);
    return 126;
  }
  const code = run(start.command);
  writeWaypoints(counterFd, start.moduleMeter.finish());
  record.write({ last: true });
  return code;
}

/** Everything up to the module's first instruction. */
function instantiate(module: WebAssembly.Module): { command: () => number; moduleMeter: ModuleMeter } {
  const wasi = new WASI({ version: 'preview1', args: plan.args, env: plan.env, preopens: plan.preopens, returnOnExit: true });
  const [sizes] = WebAssembly.Module.customSections(module, 'gadus.memory');
  const [initial, maximum] = sizes ? new Uint32Array(sizes) : [0, 0];
  const memory = new WebAssembly.Memory({ initial: initial!, maximum: maximum! });
  const moduleMeter = new ModuleMeter(meter.buffer, initial!);
  const { wasi_snapshot_preview1: functions } = wasi.getImportObject() as { wasi_snapshot_preview1: Record<string, unknown> };
  const imports = { wasi_snapshot_preview1: { ...countIo(functions, memory, moduleMeter), ...NO_SOCKETS }, gadus: { meter, memory } };
  return { moduleMeter, command: () => wasi.start(new WebAssembly.Instance(module, imports as WebAssembly.Imports)) };
}

/** Behind the record of the counts. */
function writeWaypoints(fd: number, waypoints: Float64Array[]): void {
  const words = new Float64Array(1 + Math.min(waypoints.length, MAX_WAYPOINTS) * STATE_FIELDS);
  words[0] = Math.min(waypoints.length, MAX_WAYPOINTS);
  waypoints.slice(0, MAX_WAYPOINTS).forEach((state, i) => words.set(state, 1 + i * STATE_FIELDS));
  writeSync(fd, new Uint8Array(words.buffer), 0, words.byteLength, WAYPOINTS_OFFSET);
}

/** The module's exit code; one above 255 does not fit a process's. */
function run(start: () => number): number {
  try {
    return Math.min(start(), 255);
  } catch (error) {
    writeSync(2, `gadus: the module trapped: ${error instanceof Error ? error.message : String(error)}\n`);
    return plan.trapExitCode;
  }
}
