import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Command } from 'commander';
import {
  compareFingerprints, explainDifference, fingerprintOf, renderReport, traceToCsv, tracePlot, writeTraceFile, type TraceFile,
} from '../../evidence/index.ts';
import { formatBytes, formatDurationMs } from '../../protocol/index.ts';
import { number } from '../job-options.ts';
import { bold, dim, green, print, red, say, table } from '../output.ts';
import { interruptSignal, type GlobalOptions } from '../session.ts';
import { registerExplain } from './trace/explain.ts';
import { registerImport } from './trace/import.ts';
import { readTraces } from './trace/read-traces.ts';

interface Options extends GlobalOptions { out?: string; interval?: number; label?: string; csv?: string }

/** `gadus trace …`: execution traces as a tool of its own, without any network. */
export function registerTrace(trace: Command): void {
  trace.addHelpText('after', `
Examples:
  $ gadus trace record -o a.json -- gzip -k table.csv
  $ gadus trace compare a.json b.json c.json
  $ gadus trace explain a.json b.json
  $ gadus trace plot a.json b.json --out traces.html
  $ gadus trace compare a.json psrecord.log samples.csv`);

  trace.command('record').description('run a command and record its trace').argument('<command...>', 'command and arguments, after --')
    .option('-o, --out <FILE>', 'trace file', 'trace.json').option('--interval <MS>', 'distance of samples', number, 20).option('--label <TEXT>', 'what to call it')
    .option('--csv <FILE>', 'write the samples as CSV too')
    .addHelpText('after', '\nThe exit code is the command\'s own.\n\nExample:\n  $ gadus trace record -o sort.json -- sort -o sorted.csv table.csv')
    .action(async (argv: string[], _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { recordCommand } = await import('../../executor/index.ts');
      const { trace: recorded, exitCode } = await recordCommand(argv, { intervalMs: options.interval!, signal: interruptSignal() });
      const label = options.label ?? argv.join(' ').slice(0, 100);
      await writeTraceFile(options.out!, { trace: recorded, label });
      if (options.csv !== undefined) await writeFile(options.csv, traceToCsv(recorded));
      const summary = summaryOf(recorded);
      if (options.json) print({ file: options.out, exitCode, ...summary }, '', options);
      else say(`${options.out}: ${summary.samples} samples, ${formatDurationMs(summary.wallMs)}, ${summary.cpuSeconds.toFixed(2)} CPU s, peak ${formatBytes(summary.peakMemoryBytes)}`);
      process.exitCode = exitCode;
    });

  trace.command('compare <files...>').description('distances between traces: below 1 they are the same work')
    .addHelpText('after', '\nExit code 4 when some pair is above the threshold.\n\nExample:\n  $ gadus trace compare honest-1.json honest-2.json suspect.json')
    .action(async (files: string[], _options: Options, command: Command) => {
      const traces = await readTraces(files);
      const prints = traces.map(({ trace: one, profile }) => fingerprintOf(one, profile));
      const pairs = prints.flatMap((a, i) => prints.slice(i + 1).map((b, k) => {
        const j = i + 1 + k;
        return { a: files[i]!, b: files[j]!, ...compareFingerprints(a, b), difference: explainDifference(a, b) };
      }));
      const verdict = (distance: number) => (distance <= 1 ? green(distance.toFixed(2)) : red(Number.isFinite(distance) ? distance.toFixed(2) : '∞'));
      print(pairs, [
        table(['a', 'b', 'distance', ...new Set(pairs.flatMap(({ blocks }) => blocks.map(({ name }) => name)))], pairs.map(({ a, b, distance, blocks }) => [
          basename(a), basename(b), verdict(distance), ...blocks.map((block) => block.distance.toFixed(2))])),
        ...pairs.filter(({ distance }) => distance > 1).map(({ a, b, difference }) => `${bold(basename(b))} ${dim('against')} ${basename(a)}: ${difference}`),
      ].join('\n'), command.optsWithGlobals<Options>());
      if (pairs.some(({ distance }) => distance > 1)) process.exitCode = 4;
    });

  trace.command('plot <files...>').description('overlay traces in one picture (.html report or .svg)').option('-o, --out <FILE>', '.html or .svg', 'traces.html')
    .addHelpText('after', '\nExample:\n  $ gadus trace plot a.json b.json --out traces.svg')
    .action(async (files: string[], _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const traces = await readTraces(files);
      const out = options.out!;
      await writeFile(out, out.endsWith('.svg') ? tracePlot(traces.map((one) => ({ label: labelOf(one), ...one }))) : htmlOf(traces));
      print({ file: out }, out, options);
    });
  registerExplain(trace);
  registerImport(trace);
}

function htmlOf(traces: readonly (TraceFile & { file: string })[]): string {
  const prints = traces.map(({ trace, profile }) => fingerprintOf(trace, profile));
  const distances = prints.map((a, i) => prints.map((b, j) => (i === j ? 0 : compareFingerprints(a, b).distance)));
  return renderReport({
    jobs: [{
      id: traces.map(({ file }) => basename(file)).join(', '), title: 'Recorded traces',
      replicas: traces.map((one, i) => {
        const others = distances[i]!.filter((_, j) => j !== i);
        const near = others.filter((distance) => distance <= 1).length;
        const summary = summaryOf(one.trace);
        return {
          label: labelOf(one), distances: distances[i]!, cpuSeconds: summary.cpuSeconds, peakMemoryBytes: summary.peakMemoryBytes, trace: one.trace,
          ...(one.profile === undefined ? {} : { profile: one.profile }),
          verdict: others.length === 0 || 2 * (near + 1) > traces.length ? 'agreed' as const : near === 0 && traces.length > 2 ? 'deviated' as const : 'undecided' as const,
          reason: others.length === 0 ? 'the only trace' : `within the threshold of ${near} of ${others.length} others`,
        };
      }),
    }],
  });
}

function labelOf({ label, file }: TraceFile & { file: string }): string {
  return label ?? basename(file);
}

function summaryOf({ t, channels }: TraceFile['trace']) {
  const cpuNs = channels.cpuNs?.at(-1) ?? (channels.cpuUserNs?.at(-1) ?? 0) + (channels.cpuSystemNs?.at(-1) ?? 0);
  return {
    samples: t.length, wallMs: t.at(-1) ?? 0, cpuSeconds: cpuNs / 1e9,
    peakMemoryBytes: channels.residentBytes?.reduce((peak, value) => Math.max(peak, value), 0) ?? 0,
  };
}
