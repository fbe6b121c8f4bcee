import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startAnvil, type Anvil } from '../../../src/chain/index.ts';
import { startGadus, type Outcome } from '../../cli.ts';

let anvil: Anvil;
let home: string;
before(async () => {
  anvil = await startAnvil();
  home = await mkdtemp(join(tmpdir(), 'gadus-chain-command-'));
});
after(async () => {
  await anvil.stop();
  await rm(home, { recursive: true, force: true });
});
const chain = (args: string[], env: Record<string, string> = {}): Promise<Outcome> =>
  startGadus(['chain', ...args, '--json'], { env: { GADUS_HOME: home, GADUS_PROFILE: join(home, 'none.json'), GADUS_RPC_URL: anvil.rpcUrl, GADUS_PRIVATE_KEY: '', ...env } }).ended;
const failure = ({ stderr }: Outcome): { code: string; hint?: string } => JSON.parse(stderr.slice(stderr.indexOf('{'))).error;

test('deploy, verify, status: a scheduler with a coin of its own, then one that settles in the same coin', async () => {
  const { privateKey, address } = anvil.accounts[0]!;
  const keyFile = join(home, 'deployer.key');
  await writeFile(keyFile, `${privateKey.slice(2)}\n`);
  const first = await chain(['deploy', '--key-file', keyFile]);
  assert.equal(first.code, 0, first.stderr);
  const deployed = JSON.parse(first.stdout);
  assert.equal(deployed.path, join(home, 'chains', '31337.json'));
  const { gas: _gas, path: _path, ...addresses } = deployed;
  assert.deepEqual(JSON.parse(await readFile(deployed.path, 'utf8')), addresses);

  const verified = await chain(['verify']);
  assert.deepEqual([verified.code, JSON.parse(verified.stdout).ok], [0, true], verified.stdout);

  const status = JSON.parse((await chain(['status'], { GADUS_PRIVATE_KEY: privateKey })).stdout);
  assert.equal(status.scheduler.address, deployed.scheduler);
  assert.deepEqual([status.chainId, status.kind, status.scheduler.seedDelay, status.account.address], [31_337, 'devnet', 1, address]);
  assert.ok(BigInt(status.account.gas) > 0n && BigInt(status.account.coin) > 0n && status.logRangeBlocks > 0 && status.finalizedBehind >= 0);

  const again = await chain(['deploy', '--key-file', keyFile]);
  assert.deepEqual([again.code, failure(again).code], [2, 'USAGE'], 'addresses are not overwritten');
  const other = join(home, 'other.json');
  const second = await chain(['deploy', '--coin', deployed.coin, '--addresses', other, '--min-window', '30', '--seed-delay', '3'], { GADUS_PRIVATE_KEY: privateKey });
  assert.equal(second.code, 0, second.stderr);
  assert.deepEqual([JSON.parse(second.stdout).coin, JSON.parse(second.stdout).minWindowSeconds], [deployed.coin, 30]);
  await writeFile(other, JSON.stringify({ ...JSON.parse(await readFile(other, 'utf8')), minWindowSeconds: 31 }));
  const wrong = await chain(['verify', '--addresses', other]);
  assert.equal(wrong.code, 1);
  assert.deepEqual(JSON.parse(wrong.stdout).checks.filter(({ ok }: { ok: boolean }) => !ok).map(({ what }: { what: string }) => what), ['parameters']);
});

test('what is missing or wrong is named, with a hint and its exit code', async () => {
  const cases: [string[], Record<string, string>, number, string][] = [
    [['deploy'], {}, 2, 'USAGE'],
    [['deploy', '--key-file', join(home, 'none')], {}, 2, 'USAGE'],
    [['deploy'], { GADUS_PRIVATE_KEY: '0x12' }, 2, 'USAGE'],
    [['status', '--rpc', 'ipc://node'], {}, 2, 'USAGE'],
    [['verify', '--addresses', join(home, 'none.json')], {}, 2, 'ADDRESSES_INVALID'],
    [['deploy', '--addresses', join(home, 'poor.json')], { GADUS_PRIVATE_KEY: `0x${'17'.repeat(32)}` }, 6, 'GAS_FUNDS_TOO_LOW'],
  ];
  await Promise.all(cases.map(async ([args, env, exit, code]) => {
    const outcome = await chain(args, env);
    assert.deepEqual([outcome.code, failure(outcome).code], [exit, code], `${args.join(' ')}: ${outcome.stderr}`);
  }));
});
