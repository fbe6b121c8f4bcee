import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { writeProfile } from '../../src/client/index.ts';
import { startGadus, type Outcome } from '../cli.ts';
import { useNetwork } from '../network.ts';

describe('shards on the command line', () => {
  const network = useNetwork({ nodes: 3, configure: (config) => ({ ...config, noopEngine: true }) });
  let home: string;
  let work: string;
  let id: string;
  before(async () => {
    const net = network();
    home = join(net.dir, 'shards-home');
    work = join(net.dir, 'shards-work');
    await mkdir(join(work, 'tables'), { recursive: true });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await writeFile(join(work, 'tables', name), `${name}\n`.repeat(1000));
    const { key } = await net.account();
    await writeProfile(join(home, 'profile.json'), { ...net.profile, key });
  });
  const gadus = async (code: number, ...args: string[]): Promise<Outcome> => {
    const outcome = await startGadus(args, { env: { GADUS_HOME: home }, cwd: work }).ended;
    assert.equal(outcome.code, code, `gadus ${args.join(' ')}\n${outcome.stdout}\n${outcome.stderr}`);
    return outcome;
  };

  test('run --shard-by-file: says how far the shards are, and puts a folder for each in the result', async () => {
    const { stdout, stderr } = await gadus(0, 'run', '-i', 'tables', '--shard-by-file', '--output-dir', 'all', '--', 'sh', '-c', 'sort -u /inputs/tables/*');
    assert.match(stdout, /^0002 c$/m, 'the log says which shard a line is of');
    assert.match(stderr, /shard \d ended by exit with code 0; 5 of 5 done/);
    assert.match(stderr, /evidence of 5 of 5 shards from 0x/);
    assert.match(stderr, /replica 0: 5 shards, windows of 5 opened/);
    assert.deepEqual((await readdir(join(work, 'all'))).sort(), ['0000', '0001', '0002', '0003', '0004']);
    assert.equal(await readFile(join(work, 'all/0004/stdout'), 'utf8'), 'e\n');
  });

  test('run --shards --json, and several files a shard', async () => {
    const many = JSON.parse((await gadus(0, '--json', 'run', '--engine', 'noop', '--shards', '40', '--output-dir', 'many', '--', 'true')).stdout);
    assert.equal(many.shards, 40);
    assert.deepEqual(many.replicas.map((replica: { shards: { count: number; toldCount: number } }) => [replica.shards.count, replica.shards.toldCount]), [[40, 0], [40, 0], [40, 0]]);
    const few = JSON.parse((await gadus(7, '--json', 'run', '-i', 'tables', '--files-per-shard', '2', '--output-dir', 'few', '--', 'sh', '-c', 'ls /inputs/tables; [ $GADUS_SHARD != 1 ] || exit 7')).stdout);
    assert.equal(few.shards, 3);
    assert.equal(await readFile(join(work, 'few/0001/stdout'), 'utf8'), 'c\nd\n');
    assert.equal(await readFile(join(work, 'few/0001/exitCode'), 'utf8'), '7\n');
    ({ id } = few);
  });

  test('job get --shard: that of one; what is not there is told', async () => {
    const got = JSON.parse((await gadus(0, '--json', 'job', 'get', id, '--shard', '2')).stdout);
    assert.equal(got.shard, 2);
    assert.equal(await readFile(join(work, got.output, 'stdout'), 'utf8'), 'e\n');
    const { error } = JSON.parse((await gadus(5, '--json', 'job', 'get', id, '--shard', '3', '--output-dir', 'x')).stderr);
    assert.equal(error.code, 'SHARD_UNKNOWN');
  });

  test('a wrong command line is told before anything is submitted', async () => {
    for (const args of [['--shards', '3', '--shard-by-file'], ['--shard-by-file'], ['--shards', '10001'], ['--shards', '0']]) {
      await gadus(2, 'run', '--engine', 'noop', ...args, '--', 'true');
    }
    await writeFile(join(work, 'file'), 'x');
    const { stderr } = await gadus(2, 'run', '-i', 'file', '--shard-by-file', '--', 'true');
    assert.match(stderr, /not a directory/);
  });
});
