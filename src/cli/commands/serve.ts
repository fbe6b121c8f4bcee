import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import { gadusHome, readProfile } from '../../client/profile.ts';
import { NodeError } from '../../node/errors.ts';
import { messageOf } from '../../protocol/index.ts';
import { coinUnits } from '../job-options.ts';
import { dim, print, say } from '../output.ts';
import { untilAborted } from '../until-aborted.ts';
import { interruptSignal, type GlobalOptions } from '../session.ts';

interface Options extends GlobalOptions { config?: string; dir?: string; keyFile?: string; listen?: string[]; price?: string; stake?: string; apiPort?: string }

/** `gadus serve`: one compute node. */
export function registerServe(command: Command): void {
  command.option('-c, --config <FILE>', 'YAML or JSON configuration; see docs/operating-a-node.md')
    .option('--dir <DIR>', 'folder of the node\'s state (default: ~/.gadus/node)')
    .option('--key-file <FILE>', 'file with the node account\'s private key')
    .option('--listen <MULTIADDR...>', 'where to listen')
    .option('--price <COINS>', 'asked for one replica')
    .option('--stake <COINS>', 'stake to register with')
    .option('--api-port <PORT>', 'port of the HTTP API on loopback')
    .addHelpText('after', `
Chain and bootstrap peers come from the configuration, or else from the profile.

Example:
  $ openssl rand -hex 32 > node.key && chmod 600 node.key
  $ gadus serve --key-file node.key --price 0.5`)
    .action(async (_options: Options, command: Command) => {
      const { enterUserNamespace } = await import('../../executor/index.ts');
      enterUserNamespace();
      const [{ createNode, parseNodeConfig }, { serveApi }] = await Promise.all([import('../../node/index.ts'), import('../../api/index.ts')]);
      const options = command.optsWithGlobals<Options>();
      const signal = interruptSignal();
      const file = options.config === undefined ? {} : await readConfig(options.config);
      const base: Partial<Awaited<ReturnType<typeof fromProfile>>> = file.chain === undefined ? await fromProfile(options.profile) : {};
      const config = parseNodeConfig({
        dir: join(gadusHome(), 'node'), ...base, ...file,
        ...(options.dir === undefined ? {} : { dir: options.dir }),
        ...(options.keyFile === undefined ? {} : { keyFile: options.keyFile }),
        ...(options.listen === undefined ? {} : { network: { ...base.network, ...(file.network as object), listen: options.listen } }),
        ...(options.price === undefined ? {} : { price: coinUnits(options.price) }),
        ...(options.stake === undefined ? {} : { stake: coinUnits(options.stake) }),
        ...(options.apiPort === undefined ? {} : { apiPort: Number(options.apiPort) }),
      });
      const running = await createNode(config, {
        log: (level, event, data) => {
          if (options.json) process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, event, ...data })}\n`);
          else say(`${dim(new Date().toISOString())} ${level === 'info' ? '' : `${level} `}${event} ${data === undefined ? '' : dim(JSON.stringify(data))}`);
        },
      });
      try {
        const api = config.apiPort === null ? undefined : await serveApi(running, { port: config.apiPort, tokenPath: join(config.dir, 'api-token') });
        const { chain, host } = running;
        const about = { address: chain.account?.address, peer: host.peerId.toString(), addrs: host.getMultiaddrs().map(String), api: api?.url, page: api?.page };
        print(about, `node ${about.address}\n${about.addrs.join('\n')}\nAPI ${about.api ?? 'off'}${about.page === undefined ? '' : `\npage ${about.page}`}`, options);
        await untilAborted(signal);
        say(dim('stopping'));
        await api?.stop();
      } finally {
        await running.stop();
      }
    });
}

async function readConfig(path: string): Promise<Record<string, unknown>> {
  try {
    return (parseYaml(await readFile(path, 'utf8')) ?? {}) as Record<string, unknown>;
  } catch (cause) {
    throw new NodeError('CONFIG_INVALID', 'the configuration cannot be read', { details: `${path}: ${messageOf(cause)}`, cause });
  }
}

async function fromProfile(path: string | undefined) {
  const { rpcUrl, scheduler, deploymentBlock, pollMs, batch, bootstrap, lan } = await readProfile(path);
  return { chain: { rpcUrl, scheduler, deploymentBlock, pollMs, batch }, network: { bootstrap, lan } };
}
