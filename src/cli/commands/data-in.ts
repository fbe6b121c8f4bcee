import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { Hex } from 'viem';
import { callApi, type ApiTarget } from '../../api/call-api.ts';
import { formatBytes, possessionRoot, type PossessionRoot } from '../../protocol/index.ts';
import { contentStream } from '../../storage/read/content-stream.ts';
import { atNodes } from '../at-nodes.ts';
import { print, progressBar, say } from '../output.ts';
import { interruptSignal, loadProfile, withClient, type GlobalOptions } from '../session.ts';
import { UsageError } from '../usage-error.ts';

interface Options extends GlobalOptions { all?: boolean; local?: boolean; copy?: boolean; root?: boolean; name?: string }

/** What a node answers; numbers of bytes and blocks. */
interface Added { cid: string; bytes: number; skipped: number }
interface Imported { roots: { cid: string; bytes: number; blocks: number }[]; bytes: number; blocks: number }

/** Stands for standard input. */
const STDIN = '-';

/** `gadus data add` and `gadus data import`: what comes to nodes from this machine. */
export function registerDataIn(data: Command): void {
  data.command('add <path>').description('add a file or folder to the nodes of this machine (or, with --local, to the client\'s own store); - is standard input')
    .option('--all', 'to every node of the profile instead of the first').option('--local', 'to the client\'s store')
    .option('--no-copy', 'reference the files where they lie: they must stay as they are')
    .option('--name <NAME>', 'of what comes by standard input: make it a file of that name in a folder')
    .option('--root', 'also print the root and the bytes that bids for jobs on this data may claim to hold, for gadus run --data-root')
    .addHelpText('after', '\nExamples:\n  $ gadus data add --all table.csv\n  $ gadus data add --root table.csv\n  $ pg_dump shop | gadus data add - --name shop.sql')
    .action(async (path: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const { name } = options;
      if (path === STDIN && options.copy === false) throw new UsageError('standard input lies nowhere: it can only be copied', 'leave --no-copy out');
      if (path !== STDIN && name !== undefined) throw new UsageError('--name is for what comes by standard input', 'a file keeps its name in the folder it is in: add the folder');
      await withStdin(path === STDIN, async (stdin) => {
        const { apis } = await loadProfile(command);
        if (options.local || apis.length === 0) {
          return withClient(command, async ({ storage }, signal) => {
            const init = { signal, onProgress: progressBar(options) };
            const { cid, bytes, skipped } = stdin === undefined ? await storage.add(resolve(path), { ...init, noCopy: options.copy === false })
              : await storage.addBytes(stdin, { ...init, ...(name !== undefined && { name }) });
            tellSkipped(skipped, options);
            const root = options.root ? await possessionRoot(contentStream(storage, [cid], { signal }), { signal }) : undefined;
            print({ cid: cid.toString(), bytes, skipped, nodes: 0, ...rootJson(root) }, [cid.toString(), ...rootLine(root)].join('\n'), options);
          });
        }
        const signal = interruptSignal();
        const targets = options.all ? apis : apis.slice(0, 1);
        const query = name === undefined ? '' : `?${new URLSearchParams({ name }).toString()}`;
        const { cid, bytes, skipped } = stdin === undefined ? (await atNodes(targets, 'POST', '/v1/data', { path: resolve(path), noCopy: options.copy === false }, options, signal) as Added[])[0]!
          : await throughFirst<Added>(targets, `/v1/data/file${query}`, stdin, (added) => [added.cid], options, signal);
        tellSkipped(skipped, options);
        if (!options.json) say(`added ${formatBytes(bytes)} to ${nodesText(targets.length)}`);
        const root = options.root ? parseRoot(await callApi(targets[0]!, 'GET', `/v1/data/${cid}/root`, undefined, { signal })) : undefined;
        print({ cid, bytes, skipped, nodes: targets.length, ...rootJson(root) }, [cid, ...rootLine(root)].join('\n'), options);
      });
    });

  data.command('import <cars...>').description('add what is in CARs (version 1 or 2), every block verified; what their roots name is kept until it is removed; - is standard input')
    .option('--all', 'to every node of the profile instead of the first').option('--local', 'to the client\'s store')
    .addHelpText('after', '\nOf one DAG several CARs may have a part each. Blocks of CARs that lack some are kept only until a collection.\n'
      + '\nExamples:\n  $ gadus data import table.car\n  $ gadus data import --all part-*.car\n  $ zstd -dc table.car.zst | gadus data import -')
    .action(async (cars: string[], _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      if (cars.includes(STDIN) && cars.length > 1) throw new UsageError('standard input is imported by itself', 'import the files before or after it');
      const paths = cars.map((car) => resolve(car));
      const told = ({ roots, bytes, blocks }: Imported, nodes: number) => {
        if (!options.json) say(`imported ${formatBytes(bytes)} in ${blocks} blocks${nodes === 0 ? '' : ` to ${nodesText(nodes)}`}`);
        print({ roots, bytes, blocks, nodes }, roots.map((root) => `${root.cid}  ${formatBytes(root.bytes)}`).join('\n'), options);
      };
      await withStdin(cars[0] === STDIN, async (stdin) => {
        const { apis } = await loadProfile(command);
        if (options.local || apis.length === 0) {
          return withClient(command, async ({ storage }, signal) => {
            const { roots, ...imported } = await storage.importCars(stdin === undefined ? paths : [stdin], { signal, onProgress: progressBar(options) });
            told({ ...imported, roots: roots.map((root) => ({ ...root, cid: root.cid.toString() })) }, 0);
          });
        }
        const signal = interruptSignal();
        const targets = options.all ? apis : apis.slice(0, 1);
        told(stdin === undefined ? (await atNodes(targets, 'POST', '/v1/data/cars', { paths }, options, signal) as Imported[])[0]!
          : await throughFirst<Imported>(targets, '/v1/data/cars', stdin, ({ roots }) => roots.map(({ cid }) => cid), options, signal), targets.length);
      });
    });
}

