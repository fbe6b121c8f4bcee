import type { Command } from 'commander';
import { formatBytes, messageOf, scoreBps, short } from '../../protocol/index.ts';
import type { Profile, RunningClient } from '../../client/index.ts';
import { knownNodes, type KnownNode } from '../known-nodes.ts';
import { coins } from '../../protocol/base/coins.ts';
import { dim, print, score, table } from '../output.ts';
import { withClient, type GlobalOptions } from '../session.ts';
import { UsageError } from '../usage-error.ts';

/** `gadus node …`: the nodes of the network. */
export function registerNode(node: Command): void {
  node.addHelpText('after', '\nExample:\n  $ gadus node list');

  node.command('list').description('nodes registered on chain: stake, reputation, and what they offer now')
    .addHelpText('after', '\nExample:\n  $ gadus node list --json')
    .action((_options: GlobalOptions, command: Command) => withClient(command, async (running, signal) => {
      const nodes = await Promise.all((await knownNodes(running, signal)).map((known) => describe(running, known, signal)));
      print(nodes, table(['account', 'stake', 'score', 'engines', 'price', 'running', 'peer'], nodes.map((one) => [
        one.address, coins(one.stake), score(one.score), one.engines?.map((name) => (one.network?.includes(name) ? `${name}+network` : name)).join(',') ?? dim(one.error ?? ''), one.price === undefined ? '' : coins(one.price),
        one.running === undefined ? '' : `${one.running}+${one.waiting}`, short(one.peer)])), command.optsWithGlobals<GlobalOptions>());
    }));

  node.command('describe <account>').description('one node in full').addHelpText('after', '\nExample:\n  $ gadus node describe 0x90F7…')
    .action((account: string, _options: GlobalOptions, command: Command) => withClient(command, async (running, signal) => {
      // As reports shorten it, too: `0x90F7…b906`.
      const [begin = '', end = ''] = account.toLowerCase().split('…');
      const matches = (await knownNodes(running, signal)).filter(({ address }) => address.toLowerCase().startsWith(begin) && address.toLowerCase().endsWith(end));
      if (matches.length !== 1) throw new UsageError(`${matches.length === 0 ? 'no' : 'more than one'} node is ${account}`, 'gadus node list shows them');
      const one = await describe(running, matches[0]!, signal);
      print(one, [
        `${dim('account')}  ${one.address}`, `${dim('peer')}     ${one.peer}`, `${dim('stake')}    ${coins(one.stake)} (${coins(one.locked)} locked)`,
        `${dim('score')}    ${score(one.score)}  (${(one.good / 256).toFixed(2)} good, ${(one.bad / 256).toFixed(2)} bad)`,
        one.error === undefined
          ? `${dim('offers')}   ${one.engines!.join(', ')}; ${one.cpus} CPUs, ${formatBytes(one.memoryBytes!)} memory, ${formatBytes(one.diskBytes!)} disk${one.network?.length ? `, a network (${one.network.join(', ')})` : ''} at ${coins(one.price!)} a replica\n${dim('load')}     ${one.running} running, ${one.waiting} waiting`
          : `${dim('offers')}   ${one.error}`,
      ].join('\n'), command.optsWithGlobals<GlobalOptions>());
    }));
}

async function describe({ chain, host }: RunningClient & { profile: Profile }, { address, peer }: KnownNode, signal: AbortSignal) {
  const [{ readParty }, { request, statusProtocol }] = await Promise.all([import('../../chain/index.ts'), import('../../network/index.ts')]);
  const party = await readParty(chain, address, 'node', { signal });
  const onChain = {
    address, peer: peer.toString(), stake: party.free + party.locked, locked: party.locked, score: scoreBps(party), good: party.good, bad: party.bad,
  };
  try {
    const { address: _address, held: _held, ...status } = await request(host, peer, statusProtocol, { cids: [] }, { signal });
    return { ...onChain, ...status, error: undefined };
  } catch (error) {
    return { ...onChain, error: messageOf(error), engines: undefined, network: undefined, price: undefined, running: undefined, waiting: undefined, cpus: undefined, memoryBytes: undefined, diskBytes: undefined };
  }
}
