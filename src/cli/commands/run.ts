import type { Command } from 'commander';
import { anySignal } from '../../protocol/base/any-signal.ts';
import type { Client, JobRecord } from '../../client/index.ts';
import { EXIT } from '../exit-codes.ts';
import { fetchedImage } from '../fetched-image.ts';
import { followLog, narrate } from '../follow-job.ts';
import { waitForBooking } from '../wait-for-booking.ts';
import { dataRootFrom, specFromOptions, withJobOptions, type JobOptions } from '../job-options.ts';
import { jobJson, jobText } from '../job-report.ts';
import { withLeavingWord } from '../leaving-word.ts';
import { dim, print, progressBar, say } from '../output.ts';
import { withClient, type GlobalOptions } from '../session.ts';

interface RunOptions extends JobOptions, GlobalOptions { detach?: boolean; follow?: boolean; outputDir?: string; quiet?: boolean }

/** `gadus run`: a job from the command line, from submit to result. */
export function registerRun(command: Command): void {
  withJobOptions(command)
    .argument('<command...>', 'command and arguments, after --')
    .option('-d, --detach', 'submit and assign only; gadus job wait goes on')
    .option('--no-follow', 'do not show the log of the first replica')
    .option('--output-dir <DIR>', 'where the result goes (default: job-ID)')
    .option('-q, --quiet', 'no progress on stderr')
    .addHelpText('after', `
Exit code: that of the job where its replicas agree (125 where no node can run it, for its image or an input is
broken); 4 where they do not; 2, 3, 6 as in gadus --help.

Examples:
  $ gadus run -- echo hello
  $ gadus run -i sales.zip -- sh -c 'unzip -p /inputs/sales.zip | sort -t, -k9 -n | tail -1'
  $ gadus run --image docker://debian:12-slim -- cat /etc/os-release
  $ gadus run --replicas 1 --audit auto -- sh -c 'seq 1 1000000 | sha256sum'
  $ gadus run -i bafy…:/inputs/table.csv --memory 1GiB --replicas 5 -- sha256sum /inputs/table.csv
  $ gadus run -i photos:/inputs --shard-by-file -- sh -c 'sha256sum /inputs/* > /outputs/sums'`)
    .action(async (argv: string[], _options: RunOptions, command: Command) => {
      const options = command.optsWithGlobals<RunOptions>();
      process.exitCode = await withClient(command, async (running, signal) => {
        const { client } = running;
        const image = await fetchedImage(options.image!, command, running, { arch: options.arch, signal });
        const spec = await specFromOptions({ ...options, image }, argv, running, signal);
        const record = await client.submit(spec, { ...dataRootFrom(options), onProgress: narrate(options.quiet === true || options.json === true) });
        return withLeavingWord(record, options, async () => {
          if (options.detach) {
            await waitForBooking(client, record, signal);
            print({ id: record.jobId }, record.jobId, options);
            say(dim('gadus job wait goes on with it; nodes keep their commitments until then'));
            return EXIT.ok;
          }
          const logs = new AbortController();
          const log = options.follow === false || options.json ? undefined
            : waitForAssignment(client, record, signal).then(() => (isDrawn(client, record) ? followLog(running, record, 0, { signal: anySignal(signal, logs.signal), quiet: options.quiet === true }) : undefined));
          // A job that fails is told by the wait below.
          const logEnded = log?.catch(() => {});
          const state = await client.wait(record, { signal });
          logs.abort();
          await logEnded;
          if (options.json !== true && options.quiet !== true) say(`\n${jobText(client, record)}`);
          if (state.state === 'Cancelled') say(`not enough nodes bid: ${record.bids.length} of ${record.request.replicas}; gadus node list shows what the nodes offer${client.specOf(record).network === 'none' ? '' : ', and which give jobs a network'}, their logs say why they did not`);
          if (state.state !== 'Settled' || !state.verdicts.includes('agreed')) {
            if (options.json) print(jobJson(client, record), '', options);
            return EXIT.unsettled;
          }
          const destination = options.outputDir ?? `job-${record.jobId.slice(2, 10)}`;
          await client.fetchResult(record, destination, { signal, onProgress: progressBar(options) });
          print({ ...jobJson(client, record), output: destination }, destination, options);
          return client.resultOf(record).exitCode;
        });
      });
    });
}

/** Whether it has replicas: it may have been called off. */
function isDrawn(client: Client, record: JobRecord): boolean {
  const job = client.stateOf(record);
  return job !== undefined && 'roster' in job;
}

/** Resolves when the job has left Open. */
async function waitForAssignment(client: Client, record: JobRecord, signal: AbortSignal): Promise<void> {
  await client.waitFor(record, (state) => state !== undefined && state.state !== 'Open', { signal });
}
