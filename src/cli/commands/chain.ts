import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { formatEther, formatGwei, getAddress, isAddress, type Address } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import {
  chainProfile, deployContracts, fromFilecoinAddress, readAddresses, readChainStatus, toFilecoinAddress, verifyDeployment, writeAddresses, type Addresses, type ChainStatus,
} from '../../chain/index.ts';
import { gadusHome } from '../../client/profile.ts';
import { deployerKey } from '../deployer-key.ts';
import { coins } from '../../protocol/base/coins.ts';
import { dim, green, print, red, say } from '../output.ts';
import { interruptSignal, loadProfile, type GlobalOptions } from '../session.ts';
import { UsageError } from '../usage-error.ts';

interface Where extends GlobalOptions { rpc?: string; addresses?: string }
interface DeployOptions extends Where {
  keyFile?: string; coin?: Address; randomness?: 'block-hash' | 'drand'; seedDelay?: number; minWindow?: number; maxWindow?: number; force?: boolean;
}

/** `gadus chain …`: a scheduler of one's own on any chain, and what a chain and its endpoint are like. */
export function registerChain(chain: Command): void {
  chain.addHelpText('after', '\nExample:\n  $ gadus chain status --rpc https://rpc.example.org');
  const command = (name: string, description: string) => chain.command(name).description(description)
    .option('--rpc <URL>', 'JSON-RPC endpoint (default: $GADUS_RPC_URL, else the profile\'s)')
    .option('--addresses <FILE>', 'addresses file (default: the profile\'s scheduler, or with --rpc chains/CHAIN-ID.json in $GADUS_HOME or ~/.gadus)');

  command('deploy', 'deploy the scheduler, its randomness and, unless one is named, a coin; write the addresses file')
    .option('--coin <ADDRESS>', 'settle in this ERC-20; without it a new coin is deployed, all of it the deployer\'s', address)
    .option('--key-file <FILE>', 'private key or keystore (its password in $GADUS_KEYSTORE_PASSWORD); default: $GADUS_PRIVATE_KEY')
    .option('--randomness <KIND>', 'block-hash or drand; default: drand on Filecoin', randomness)
    .option('--seed-delay <BLOCKS>', 'blocks from submit to the seed\'s block; default by chain', whole)
    .option('--min-window <SECONDS>', 'shortest window of a job; default by chain', whole)
    .option('--max-window <SECONDS>', 'longest window of a job; default: 30 days', whole)
    .option('--force', 'replace an addresses file that is there')
    .addHelpText('after', `
Example:
  $ GADUS_PRIVATE_KEY=0x… gadus chain deploy --rpc https://rpc.example.org --coin 0x…
  $ gadus chain deploy --rpc https://rpc.example.org --key-file deployer.json`)
    .action(async (own: DeployOptions, command: Command) => {
      const signal = interruptSignal();
      const rpcUrl = await endpoint(own, command);
      const key = await deployerKey(own.keyFile);
      if (key === undefined) throw new UsageError('no key to deploy with', 'set GADUS_PRIVATE_KEY, or name a file with --key-file');
      const { chainId, account } = await readChainStatus(rpcUrl, { account: privateKeyToAddress(key) }, { signal });
      const path = own.addresses ?? addressesFile(chainId);
      if (existsSync(path) && own.force !== true) throw new UsageError(`there is an addresses file for chain ${chainId}: ${path}`, 'name another with --addresses, or replace it with --force');
      await mkdir(dirname(path), { recursive: true });
      const { seedDelay, minWindowSeconds, maxWindowSeconds } = chainProfile(chainId);
      say(dim(`deploying to chain ${chainId} from ${account!.address}`));
      const deployment = await deployContracts(rpcUrl, key, {
        seedDelay: own.seedDelay ?? seedDelay, minWindowSeconds: own.minWindow ?? minWindowSeconds, maxWindowSeconds: own.maxWindow ?? maxWindowSeconds,
        ...(own.coin === undefined ? {} : { coin: own.coin }), ...(own.randomness === undefined ? {} : { randomness: own.randomness }),
      }, { signal });
      await writeAddresses(path, deployment);
      const { scheduler, coin, gas } = deployment;
      print({ ...deployment, path }, [
        `${dim('scheduler')}  ${scheduler}, from block ${deployment.deploymentBlock}`, `${dim('randomness')} ${deployment.randomness}`,
        `${dim('coin')}       ${coin}${own.coin === undefined ? ', its whole supply the deployer\'s' : ''}`,
        `${dim('gas')}        ${gas.coin + gas.randomness + gas.scheduler}`, `${dim('written')}    ${path}`,
      ].join('\n'), command.optsWithGlobals<GlobalOptions>());
    });

  command('verify', 'compare what is deployed with this version\'s contracts and with what was recorded')
    .addHelpText('after', '\nExit code 1 when something is not as it should be.\n\nExample:\n  $ gadus chain verify --rpc https://rpc.example.org --json')
    .action(async (own: Where, command: Command) => {
      const signal = interruptSignal();
      const rpcUrl = await endpoint(own, command);
      const addresses = await recorded(own, command, async () => (await readChainStatus(rpcUrl, {}, { signal })).chainId);
      const checks = await verifyDeployment(rpcUrl, addresses, { signal });
      const ok = checks.every((check) => check.ok);
      print({ ok, checks }, checks.map((check) => `${check.ok ? green('ok   ') : red('wrong')}  ${check.what.padEnd(10)} ${check.detail}`).join('\n'), command.optsWithGlobals<GlobalOptions>());
      if (!ok) process.exitCode = 1;
    });

  command('status', 'head, block time, gas price, finality, limits of the endpoint; the scheduler\'s parameters and an account\'s means where known')
    .option('--account <ADDRESS>', '0x… or f410f…; default: that of $GADUS_PRIVATE_KEY', address)
    .addHelpText('after', '\nExample:\n  $ gadus chain status --rpc https://rpc.example.org --account 0x…')
    .action(async (own: Where & { account?: Address }, command: Command) => {
      const signal = interruptSignal();
      const rpcUrl = await endpoint(own, command);
      const chainOnly = await readChainStatus(rpcUrl, {}, { signal });
      const inProfile = !isRpcGiven(own) || own.addresses !== undefined || existsSync(addressesFile(chainOnly.chainId));
      const scheduler = inProfile ? (await recorded(own, command, async () => chainOnly.chainId)).scheduler : undefined;
      const key = own.account === undefined ? await deployerKey(undefined) : undefined;
      const account = own.account ?? (key && privateKeyToAddress(key));
      const status = scheduler === undefined && account === undefined ? chainOnly
        : await readChainStatus(rpcUrl, { ...(scheduler && { scheduler }), ...(account && { account }) }, { signal });
      print(status, statusText(status), command.optsWithGlobals<GlobalOptions>());
    });
}

