import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Hex } from 'viem';
import { parseUnits } from 'viem/utils';
import type { RunningClient } from '../client/index.ts';
import { formatBytes, parseCid, type JobSpecInput, type PossessionRoot } from '../protocol/index.ts';
import { say } from './output.ts';
import { UsageError } from './usage-error.ts';

/** The flags that describe a job on the command line. */
export interface JobOptions {
  input?: string[];
  dataRoot?: string;
  output?: string[];
  image?: string;
  engine?: string;
  isolation?: string;
  network?: string[];
  cpus?: number;
  memory?: string;
  disk?: string;
  timeout?: string;
  env?: string[];
  replicas?: number;
  policy?: string;
  minScore?: number;
  audit?: string;
  panel?: boolean;
  encryptResult?: boolean;
  arch?: string;
  class?: string;
  maxPrice?: string;
  stake?: string;
  name?: string;
  shardByFile?: boolean;
  filesPerShard?: number;
  shards?: number;
}

const collect = (value: string, list: string[] | undefined) => [...(list ?? []), value];

/** A whole or decimal number from a flag. */
export function number(value: string): number {
  const parsed = Number(value);
  if (value.trim() === '' || !Number.isFinite(parsed)) throw new InvalidArgumentError('It is not a number.');
  return parsed;
}

/** A whole number from a flag, 0 or more. */
export function count(value: string): number {
  if (!/^\d{1,9}$/.test(value.trim())) throw new InvalidArgumentError('It is not a whole number.');
  return Number(value);
}

/** Adds the job flags to a command. */
export function withJobOptions(command: Command): Command {
  return command
    .option('-i, --input <SRC[:TARGET]>', 'input: a CID, or a local file or folder; TARGET defaults to /inputs/NAME (repeatable)', collect)
    .option('--data-root <ROOT/BYTES>', 'of all inputs together, as gadus data add --root prints it: then bids of nodes that hold the input count for more; found out for inputs in the client\'s store')
    .option('-o, --output <NAME:PATH>', 'folder of the job to keep (repeatable; default outputs:/outputs)', collect)
    .option('--image <IMAGE>', 'image: a name of the profile, a CID, or docker://NAME, fetched at first use', 'busybox')
    .addOption(new Option('--engine <ENGINE>', 'what runs the job').choices(['auto', 'microvm', 'container', 'wasm', 'noop']))
    .addOption(new Option('--isolation <CLASS>', 'how far a job must be from its host at the least').choices(['container', 'vm']))
    .option('--network <HOST:PORT>', 'a place the job may reach, through the node\'s proxy, on nodes that permit it (repeatable; none by default)', collect)
    .option('--cpus <N>', 'CPUs', number)
    .option('--memory <SIZE>', 'memory limit, e.g. 512MiB')
    .option('--disk <SIZE>', 'limit of the writable file system, e.g. 2GiB')
    .option('--timeout <TIME>', 'longest run, e.g. 10m')
    .option('-e, --env <NAME=VALUE>', 'environment variable (repeatable)', collect)
    .option('--replicas <K>', 'nodes that run it (1 to 15)', number)
    .addOption(new Option('--policy <POLICY>', 'how replicas are compared').choices(['trace', 'exact', 'none']))
    .option('--min-score <SCORE>', 'lowest reputation of a node, 0 to 1', number)
    .option('--audit <CHANCE>', 'chance that a single replica is held against two more: 0 to 1, or auto, as much as makes cheating lose (default)')
    .option('--no-panel', 'call no fresh nodes where a dispute has no majority')
    .option('--encrypt-result', 'let nodes encrypt the result to this client before anybody can fetch it')
    .option('--arch <ARCH>', 'only machines of this architecture: amd64, arm64')
    .option('--class <CLASS>', 'only machines of this class')
    .option('--max-price <COINS>', 'most to pay for one replica')
    .option('--stake <COINS>', 'stake a node locks for one replica')
    .option('--name <NAME>', 'a name for the job')
    .option('--shard-by-file', 'one shard for each file of the first input, a folder; a limit is that of one shard')
    .option('--files-per-shard <N>', 'as many files for each shard (1 to 100)', number)
    .option('--shards <N>', 'as many shards, told apart by $GADUS_SHARD', number);
}

