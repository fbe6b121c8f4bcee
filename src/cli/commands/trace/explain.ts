import { basename } from 'node:path';
import type { Command } from 'commander';
import { explainRuns, fingerprintOf, type Explanation } from '../../../evidence/index.ts';
import { EXIT } from '../../exit-codes.ts';
import { bold, dim, green, print, red } from '../../output.ts';
import type { GlobalOptions } from '../../session.ts';
import { readTraces } from './read-traces.ts';

/** `gadus trace explain`: which block told two runs apart, in words. */
export function registerExplain(trace: Command): void {
  trace.command('explain').description('say in words what tells runs apart from the first one').argument('<first>', 'the run to compare with').argument('<others...>', 'other runs')
    .addHelpText('after', '\nReads trace files, psrecord logs and CSV. Exit code 4 when some run differs from the first.\n\nExample:\n  $ gadus trace explain honest.json suspect.json')
    .action(async (first: string, others: string[], _options: GlobalOptions, command: Command) => {
      const [reference, ...runs] = await readTraces([first, ...others]);
      const referencePrint = fingerprintOf(reference!.trace, reference!.profile);
      const explained = runs.map(({ file, trace: one, profile }) => ({ first, second: file, ...explainRuns(referencePrint, fingerprintOf(one, profile)) }));
      print(explained.map((one) => ({ ...one, distance: Number.isFinite(one.distance) ? one.distance : null })), explained.map(textOf).join('\n\n'), command.optsWithGlobals<GlobalOptions>());
      if (explained.some(({ distance }) => distance > 1)) process.exitCode = EXIT.unsettled;
    });
}

/** An explanation as a person reads it. */
function textOf({ first, second, distance, differs, agrees, missing }: Explanation & { first: string; second: string }): string {
  const verdict = distance === Infinity ? red('cannot be compared: too few channels in common')
    : distance <= 1 ? green(`the same work (distance ${distance.toFixed(2)}, 1 is the limit)`) : red(`other work (distance ${distance.toFixed(2)}, 1 is the limit)`);
  const lines = [`${bold(basename(second))} ${dim('beside')} ${basename(first)}: ${verdict}`];
  lines.push(...differs.map(({ text, distance: far }) => `  ${red('differs')} ${text} ${dim(`(distance ${far.toFixed(2)})`)}`));
  if (agrees.length > 0) lines.push(`  ${green('agrees')}  ${agrees.map(({ text }) => text).join(', ')}`);
  const without = (from: Explanation['missing'][number]['from']) => missing.filter((one) => one.from === from).map(({ block }) => block).join(', ');
  const absent = [[basename(first), without('first')], [basename(second), without('second')], ['both', without('both')]].filter(([, blocks]) => blocks !== '');
  lines.push(...absent.map(([who, blocks]) => `  ${dim('missing')} from ${who}: ${blocks}`));
  if (absent.length > 0) lines.push(`  ${dim('What is missing was not compared: a difference there would not be seen.')}`);
  return lines.join('\n');
}