function statusText({ chainId, kind, head, latest, blockTimeMs, gasPrice, safeBehind, finalizedBehind, logRangeBlocks, scheduler, account }: ChainStatus): string {
  const behind = (blocks: number | undefined) => (blocks === undefined ? 'no such tag' : `${blocks} blocks behind`);
  const filecoin = (of: Address) => (kind === 'filecoin' ? ` (${toFilecoinAddress(of, chainId === 314 ? 'f' : 't')})` : '');
  return [
    `${dim('chain')}      ${chainId}, treated as ${kind}`, `${dim('head')}       ${head}${head === latest ? '' : `; ${latest} can be read`}`,
    `${dim('block time')} ${blockTimeMs === undefined ? 'unknown' : `${(blockTimeMs / 1000).toFixed(1)} s`}`, `${dim('gas price')}  ${formatGwei(gasPrice)} gwei`,
    `${dim('safe')}       ${behind(safeBehind)}`, `${dim('finalized')}  ${behind(finalizedBehind)}`,
    `${dim('logs')}       ${logRangeBlocks === undefined ? 'refused for every range tried' : `${logRangeBlocks} blocks at a time`}`,
    ...(scheduler === undefined ? [] : [
      `${dim('scheduler')}  ${scheduler.address}${filecoin(scheduler.address)}`, `${dim('coin')}       ${scheduler.coin}`, `${dim('randomness')} ${scheduler.randomness}`,
      `${dim('windows')}    ${scheduler.minWindowSeconds} to ${scheduler.maxWindowSeconds} s; seed after ${scheduler.seedDelay} blocks`,
    ]),
    ...(account === undefined ? [] : [
      `${dim('account')}    ${account.address}${filecoin(account.address)}`,
      `${dim('its means')}  ${formatEther(account.gas)} for gas${account.coin === undefined ? '' : `, ${coins(account.coin)} coin`}`,
    ]),
  ].join('\n');
}

function isRpcGiven(own: Where): boolean {
  return (own.rpc ?? process.env.GADUS_RPC_URL) !== undefined;
}

async function endpoint(own: Where, command: Command): Promise<string> {
  const url = own.rpc ?? process.env.GADUS_RPC_URL ?? (await loadProfile(command)).rpcUrl;
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) throw new UsageError('the endpoint is no HTTP address', 'for example --rpc https://rpc.example.org');
  return url;
}

/** The addresses in question: a file's that is named, else the profile's where that names the endpoint, too, else the chain's file. */
async function recorded(own: Where, command: Command, chainId: () => Promise<number>): Promise<Addresses> {
  if (own.addresses !== undefined) return readAddresses(own.addresses);
  if (isRpcGiven(own)) return readAddresses(addressesFile(await chainId()));
  const { scheduler, coin, deploymentBlock } = await loadProfile(command);
  return { chainId: await chainId(), scheduler, coin, deploymentBlock: BigInt(deploymentBlock) };
}

function addressesFile(chainId: number): string {
  return join(gadusHome(), 'chains', `${chainId}.json`);
}

function address(text: string): Address {
  if (isAddress(text)) return getAddress(text);
  try {
    return fromFilecoinAddress(text);
  } catch {
    throw new InvalidArgumentError('0x… with a right checksum, or f410f… is needed.');
  }
}

function randomness(text: string): 'block-hash' | 'drand' {
  if (text === 'block-hash' || text === 'drand') return text;
  throw new InvalidArgumentError('block-hash or drand is needed.');
}

function whole(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('a whole number above 0 is needed.');
}
