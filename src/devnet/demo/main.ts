import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createClient, type Progress, type RunningClient } from '../../client/index.ts';
import { renderReport } from '../../evidence/index.ts';
import { formatBytes, formatDurationMs, isError, messageOf } from '../../protocol/index.ts';
import { callApi } from '../../api/index.ts';
import { guestDir, prepareGuest } from '../../executor/index.ts';
import { startDevnet, type Devnet } from '../start-devnet.ts';
import { DEMO_HELP, parseDemoOptions, type DemoOptions } from './options.ts';
import { demoJob, jobTable, reportJob, type DemoJob } from './summary.ts';
import { makeSalesZip, salesJob } from './sales-job.ts';

/** The seat whose node is dishonest in the second job: whoever the draw puts there, so the draw stays the scheduler's. */
const DISHONEST_SEAT = 1;

const started = performance.now();
const say = (text: string): void => { process.stderr.write(`\u001B[2m${((performance.now() - started) / 1000).toFixed(1).padStart(6)} s\u001B[0m  ${text}\n`); };

async function main(options: DemoOptions, signal: AbortSignal): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'gadus-demo-'));
  let devnet: Devnet | undefined;
  let running: RunningClient | undefined;
  try {
    if (options.engine === 'microvm') await prepareGuest({ dir: guestDir(), signal, onProgress: say });
    devnet = await startDevnet({
      dir: join(dir, 'network'), onStep: say, signal,
      // A dishonest node that defends itself would only lose its bond as well: gadus run against gadus devnet shows a contest.
      configure: (config) => ({ ...config, contests: false, ...(options.engine === 'microvm' ? { engines: ['microvm-emulated'] } : {}) }),
      onLog: (index, { level, event, data }) => { if (level === 'error') say(`node ${index}: ${event} ${JSON.stringify(data)}`); },
    });
    signal.throwIfAborted();
    say(`making a table of ${options.rows.toLocaleString('en')} rows`);
    const zip = join(dir, 'sales.zip');
    const { csvBytes } = await makeSalesZip(zip, options.rows, options.seed, signal);
    const added = await Promise.all(devnet.nodes.map(({ api }) => callApi(api, 'POST', '/v1/data', { path: zip }, { signal }))) as { cid: string; bytes: number }[];
    const { cid, bytes } = added[0]!;
    say(`${formatBytes(csvBytes)} of CSV, zipped ${formatBytes(bytes)}, on all nodes as ${cid}`);

    running = await createClient(devnet.profile, { key: devnet.profile.key!, dir: join(dir, 'client') });
    const spec = { ...salesJob(cid, csvBytes, options.pause), engine: options.engine };
    const jobs: DemoJob[] = [];
    for (const cheat of [null, options.cheat] as const) {
      say(cheat === null ? 'job 1: three honest nodes' : `job 2: the node in seat ${DISHONEST_SEAT} is dishonest (${cheat})`);
      if (cheat !== null) {
        const plan = { cheat, durationMs: wallOf(jobs[0]!) };
        for (const node of devnet.nodes) node.send({ type: 'cheat', seat: DISHONEST_SEAT, plan });
      }
      const record = await running.client.submit(spec, { onProgress: narrate });
      await running.client.wait(record, { signal });
      jobs.push(demoJob(running.client, record, cheat, cheat === null ? undefined : DISHONEST_SEAT));
    }

    const report = resolve(options.out);
    await writeFile(report, renderReport({
      title: 'Who did the work?',
      subtitle: `unzip, sleep, sed 's/Office Supplies/Booze/' ten times, on a table of ${options.rows.toLocaleString('en')} rows, by three of four nodes`,
      jobs: jobs.map(reportJob),
    }));
    if (options.json !== undefined) {
      await writeFile(options.json, `${JSON.stringify({ jobs: jobs.map(({ data }) => data), report }, null, 2)}\n`);
    }
    process.stdout.write(`\n${jobs.map(jobTable).join('\n\n')}\n\nreport: ${report}\n`);
    say(`done in ${formatDurationMs(performance.now() - started)}`);
  } finally {
    await running?.stop();
    await devnet?.stop();
    if (options.keep) say(`kept ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  }
}

/** Wall time of the longest honest run, ms: what a dishonest node of the second job has to fill. */
function wallOf({ exhibits }: DemoJob): number {
  return Math.max(...exhibits.map(({ trace }) => trace.t.at(-1) ?? 0));
}

function narrate(progress: Progress): void {
  switch (progress.stage) {
    case 'submitted': return say(`  submitted ${progress.jobId}`);
    case 'assigned': return say(`  drawn by lot: ${progress.roster.map(({ node }) => node.slice(0, 8)).join(', ')}`);
    case 'commitment': return say(`  ${progress.node.slice(0, 8)} has sealed its evidence (${progress.count} of ${progress.of})`);
    case 'committed': return say('  commitments closed; evidence opens');
    case 'verdict': return say(`  verdict: ${progress.agreed} of ${progress.of} agree`);
    case 'waiting': return say('  waiting: the rejected node may contest the verdict');
    case 'problem': return say(`  problem: ${progress.message}`);
    case 'final': return say(`  ${progress.state}`);
    default:
  }
}

const controller = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.once(name, () => { say('stopping'); controller.abort(new Error('interrupted')); });
}
try {
  const options = parseDemoOptions(process.argv.slice(2));
  if (options === 'help') process.stdout.write(DEMO_HELP);
  else await main(options, controller.signal);
  process.exit(0);
} catch (error) {
  say(`failed: ${messageOf(error)}${isError(error) && error.hint !== undefined ? `\n        → ${error.hint}` : ''}`);
  process.exit(controller.signal.aborted ? 130 : error instanceof TypeError ? 2 : 1);
}
