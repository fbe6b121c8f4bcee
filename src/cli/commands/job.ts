import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import type { Client, JobRecord, Progress, RunningClient } from '../../client/index.ts';
import { isUnfinished } from '../../client/book/is-unfinished.ts';
import { isError, messageOf, parseJobSpec, ProtocolError, shardName, type JobSpecInput } from '../../protocol/index.ts';
import { EXIT } from '../exit-codes.ts';
import { fetchedImage } from '../fetched-image.ts';
import { followLog, narrate, standing } from '../follow-job.ts';
import { count } from '../job-options.ts';
import { jobJson, jobText } from '../job-report.ts';
import { withLeavingWord } from '../leaving-word.ts';
import { clock, dim, print, progressBar, say, table } from '../output.ts';
import { withClient, type GlobalOptions } from '../session.ts';
import { waitForBooking } from '../wait-for-booking.ts';
import { withJobs } from '../with-jobs.ts';

/** Characters of a job's name in a list. */
const MAX_TITLE = 50;

interface Options extends GlobalOptions { quiet?: boolean; replica?: number; outputDir?: string; limit?: number; detach?: boolean; car?: string; shard?: number }

/** `gadus job …`: specs in files, and jobs after they were submitted. */
export function registerJob(job: Command): void {
  job.addHelpText('after', `
Examples:
  $ gadus job validate job.yaml
  $ gadus job submit job.yaml
  $ gadus job list
  $ gadus job wait 3f2a       # goes on with it
  $ gadus job watch 3f2a      # only looks on`);

  job.command('validate <file>').description('check a YAML or JSON spec (- for standard input) without submitting it')
    .addHelpText('after', '\nExample:\n  $ gadus job validate job.yaml')
    .action(async (file: string, _options: Options, command: Command) => {
      const spec = parseJobSpec(await readSpec(file));
      print(spec, `valid; with its defaults:\n${JSON.stringify(spec, null, 2)}`, command.optsWithGlobals<Options>());
    });

  job.command('submit <file>').description('submit a YAML or JSON spec (- for standard input) and carry it to its end')
    .option('-d, --detach', 'only submit and assign').option('-q, --quiet', 'no progress on stderr')
    .addHelpText('after', '\nExample:\n  $ gadus job submit job.yaml --json')
    .action((file: string, _options: Options, command: Command) => acting(command, async (running, signal, options) => {
      const asked = await readSpec(file) as JobSpecInput;
      const image = typeof asked?.image === 'string' ? { image: await fetchedImage(asked.image, command, running, { arch: asked.requires?.arch, signal }) } : {};
      const record = await running.client.submit({ ...asked, ...image }, { onProgress: narrate(options.quiet === true || options.json === true) });
      return withLeavingWord(record, options, async () => {
        if (!options.detach) return finish(running.client, record, signal, options);
        await waitForBooking(running.client, record, signal);
        print({ id: record.jobId }, record.jobId, options);
        return EXIT.ok;
      });
    }));

  job.command('list').description('jobs of this client, newest first').option('-n, --limit <N>', 'at most so many', count, 20)
    .addHelpText('after', '\nExample:\n  $ gadus job list -n 5')
    .action((_options: Options, command: Command) => withJobs(command, async ({ book }) => {
      const options = command.optsWithGlobals<Options>();
      if (book.list().length === 0 && options.json !== true) say('no jobs yet; gadus run -- echo hello makes one');
      const jobs = book.list().slice(0, options.limit).map((record) => jobJson(book, record));
      print(jobs, table(['id', 'state', 'replicas', 'created', 'job'], jobs.map(({ id, state, replicas, createdAt, title }) => [
        id.slice(0, 14), state, countVerdicts(replicas), clock(Date.parse(createdAt) / 1000), title.length > MAX_TITLE ? `${title.slice(0, MAX_TITLE)}…` : title])), options);
    }));

  job.command('describe <id>').description('a job in full, as the chain knows it now')
    .addHelpText('after', '\nExample:\n  $ gadus job describe 0x3f2a')
    .action((id: string, _options: Options, command: Command) => withJobs(command, async ({ book, chain, profile, signal }) => {
      const record = book.find(id);
      const { refreshJob } = await import('../../client/book/refresh-job.ts');
      await refreshJob({ chain: await chain(), book }, record, BigInt(profile.deploymentBlock), { signal });
      print(jobJson(book, record), jobText(book, record), command.optsWithGlobals<Options>());
    }));

  job.command('wait <id>').description('go on with a job: carry commitments, validate evidence, settle').option('-q, --quiet', 'no progress on stderr')
    .addHelpText('after', '\nExample:\n  $ gadus job wait 0x3f2a')
    .action((id: string, _options: Options, command: Command) => acting(command, async ({ client }, signal, options) => {
      const record = client.find(id);
      const quiet = options.quiet === true || options.json === true;
      const onProgress = narrate(quiet);
      if (!quiet) say(standing(client.stateOf(record)));
      return withLeavingWord(record, options, async () => {
        if (isUnfinished(record)) await carryOn(client, record, { onProgress, signal });
        return finish(client, record, signal, options);
      });
    }));

  job.command('watch <id>').description('look on at a job until it is over, without a hand in it').option('-q, --quiet', 'no progress on stderr')
    .addHelpText('after', '\nExample:\n  $ gadus job watch 0x3f2a')
    .action((id: string, _options: Options, command: Command) => withJobs(command, async ({ book, chain, profile, signal }) => {
      const options = command.optsWithGlobals<Options>();
      const quiet = options.quiet === true || options.json === true;
      const record = book.find(id);
      const { watchJob } = await import('../../client/book/watch-job.ts');
      if (!quiet) say(standing(book.stateOf(record)));
      await watchJob({ chain: await chain(), book }, record, { deploymentBlock: BigInt(profile.deploymentBlock), onProgress: narrate(quiet), signal });
      process.exitCode = report(book, record, options);
    }));

  job.command('logs <id>').description('follow the log of a running replica').option('-r, --replica <N>', 'which replica, from 0', count, 0)
    .addHelpText('after', '\nExample:\n  $ gadus job logs 0x3f2a --replica 1')
    .action((id: string, _options: Options, command: Command) => acting(command, async (running, signal, options) => {
      const record = running.client.find(id);
      await running.client.refresh(record);
      await followLog(running, record, options.replica!, { signal, quiet: options.json === true });
      return EXIT.ok;
    }));

  job.command('get <id>').description('fetch the result that the replicas agree on').option('--output-dir <DIR>', 'where to (default: job-ID)')
    .option('--car <FILE>', 'write it as a CAR instead').option('--shard <N>', 'only that of one shard, from 0', count)
    .addHelpText('after', '\nExamples:\n  $ gadus job get 0x3f2a --output-dir result\n  $ gadus job get 0x3f2a --shard 12')
    .action((id: string, _options: Options, command: Command) => acting(command, async ({ client }, signal, options) => {
      const record = client.find(id);
      await client.refresh(record);
      const { shard } = options;
      const destination = options.car ?? options.outputDir ?? `job-${record.jobId.slice(2, 10)}${shard === undefined ? '' : `-${shardName(shard)}`}`;
      const receipt = await client.fetchResult(record, destination, {
        signal, onProgress: progressBar(options), car: options.car !== undefined, ...(shard === undefined ? {} : { shard }),
      });
      print({ id: record.jobId, shard, output: destination, ...client.resultOf(record), receipt }, destination, options);
      return EXIT.ok;
    }));

  job.command('cancel <id>').description('cancel a job that no node is assigned to yet')
    .addHelpText('after', '\nExample:\n  $ gadus job cancel 0x3f2a')
    .action((id: string, _options: Options, command: Command) => withJobs(command, async ({ book, chain, profile, signal }) => {
      const record = book.find(id);
      const { cancelJob } = await import('../../client/book/cancel-job.ts');
      await cancelJob({ chain: await chain({ acting: true }), book }, record, BigInt(profile.deploymentBlock), { signal });
      print({ id: record.jobId, state: 'Cancelled' }, `cancelled ${record.jobId}; what it cost is back in the purse`, command.optsWithGlobals<Options>());
    }));
}

