import { once } from 'node:events';
import type { Command } from 'commander';
import { resolve } from 'node:path';
import type { CID } from 'multiformats/cid';
import { callApi } from '../../api/call-api.ts';
import { formatBytes, messageOf, parseCid, short } from '../../protocol/index.ts';
import type { Collected, Holding, Location, Receipt } from '../../storage/index.ts';
import { atNodes, nodesOfThisMachine } from '../at-nodes.ts';
import { parseContentPath, resolveContentPath } from '../content-path.ts';
import { count } from '../job-options.ts';
import { knownNodes } from '../known-nodes.ts';
import { Interrupted } from '../interrupted.ts';
import { print, progressBar, table } from '../output.ts';
import { interruptSignal, withClient, type GlobalOptions } from '../session.ts';
import { registerDataIn } from './data-in.ts';

interface Options extends GlobalOptions { all?: boolean; output?: string }

interface Held { held: Holding[]; problems: { path: string; problem: string }[] }

/** `gadus data …`: content by CID. */
export function registerData(data: Command): void {
  data.addHelpText('after', `
Examples:
  $ gadus data add table.csv
  $ gadus data locate bafy…
  $ gadus data get bafy… table.csv`);

  registerDataIn(data);

  data.command('get <path> <destination>').description('fetch a file or folder, or one in a folder, from whoever has it')
    .addHelpText('after', '\nExamples:\n  $ gadus data get bafy… table.csv\n  $ gadus data get bafy…/2024/may.csv may.csv')
    .action((path: string, destination: string, _options: Options, command: Command) => withPath(command, path, async (parsed, running, signal) => {
      const options = command.optsWithGlobals<Options>();
      const cid = parsed.toString();
      const receipt = await running.storage.export(parsed, resolve(destination), { signal, onProgress: progressBar(options) });
      print({ cid, destination, receipt }, `${destination}  ${formatBytes(receipt.bytes)} from ${receipt.sources.filter(({ blocks }) => blocks > 0).map(({ name }) => name).join(', ') || 'here'}`, options);
    }));

  data.command('cat <path>').description('write a file to standard output, fetched as it is read')
    .option('--offset <BYTES>', 'the first byte wanted', count).option('--length <BYTES>', 'at most so many', count)
    .addHelpText('after', '\nExample:\n  $ gadus data cat bafy…/2024/may.csv | head')
    .action((path: string, _options: Options, command: Command) => withPath(command, path, async (parsed, running, signal) => {
      const { offset, length } = command.optsWithGlobals<Options & { offset?: number; length?: number }>();
      for await (const bytes of running.storage.cat(parsed, { signal, ...(offset !== undefined && { offset }), ...(length !== undefined && { length }) })) {
        if (!process.stdout.write(bytes)) await once(process.stdout, 'drain', { signal }).catch((error: NodeJS.ErrnoException) => {
          // `| head` has read what it wanted.
          throw signal.aborted ? signal.reason : error.code === 'EPIPE' ? new Interrupted() : error;
        });
      }
    }));

  data.command('pin <cid>').description('have nodes of this machine fetch what is elsewhere and keep it, until it is removed')
    .option('--all', 'every node of the profile instead of the first')
    .addHelpText('after', '\nExample:\n  $ gadus data pin bafy…')
    .action(async (cid: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const text = parseCid(cid).toString();
      const signal = interruptSignal();
      const nodes = await nodesOfThisMachine(command);
      const receipts = await atNodes(options.all ? nodes : nodes.slice(0, 1), 'POST', `/v1/data/${text}/fetch`, { keep: true }, options, signal) as Receipt[];
      print({ cid: text, nodes: receipts.length, receipts }, `${text}  ${formatBytes(receipts[0]!.bytes)}, kept by ${receipts.length === 1 ? 'one node' : `${receipts.length} nodes`}`, options);
    });

  data.command('piece <cid> <destination>').description('fetch a whole Filecoin piece from storage providers, checked by its commitment')
    .requiredOption('--provider <URL...>', 'providers that serve /piece/CID; nothing is ever paid')
    .addHelpText('after', '\nExample:\n  $ gadus data piece baga6ea4seaq… piece.car --provider http://curio.example.org:12310')
    .action((cid: string, destination: string, _options: Options, command: Command) => withCid(command, cid, async (parsed, { storage }, signal) => {
      const options = command.optsWithGlobals<Options & { provider: string[] }>();
      const bar = progressBar(options);
      const { bytes } = await storage.exportPiece(parsed, resolve(destination), {
        signal, providers: options.provider, onProgress: ({ bytes: came }) => bar({ bytes: came, blocks: 0 }),
      });
      print({ cid, destination, bytes }, `${destination}  ${formatBytes(bytes)}`, options);
    }));

  data.command('export <path>').description('fetch a DAG and write it as a CAR').requiredOption('-o, --output <FILE>', 'the CAR; it must not exist')
    .addHelpText('after', '\nExample:\n  $ gadus data export bafy… -o table.car')
    .action((path: string, _options: Options, command: Command) => withPath(command, path, async (parsed, running, signal) => {
      const options = command.optsWithGlobals<Options>();
      const cid = parsed.toString();
      const output = resolve(options.output!);
      const receipt = await running.storage.exportCar(parsed, output, { signal, onProgress: progressBar(options) });
      print({ cid, output, receipt }, `${output}  ${formatBytes(receipt.bytes)} in ${receipt.blocks} blocks`, options);
    }));

  data.command('rm <cid>').description('stop keeping what was added to the nodes of this machine; referenced files are not touched')
    .addHelpText('after', '\nExample:\n  $ gadus data rm bafy… && gadus data gc')
    .action(async (cid: string, _options: Options, command: Command) => {
      const text = parseCid(cid).toString();
      const signal = interruptSignal();
      const nodes = await nodesOfThisMachine(command);
      const outcomes = await Promise.allSettled(nodes.map((api) => callApi(api, 'DELETE', `/v1/data/${text}`, undefined, { signal })));
      signal.throwIfAborted();
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      const removed = outcomes.filter(({ status }) => status === 'fulfilled').length;
      if (removed === 0 && failed !== undefined) throw failed.reason;
      print({ cid: text, nodes: removed }, `not kept any more by ${removed === 1 ? 'one node' : `${removed} nodes`}`, command.optsWithGlobals<Options>());
    });

  data.command('gc').description('remove from the nodes of this machine what nothing needs any more')
    .addHelpText('after', '\nExample:\n  $ gadus data gc')
    .action(async (_options: Options, command: Command) => {
      const signal = interruptSignal();
      const options = command.optsWithGlobals<Options>();
      const collected = await atNodes(await nodesOfThisMachine(command), 'POST', '/v1/data/collect', {}, options, signal, 'removing') as Collected[];
      print(collected, table(['node', 'removed', 'blocks'], collected.map(({ blocks, bytes }, i) => [String(i), formatBytes(bytes), String(blocks)])), options);
    });

  data.command('ls [path]').description('list a folder; without a CID, what the nodes of this machine hold, and why')
    .addHelpText('after', '\nExample:\n  $ gadus data ls bafy…')
    .action(async (path: string | undefined, _options: Options, command: Command) => {
      if (path === undefined) return listHeld(command);
      return withPath(command, path, async (parsed, running, signal) => {
        const options = command.optsWithGlobals<Options>();
        const entries = await running.storage.ls(parsed, { signal });
        print(entries.map((entry) => ({ ...entry, cid: entry.cid.toString() })), table(['name', 'type', 'size', 'cid'],
          entries.map((entry) => [entry.name, entry.type, formatBytes(Number(entry.bytes)), entry.cid.toString()])), options);
      });
    });

  data.command('locate <cid>').description('which nodes hold a CID, how much of it, and what every source of the client and of this machine\'s nodes says')
    .addHelpText('after', '\nExample:\n  $ gadus data locate bafy…')
    .action((cid: string, _options: Options, command: Command) => withCid(command, cid, async (parsed, running, signal) => {
      const options = command.optsWithGlobals<Options>();
      const known = await knownNodes(running, signal);
      const { request, statusProtocol } = await import('../../network/index.ts');
      const nodes = await Promise.all(known.map(async ({ address, peer }) => {
        try {
          const { held } = await request(running.host, peer, statusProtocol, { cids: [parsed.toString()] }, { signal });
          const { heldBytes, totalBytes } = held[0] ?? { heldBytes: 0, totalBytes: 0 };
          return { address, heldBytes, totalBytes };
        } catch (error) {
          return { address, heldBytes: 0, totalBytes: 0, error: messageOf(error) };
        }
      }));
      const asked = await Promise.all([
        running.storage.locate(parsed, { signal }).then((said) => ({ by: 'client', said })),
        ...running.profile.apis.map(async (api, i) => ({
          by: `node ${i}`, said: await callApi(api, 'GET', `/v1/data/${parsed}/locate`, undefined, { signal }).catch(() => []) as Location[],
        })),
      ]);
      const sources = asked.flatMap(({ by, said }) => said.map((one) => ({ by, ...one })));
      print({ nodes, sources }, [
        table(['node', 'holds', 'of'], nodes.map(({ address, heldBytes, totalBytes, error }) => [
          short(address), error ?? formatBytes(heldBytes), totalBytes === 0 ? '?' : formatBytes(totalBytes)])),
        '',
        table(['asked by', 'source', 'has it', 'ms', ''], sources.map(({ by, source, has, ms, error }) => [by, source, has ? 'yes' : error === undefined ? 'no' : '?', String(ms), error ?? ''])),
      ].join('\n'), options);
    }));
}

