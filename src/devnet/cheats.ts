import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Engine, RunRequest, RunResult } from '../executor/index.ts';
import type { Trace } from '../protocol/index.ts';

/** What a dishonest node of the demonstration does instead of its work. */
export const CHEATS = ['idle', 'flat', 'half', 'other'] as const;
export type Cheat = (typeof CHEATS)[number];

/** How long the pretended work lasts, and what it is made from. */
export interface CheatPlan {
  cheat: Cheat;
  /** Wall time to fill, ms. */
  durationMs: number;
  /** Of a job of shards the one that is not done; left out, none is. */
  shard?: number;
}

/**
 * Wraps an engine so that the runs `plan` picks are not the work that was asked for. Everything around the run is what an honest node
 * does: the cheat commits, seals and signs like the rest.
 *
 * @param plan what to do about the run of this id, or undefined to be honest
 */
export function createCheatingEngine(engine: Engine, plan: (id: string) => CheatPlan | undefined): Engine {
  return {
    ...engine,
    run(request) {
      const chosen = plan(request.id);
      return chosen === undefined ? engine.run(request) : cheats[chosen.cheat](engine, request, chosen);
    },
  };
}

const cheats: Record<Cheat, (engine: Engine, request: RunRequest, plan: CheatPlan) => Promise<RunResult>> = {
  /** Sleeps for as long as the work takes. */
  idle: (engine, request, { durationMs }) => engine.run(withCommand(request, `sleep ${durationMs / 1000}`)),
  /** Does nothing and makes up a trace: a straight line up to plausible totals, beside an output of plausible size. */
  flat: async (engine, request, { durationMs }) => {
    const script = request.inputs.map(({ target }) => `cp -r '${target}' '${request.spec.outputs[0]?.path ?? '/outputs'}'`).join('; ') || 'true';
    const run = await engine.run(withCommand(request, script));
    return { ...run, trace: flatTrace(run.trace, durationMs) };
  },
  /** Does the work on the first half of each zipped table. */
  half: async (engine, request) => {
    const dir = await mkdtemp(join(tmpdir(), 'gadus-half-'));
    try {
      const inputs = await Promise.all(request.inputs.map(async (input, i) => ({ ...input, path: await halved(input.path, join(dir, String(i))) })));
      return await engine.run({ ...request, inputs });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
  /** Keeps the machine busy with another program for as long as the work takes. */
  other: (engine, request, { durationMs }) => engine.run(withCommand(request,
    `end=$(( $(date +%s) + ${Math.ceil(durationMs / 1000)} )); while [ $(date +%s) -lt $end ]; do sha256sum ${request.inputs.map(({ target }) => `'${target}'`).join(' ')} /bin/* ; done >/dev/null`)),
};

function withCommand(request: RunRequest, script: string): RunRequest {
  return { ...request, spec: { ...request.spec, command: ['sh', '-c', script] } };
}

function flatTrace(trace: Trace, durationMs: number): Trace {
  const samples = Math.max(2, Math.round(durationMs / trace.intervalMs));
  const t = Float64Array.from({ length: samples }, (_, i) => i * trace.intervalMs);
  const line = (total: number) => Float64Array.from({ length: samples }, (_, i) => Math.round((total * i) / (samples - 1)));
  const level = (value: number) => new Float64Array(samples).fill(value);
  const { channels } = trace;
  const kept = Object.fromEntries(Object.keys(channels).map((name) => [name, line(0)])) as Trace['channels'];
  return {
    ...trace, t,
    channels: {
      ...kept,
      cpuNs: line(durationMs * 5e5), cpuUserNs: line(durationMs * 4e5), cpuSystemNs: line(durationMs * 1e5),
      residentBytes: level(2 ** 20), processes: level(2), minorFaults: line(4000), readBytes: line(2 ** 29), writtenBytes: line(2 ** 29),
      readCalls: line(2 ** 17), writeCalls: line(2 ** 17), outputBytes: line(2 ** 26),
    },
  };
}

/** A zip of the first half of the lines of the table in a zip; anything else is copied in full. */
async function halved(zip: string, dir: string): Promise<string> {
  const run = promisify(execFile);
  const script = join(`${dir}.sh`);
  await writeFile(script, [
    'set -e', 'mkdir -p "$2"', 'cd "$2"', 'unzip -q -o "$1"',
    'for f in *; do lines=$(wc -l < "$f"); head -n $((lines / 2)) "$f" > "$f.half"; mv "$f.half" "$f"; done', 'zip -q -X -1 half.zip *',
  ].join('\n'));
  try {
    await run('sh', [script, zip, dir]);
    return join(dir, 'half.zip');
  } catch {
    await copyFile(zip, `${dir}.copy`);
    return `${dir}.copy`;
  }
}
