import { join } from 'node:path';
import type { Command } from 'commander';
import { gadusHome, writeProfile } from '../../client/profile.ts';
import { EXIT } from '../exit-codes.ts';
import { count } from '../job-options.ts';
import { coins } from '../../protocol/base/coins.ts';
import { dim, print, say, table } from '../output.ts';
import { untilAborted } from '../until-aborted.ts';
import { interruptSignal, type GlobalOptions } from '../session.ts';
import { UsageError } from '../usage-error.ts';

interface Options extends GlobalOptions { nodes: number; verbose?: boolean; noop?: boolean }

/** Each node is a process of 200 MB. */
const MAX_NODES = 64;

/** `gadus devnet`: a whole network on loopback, left running. */
export function registerDevnet(command: Command): void {
  command.option('-n, --nodes <N>', `compute nodes, 1 to ${MAX_NODES}`, count, 4)
    .option('--noop', 'nodes also take jobs of the noop engine')
    .option('-v, --verbose', 'show what the nodes log')
    .addHelpText('after', `
The profile of the network becomes the default one, so the other commands find it.

Example:
  $ gadus devnet --nodes 5
  $ gadus run -- echo hello        # in another terminal`)
    .action(async (_options: Options, command: Command) => {
      const { enterUserNamespace } = await import('../../executor/index.ts');
      enterUserNamespace();
      const { startDevnet } = await import('../../devnet/index.ts');
      const options = command.optsWithGlobals<Options>();
      if (options.nodes < 1 || options.nodes > MAX_NODES) throw new UsageError(`not a number of nodes: ${options.nodes}`, `1 to ${MAX_NODES}; three are needed for a job of three replicas`);
      const signal = interruptSignal();
      const profilePath = options.profile ?? join(gadusHome(), 'profile.json');
      const devnet = await startDevnet({
        dir: join(gadusHome(), 'devnet'), nodes: options.nodes, signal,
        configure: (config) => ({ ...config, noopEngine: options.noop === true }),
        onStep: (step) => say(dim(step)),
        onLog: (index, { level, event, data }) => {
          if (options.verbose || level === 'error') say(`${dim(`node ${index}`)} ${event} ${JSON.stringify(data ?? {})}`);
        },
      });
      try {
        await writeProfile(profilePath, devnet.profile);
        const { profile, nodes, anvil } = devnet;
        print(
          { ...profile, profile: profilePath, nodes: nodes.map(({ address, addrs, api: { url, page } }) => ({ address, addrs, api: url, page })), accounts: anvil.accounts },
          [
            '', `${dim('chain')}      ${profile.rpcUrl}`, `${dim('scheduler')}  ${profile.scheduler}`, `${dim('coin')}       ${profile.coin}`,
            `${dim('client key')} ${profile.key}`, `${dim('profile')}    ${profilePath}`, '',
            table(['node', 'account', 'price', 'page'], nodes.map(({ address, api }, i) => [String(i), address, coins(String(devnet.configs[i]!.price)), api.page])),
            '', dim('Ctrl-C ends the network'),
          ].join('\n'), options,
        );
        await untilAborted(signal);
        say(dim('stopping'));
      } finally {
        await devnet.stop();
      }
      process.exitCode = EXIT.ok;
    });
}