/** Runs a command about what a path leads to with a started client that knows the nodes; what is no path is told before anything is started. */
function withPath<T>(command: Command, text: string, use: (parsed: CID, ...rest: Parameters<Parameters<typeof withClient>[1]>) => Promise<T>): Promise<T> {
  const path = parseContentPath(text);
  return withClient(command, async (running, signal) => {
    await knownNodes(running, signal);
    return use(await resolveContentPath(running.storage, path, signal), running, signal);
  });
}

/** Runs a command about a CID with a started client; what is no CID is told before anything is started. */
function withCid<T>(command: Command, cid: string, use: (parsed: CID, ...rest: Parameters<Parameters<typeof withClient>[1]>) => Promise<T>): Promise<T> {
  const parsed = parseCid(cid);
  return withClient(command, (running, signal) => use(parsed, running, signal));
}

async function listHeld(command: Command): Promise<void> {
  const signal = interruptSignal();
  const answers = await Promise.all((await nodesOfThisMachine(command)).map((api) => callApi(api, 'GET', '/v1/data', undefined, { signal }))) as Held[];
  const rows = answers.flatMap(({ held }, node) => held.map(({ cid, why, bytes, path }) => [String(node), why, formatBytes(bytes), cid, path ?? '']));
  const problems = answers.flatMap((answer) => answer.problems.map(({ path, problem }) => `${path}: ${problem}`));
  print(answers, [table(['node', 'why', 'size', 'cid', 'path'], rows), ...(problems.length > 0 ? ['', 'files that are of no use, or not wholly:', ...problems] : [])].join('\n'),
    command.optsWithGlobals<Options>());
}
