import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startProgram } from '../cli.ts';
import { leftovers, MARK } from '../leftovers.ts';
import { until } from '../until.ts';
import { toolbox } from '../wasm/assemble.ts';

const checkout = join(import.meta.dirname, '../..');

/** The package as somebody has it who installed it: packed, unpacked, with nothing of the checkout but the packages it depends on. */
describe('the package', () => {
  let dir: string;
  let installed: string;
  before(() => {
    dir = mkdtempSync(join(tmpdir(), 'gadus-package-'));
    const source = join(dir, 'source');
    installed = join(dir, 'node_modules/gadus');
    mkdirSync(source);
    mkdirSync(join(dir, 'tmp'));
    mkdirSync(installed, { recursive: true });
    for (const name of ['package.json', 'README.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'bin', 'contracts/src']) cpSync(join(checkout, name), join(source, name), { recursive: true });
    execFileSync('sh', ['scripts/build.sh', join(source, 'dist')], { cwd: checkout, stdio: 'inherit' });
    execFileSync('npm', ['pack', '--offline', '--ignore-scripts'], { cwd: source, stdio: 'ignore' });
    execFileSync('tar', ['-xzf', globSync(join(source, '*.tgz'))[0]!, '-C', installed, '--strip-components=1']);
    rmSync(source, { recursive: true });
    symlinkSync(join(checkout, 'node_modules'), join(installed, 'node_modules'));
  });
  after(() => { rmSync(dir, { recursive: true, force: true }); });

  test('imports nothing that it does not depend on, and holds no test', () => {
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { dependencies: Record<string, string> };
    const files = globSync('dist/**/*.js', { cwd: installed });
    assert.ok(files.length > 500, String(files.length));
    assert.deepEqual(files.filter((file) => /\.test|test-/.test(file)), []);
    const undeclared = files.flatMap((file) => [...readFileSync(join(installed, file), 'utf8').matchAll(/^(?:import|export) [^;]*?from '([^.'][^']*)'|import\('([^.'][^']*)'\)/gm)]
      .map(([, one, other]) => (one ?? other)!)
      .filter((name) => !isBuiltin(name) && !(name.split('/').slice(0, name.startsWith('@') ? 2 : 1).join('/') in dependencies))
      .map((name) => `${file}: ${name}`));
    assert.deepEqual(undeclared, []);
  });

  test('is a library', () => {
    const script = join(dir, 'use.mjs');
    writeFileSync(script, `
      import { createClient, readProfile } from 'gadus/client';
      import { fingerprintOf } from 'gadus/evidence';
      import { parseJobSpec } from 'gadus/protocol';
      console.log([createClient, readProfile, fingerprintOf, parseJobSpec].map((one) => typeof one).join());
    `);
    assert.equal(execFileSync(process.execPath, [script], { encoding: 'utf8' }), 'function,function,function,function\n');
  });

  test('is a program: a network, a job in a container, and a module', async (t) => {
    const home = join(dir, 'home');
    const env = { GADUS_HOME: home, HOME: dir, TMPDIR: join(dir, 'tmp'), NODE_COMPILE_CACHE: join(dir, 'cache'), [MARK]: dir };
    const gadus = (...args: string[]) => startProgram(join(installed, 'bin/gadus'), args, { cwd: dir, env });
    const devnet = gadus('devnet', '--nodes', '3', '--json');
    t.after(async () => {
      devnet.process.kill('SIGINT');
      await devnet.ended;
    });
    await Promise.race([
      until('the network', () => devnet.stdout().trimEnd().endsWith('}')),
      devnet.ended.then(({ stderr }) => { throw new Error(stderr); }),
    ]);
    const done = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await gadus('--json', ...args).ended;
      assert.equal(code, 0, `${args.join(' ')}: ${stderr}`);
      return stdout;
    };
    const verdicts = async (output: string, ...args: string[]) => (
      JSON.parse(await done('run', '--output-dir', output, ...args)) as { replicas: { verdict: string }[] }).replicas.map(({ verdict }) => verdict);
    writeFileSync(join(dir, 'toolbox.wasm'), await toolbox());
    await done('image', 'import', 'toolbox.wasm', 'toolbox');
    assert.deepEqual(
      await Promise.all([verdicts('one', '--', 'echo', 'hello'), verdicts('two', '--engine', 'wasm', '--image', 'toolbox', '--', 'toolbox', 'args', 'hello')]),
      [['agreed', 'agreed', 'agreed'], ['agreed', 'agreed', 'agreed']],
    );
    assert.equal(readFileSync(join(dir, 'one/stdout'), 'utf8'), 'hello\n');
    assert.match(readFileSync(join(dir, 'two/stdout'), 'utf8'), /hello/);
    devnet.process.kill('SIGINT');
    assert.equal((await devnet.ended).code, 0, devnet.stderr());
    assert.deepEqual(leftovers(dir, dir), { processes: [], mounts: [], loopDevices: [], cgroups: [], files: [] });
  });
});
