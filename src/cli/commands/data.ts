import type { Command } from 'commander';
import { resolve } from 'node:path';
import { callApi } from '../../api/index.ts';
import { request, statusProtocol } from '../../network/index.ts';
import { formatBytes, messageOf, parseCid } from '../../protocol/index.ts';
import { knownNodes } from '../known-nodes.ts';
import { print, say, short, table } from '../output.ts';
import { interruptSignal, loadProfile, UsageError, withClient, type GlobalOptions } from '../session.ts';

interface Options extends GlobalOptions { all?: boolean; local?: boolean }

/** `gadus data …`: content by CID. */
export function registerData(program: Command): void {
  const data = program.command('data').description('add, fetch and find data by CID')
    .addHelpText('after', `
Examples:
  $ gadus data add table.csv
  $ gadus data locate bafy…
  $ gadus data get bafy… table.csv`);

  data.command('add <path>').description('add a file or folder to the nodes of this machine (or, with --local, to the client\'s own store)')
    .option('--all', 'to every node of the profile instead of the first').option('--local', 'to the client\'s store')
    .addHelpText('after', '\nExample:\n  $ gadus data add --all table.csv')
    .action(async (path: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      const profile = await loadProfile(command);
      if (options.local || profile.apis.length === 0) {
        return withClient(command, async ({ storage }, signal) => {
          const { cid, bytes } = await storage.add(resolve(path), { signal });
          print({ cid: cid.toString(), bytes, nodes: 0 }, cid.toString(), options);
        });
      }
      const signal = interruptSignal();
      const targets = options.all ? profile.apis : profile.apis.slice(0, 1);
      const added = await Promise.all(targets.map((api) => callApi(api, 'POST', '/v1/data', { path: resolve(path) }, { signal }))) as { cid: string; bytes: number }[];
      const { cid, bytes } = added[0]!;
      if (!options.json) say(`added ${formatBytes(bytes)} to ${added.length === 1 ? 'one node' : `${added.length} nodes`}`);
      print({ cid, bytes, nodes: added.length }, cid, options);
    });

  data.command('get <cid> <destination>').description('fetch a file or folder from whoever has it')
    .addHelpText('after', '\nExample:\n  $ gadus data get bafy… table.csv')
    .action((cid: string, destination: string, _options: Options, command: Command) => withClient(command, async (running, signal) => {
      const options = command.optsWithGlobals<Options>();
      await knownNodes(running, signal);
      const parsed = parseCid(cid);
      const receipt = await running.storage.fetch(parsed, { signal });
      await running.storage.export(parsed, resolve(destination), { signal });
      print({ cid, destination, receipt }, `${destination}  ${formatBytes(receipt.bytes)} from ${receipt.sources.filter(({ blocks }) => blocks > 0).map(({ name }) => name).join(', ') || 'here'}`, options);
    }));

  data.command('ls <cid>').description('list a folder').addHelpText('after', '\nExample:\n  $ gadus data ls bafy…')
    .action((cid: string, _options: Options, command: Command) => withClient(command, async (running, signal) => {
      const options = command.optsWithGlobals<Options>();
      await knownNodes(running, signal);
      const entries = await running.storage.ls(parseCid(cid), { signal });
      print(entries.map((entry) => ({ ...entry, cid: entry.cid.toString() })), table(['name', 'type', 'size', 'cid'],
        entries.map((entry) => [entry.name, entry.type, formatBytes(Number(entry.bytes)), entry.cid.toString()])), options);
    }));

  data.command('locate <cid>').description('which nodes hold a CID, and how much of it')
    .addHelpText('after', '\nExample:\n  $ gadus data locate bafy…')
    .action((cid: string, _options: Options, command: Command) => withClient(command, async (running, signal) => {
      const options = command.optsWithGlobals<Options>();
      const text = parseCid(cid).toString();
      const nodes = await knownNodes(running, signal);
      if (nodes.length === 0) throw new UsageError('no node can be reached', 'gadus node list shows the nodes of the network');
      const answers = await Promise.all(nodes.map(async ({ address, peer }) => {
        try {
          const { held } = await request(running.host, peer, statusProtocol, { cids: [text] }, { signal });
          const { heldBytes, totalBytes } = held[0] ?? { heldBytes: 0, totalBytes: 0 };
          return { address, heldBytes, totalBytes };
        } catch (error) {
          return { address, heldBytes: 0, totalBytes: 0, error: messageOf(error) };
        }
      }));
      print(answers, table(['node', 'holds', 'of'], answers.map(({ address, heldBytes, totalBytes, error }) => [
        short(address), error ?? formatBytes(heldBytes), totalBytes === 0 ? '?' : formatBytes(totalBytes)])), options);
    }));
}
