import type { Command } from 'commander';
import { writeTraceFile } from '../../../evidence/index.ts';
import { print } from '../../output.ts';
import type { GlobalOptions } from '../../session.ts';
import { readTraces } from './read-traces.ts';

interface Options extends GlobalOptions { out: string; label?: string }

/** `gadus trace import`: another tool's samples as a trace file. */
export function registerImport(trace: Command): void {
  trace.command('import').description('turn a psrecord log or CSV into a trace file').argument('<file>', 'psrecord log or CSV')
    .option('-o, --out <FILE>', 'trace file', 'trace.json').option('--label <TEXT>', 'what to call it')
    .addHelpText('after', '\nThe other commands read such files as they are.\n\nExample:\n  $ gadus trace import psrecord.log -o sort.json')
    .action(async (file: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { trace: imported, profile, label } = (await readTraces([file]))[0]!;
      await writeTraceFile(options.out, { trace: imported, label: options.label ?? label ?? file, ...(profile === undefined ? {} : { profile }) });
      const channels = Object.keys(imported.channels);
      print({ file: options.out, engine: imported.engine, samples: imported.t.length, channels }, `${options.out}: ${imported.t.length} samples of ${channels.join(', ')}`, options);
    });
}
