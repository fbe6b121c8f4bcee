import type { Command } from 'commander';
import { approve, coinBalance, createChain, type Chain, fund, readParty, withdraw } from '../../chain/index.ts';
import { scoreBps } from '../../protocol/index.ts';
import { coinUnits } from '../job-options.ts';
import { coins } from '../../protocol/base/coins.ts';
import { dim, print, score } from '../output.ts';
import { clientKey, interruptSignal, loadProfile, type GlobalOptions } from '../session.ts';

/** `gadus wallet …`: the client's coin, outside the scheduler and in it. */
export function registerWallet(wallet: Command): void {
  wallet.addHelpText('after', '\nExample:\n  $ gadus wallet show');

  wallet.command('show').description('coin held, coin in the scheduler\'s purse, reputation').addHelpText('after', '\nExample:\n  $ gadus wallet show --json')
    .action((_options: GlobalOptions, command: Command) => withWallet(command, async ({ chain, options }) => {
      const { address } = chain.signer();
      const [balance, asClient, asNode] = await Promise.all([
        coinBalance(chain, address), readParty(chain, address, 'client'), readParty(chain, address, 'node'),
      ]);
      print({ address, balance, client: { ...asClient, score: scoreBps(asClient) }, node: { ...asNode, score: scoreBps(asNode) } }, [
        `${dim('account')}  ${address}`, `${dim('coin')}     ${coins(balance)}`,
        `${dim('purse')}    ${coins(asClient.free)} free, ${coins(asClient.locked)} locked; score ${score(scoreBps(asClient))}`,
        ...(asNode.since === 0 ? [] : [`${dim('stake')}    ${coins(asNode.free)} free, ${coins(asNode.locked)} locked; score ${score(scoreBps(asNode))}`]),
      ].join('\n'), options);
    }));

  wallet.command('fund <coins>').description('move coin from the account into the purse that jobs are paid from')
    .addHelpText('after', '\nExample:\n  $ gadus wallet fund 100')
    .action((amount: string, _options: GlobalOptions, command: Command) => withWallet(command, async ({ chain, options, signal }) => {
      const units = BigInt(coinUnits(amount));
      await approve(chain, { amount: units }, { signal });
      const { hash, gasUsed } = await fund(chain, { amount: units }, { signal });
      print({ hash, gasUsed }, `funded ${amount}; ${gasUsed} gas`, options);
    }));

  wallet.command('withdraw <coins>').description('take free coin out of the purse (or, with --stake, out of the node stake)').option('--stake', 'from the node stake')
    .addHelpText('after', '\nExample:\n  $ gadus wallet withdraw 10')
    .action((amount: string, own: { stake?: boolean }, command: Command) => withWallet(command, async ({ chain, options, signal }) => {
      const { hash, gasUsed } = await withdraw(chain, {
        role: own.stake ? 'node' : 'client', amount: BigInt(coinUnits(amount)),
      }, { signal });
      print({ hash, gasUsed }, `withdrew ${amount}; ${gasUsed} gas`, options);
    }));
}

async function withWallet(command: Command, act: (tools: { chain: Chain; options: GlobalOptions; signal: AbortSignal }) => Promise<void>): Promise<void> {
  const signal = interruptSignal();
  const profile = await loadProfile(command);
  const chain = createChain({ rpcUrl: profile.rpcUrl, scheduler: profile.scheduler, privateKey: await clientKey(profile), pollingIntervalMs: profile.pollMs });
  await act({ chain, options: command.optsWithGlobals<GlobalOptions>(), signal });
}