/** What can be read once goes to the first node; the others fetch from it what came of it. @returns the first node's answer */
async function throughFirst<T>(targets: readonly ApiTarget[], path: string, bytes: AsyncIterable<Uint8Array>, cidsOf: (answer: T) => string[], options: Options, signal: AbortSignal): Promise<T> {
  const [first, ...others] = targets as [ApiTarget, ...ApiTarget[]];
  const [answer] = await atNodes([first], 'POST', path, bytes, options, signal) as [T];
  if (others.length > 0) for (const cid of cidsOf(answer)) await atNodes(others, 'POST', `/v1/data/${cid}/fetch`, { keep: true }, options, signal);
  return answer;
}

/** Whatever becomes of it, standard input does not keep the process. */
async function withStdin(wanted: boolean, use: (stdin: AsyncIterable<Uint8Array> | undefined) => Promise<void>): Promise<void> {
  if (!wanted) return use(undefined);
  try {
    if (process.stdin.isTTY) say('reading standard input; Ctrl-D ends it');
    await use(process.stdin);
  } finally {
    process.stdin.destroy();
  }
}

const nodesText = (nodes: number) => (nodes === 1 ? 'one node' : `${nodes} nodes`);

const rootLine = (root: PossessionRoot | undefined): string[] => (root === undefined ? [] : [`${root.dataRoot}/${root.dataBytes}`]);
const rootJson = (root: PossessionRoot | undefined) => (root === undefined ? {} : { dataRoot: root.dataRoot, dataBytes: root.dataBytes.toString() });
// Amounts travel as text.
const parseRoot = (answer: unknown): PossessionRoot => {
  const { dataRoot, dataBytes } = answer as { dataRoot: Hex; dataBytes: string };
  return { dataRoot, dataBytes: BigInt(dataBytes) };
};

function tellSkipped(skipped: number, { json }: Options): void {
  if (skipped > 0 && json !== true) say(`${skipped === 1 ? 'one entry was' : `${skipped} entries were`} left out: neither files, folders nor links that stay inside, or names that are not UTF-8`);
}