/** Turns flags and a command into a spec; local inputs are added to the client's store, from which nodes fetch them. */
export async function specFromOptions(options: JobOptions, argv: readonly string[], running: RunningClient, signal: AbortSignal): Promise<JobSpecInput> {
  const inputs = [];
  for (const input of options.input ?? []) inputs.push(await resolveInput(input, running, signal));
  const resources = {
    ...(options.cpus === undefined ? {} : { cpus: options.cpus }),
    ...(options.memory === undefined ? {} : { memoryBytes: options.memory }),
    ...(options.disk === undefined ? {} : { diskBytes: options.disk }),
    ...(options.timeout === undefined ? {} : { timeoutMs: options.timeout }),
  };
  return {
    command: [...argv], inputs, resources, ...shardsFrom(options),
    ...(options.name === undefined ? {} : { name: options.name }),
    ...(options.image === undefined ? {} : { image: options.image }),
    ...(options.engine === undefined ? {} : { engine: options.engine as 'auto' }),
    ...(options.isolation === undefined ? {} : { isolation: options.isolation as 'vm' }),
    ...(options.network === undefined ? {} : { network: { allow: options.network } }),
    ...(options.env === undefined ? {} : { env: Object.fromEntries(options.env.map(parseVariable)) }),
    ...(options.output === undefined ? {} : { outputs: options.output.map(parseOutput) }),
    verification: {
      ...(options.replicas === undefined ? {} : { replicas: options.replicas }),
      ...(options.policy === undefined ? {} : { policy: options.policy as 'trace' }),
      ...(options.minScore === undefined ? {} : { minScoreBps: Math.round(options.minScore * 10_000) }),
      ...(options.audit === undefined ? {} : { audit: options.audit === 'auto' ? 'auto' as const : chance(options.audit) }),
      ...(options.panel === false ? { panel: false } : {}),
    },
    ...(options.encryptResult === true ? { result: { encrypt: true } } : {}),
    ...requirementsFrom(options),
    payment: {
      ...(options.maxPrice === undefined ? {} : { maxPrice: coinUnits(options.maxPrice) }),
      ...(options.stake === undefined ? {} : { stake: coinUnits(options.stake) }),
    },
  };
}

function chance(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1)) throw new UsageError(`not a chance: ${text}`, 'write --audit auto, or a number from 0 to 1');
  return value;
}

/** What the machines must be, if it is said. */
function requirementsFrom({ arch, class: wanted }: JobOptions): Pick<JobSpecInput, 'requires'> {
  if (arch === undefined && wanted === undefined) return {};
  return { requires: { ...(arch === undefined ? {} : { arch: arch as 'amd64' }), ...(wanted === undefined ? {} : { class: wanted }) } };
}

/** The root that bids may claim to hold, from the flags. */
export function dataRootFrom({ dataRoot }: JobOptions): { dataRoot?: PossessionRoot } {
  if (dataRoot === undefined) return {};
  const [, root, bytes] = /^(0x[0-9a-f]{64})\/(\d{1,20})$/i.exec(dataRoot) ?? [];
  if (root === undefined || bytes === undefined || BigInt(bytes) === 0n) throw new UsageError(`not a data root: ${dataRoot}`, 'gadus data add --root prints one, as 0x…/BYTES');
  return { dataRoot: { dataRoot: root as Hex, dataBytes: BigInt(bytes) } };
}

/** How the job falls into shards, if it does. */
function shardsFrom({ shardByFile, filesPerShard, shards, input }: JobOptions): Pick<JobSpecInput, 'shards'> {
  if (shards !== undefined) {
    if (shardByFile === true || filesPerShard !== undefined) throw new UsageError('--shards and --shard-by-file exclude each other');
    return { shards: { by: 'count', count: shards } };
  }
  if (shardByFile !== true && filesPerShard === undefined) return {};
  if (input === undefined) throw new UsageError('there is no folder to split', 'name it with -i; the first input is split');
  return { shards: { by: 'file', input: 0, ...(filesPerShard === undefined ? {} : { filesPerShard }) } };
}

/** Coins as the user writes them, in the coin's smallest unit. */
export function coinUnits(text: string): string {
  if (!/^\d+(\.\d{1,18})?$/.test(text)) throw new UsageError(`not an amount of coin: ${text}`, 'write it as 1.5, with at most 18 decimals');
  return parseUnits(text, 18).toString();
}

async function resolveInput(text: string, { storage }: RunningClient, signal: AbortSignal): Promise<{ source: string; target: string }> {
  const [, source = '', target] = /^(.*?)(?::(\/.*))?$/s.exec(text) ?? [];
  if (isCid(source)) return { source, target: target ?? `/inputs/${source.slice(-12)}` };
  if (!(await stat(source).then(() => true, () => false))) {
    throw new UsageError(`no such input: ${source}`, 'an input is a CID or a local path, optionally with :/path/in/job');
  }
  const { cid, bytes } = await storage.add(source, { signal });
  say(`added ${source} (${formatBytes(bytes)}) as ${cid}`);
  return { source: cid.toString(), target: target ?? `/inputs/${basename(source)}` };
}

function isCid(text: string): boolean {
  try {
    parseCid(text);
    return true;
  } catch {
    return false;
  }
}

function parseVariable(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  const inherited = process.env[text];
  if (inherited === undefined) throw new UsageError(`not NAME=VALUE, and not set here: ${text}`);
  return [text, inherited];
}

function parseOutput(text: string): { name: string; path: string } {
  const at = text.indexOf(':');
  if (at < 1) throw new UsageError(`not NAME:PATH: ${text}`, 'for example -o result:/outputs');
  return { name: text.slice(0, at), path: text.slice(at + 1) };
}