async function acting(command: Command, act: (running: RunningClient, signal: AbortSignal, options: Options) => Promise<number>): Promise<void> {
  process.exitCode = await withClient(command, (running, signal) => act(running, signal, command.optsWithGlobals<Options>()));
}

/** `2 agreed, 1 deviated`. */
function countVerdicts(replicas: readonly { verdict: string }[]): string {
  return [...Map.groupBy(replicas, ({ verdict }) => verdict)].map(([verdict, { length }]) => `${length} ${verdict}`).join(', ');
}

/** Carries a job to its end, once no other process of this client does. */
async function carryOn(client: Client, record: JobRecord, { onProgress, signal }: { onProgress: (progress: Progress) => void; signal: AbortSignal }): Promise<void> {
  for (let others = 0; isUnfinished(record); others++) {
    try {
      return await client.resume(record, { onProgress });
    } catch (error) {
      if (!isError(error, 'JOB_CARRIED')) throw error;
    }
    if (others === 0) say(dim('another gadus process carries the job: looking on, and going on with it if that ends'));
    await client.watch(record, { onProgress, signal });
  }
}

async function finish(client: Client, record: JobRecord, signal: AbortSignal, options: Options): Promise<number> {
  await client.wait(record, { signal });
  return report(client, record, options);
}

/** Says how a job ended. @returns the exit code */
function report(book: Pick<Client, 'stateOf'>, record: JobRecord, options: Options): number {
  const state = book.stateOf(record);
  print(jobJson(book, record), jobText(book, record), options);
  const agreed = state?.state === 'Settled' && state.verdicts.includes('agreed');
  if (agreed && options.json !== true) say(`gadus job get ${record.jobId.slice(0, 10)} fetches the result`);
  return agreed ? EXIT.ok : EXIT.unsettled;
}

async function readSpec(file: string): Promise<unknown> {
  try {
    return parseYaml(await readFile(file === '-' ? '/dev/stdin' : file, 'utf8'));
  } catch (cause) {
    throw new ProtocolError('SPEC_INVALID', 'the spec cannot be read', {
      details: `${file}: ${messageOf(cause).trim()}`, cause, hint: 'a spec is a YAML or JSON file; docs/job-spec.md has every field',
    });
  }
}
