import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, cp, lstat, mkdir, mkdtemp, readFile, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { IMAGE_OWNER_ID, ROOTLESS_IMAGE_OWNER_ID } from '../../../src/executor/constants.ts';
import { inUserNamespace } from '../../../src/executor/rootless/user-namespace.ts';
import { takeUsualUmask, type Engine, type RunRequest, type RunResult } from '../../../src/executor/index.ts';
import { isError, parseJobSpec, type JobSpecInput } from '../../../src/protocol/index.ts';
import { ATTACKS } from './attacks.ts';

// As a node does.
takeUsualUmask();

/** What this suite needs of an engine that runs images with a busybox in them. */
export interface EscapeSetup {
  engine: Engine;
  rootfs: string;
  /** Why the engine cannot be tested here; every test is then skipped with this reason. */
  skip?: string;
  /** Host programs and files of the engine that a job must not change. */
  ownFiles: string[];
  close(): Promise<void>;
}

/** Every attack prints this when it got somewhere. */
const OUT = 'ESCAPED';

/**
 * Registers what published escapes try, each as a job whose failure is the test's success. docs/threat-model.md lists them by
 * these names.
 */
export function escapeSuite(name: string, setup: () => Promise<EscapeSetup>): void {
  describe(`escapes from ${name}`, async () => {
    const { engine, rootfs, skip, ownFiles, close } = await setup();
    if (skip !== undefined) process.stderr.write(`escapes from ${name} NOT TESTED: ${skip}\n`);
    let directory: string;
    let serial = 0;
    const held: RunResult[] = [];
    before(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-escape-')); });
    afterEach(() => Promise.all(held.splice(0).map((result) => result.release())));
    after(async () => {
      await rm(directory, { recursive: true, force: true });
      await close();
    });

    const it = (title: string, body: () => Promise<void>) => test(title, { skip: skip ?? false, timeout: 300_000 }, body);
    const sh = async (script: string, spec: Omit<JobSpecInput, 'command'> = {}, more: Partial<RunRequest> = {}) => {
      const result = await engine.run({
        id: `escape-${process.pid}-${serial++}`, spec: parseJobSpec({ command: ['sh', '-c', script], ...spec }), rootfs, inputs: [], sampleIntervalMs: 20, ...more,
      });
      held.push(result);
      return Object.assign(result, { stdout: await readFile(result.stdoutPath, 'utf8') });
    };
    /** Runs attacks, of which none may succeed, and shows that the script ran to its end. */
    const allFail = async (attacks: string[], spec: Omit<JobSpecInput, 'command'> = {}, more: Partial<RunRequest> = {}) => {
      const script = attacks.map((attack, i) => `( ${attack} ) >/dev/null 2>&1 && echo "${OUT} ${i}"`).join('\n');
      const { stdout } = await sh(`${script}\necho end`, spec, more);
      const got = [...stdout.matchAll(/^ESCAPED (\d+)$/gm)].map(([, i]) => attacks[Number(i)]);
      assert.deepEqual(got, []);
      assert.match(stdout, /^end$/m);
    };
    const hashes = () => Promise.all(ownFiles.map(async (file) => createHash('sha256').update(await readFile(file)).digest('hex')));
    /** A copy of the image, to be made malicious. */
    const image = async (title: string, change: (root: string) => Promise<unknown>) => {
      const root = path.join(directory, `image-${title}`);
      await cp(rootfs, root, { recursive: true, verbatimSymlinks: true });
      await change(root);
      return { rootfs: root };
    };

    for (const [title, attacks] of Object.entries(ATTACKS)) it(title, () => allFail(attacks));
    it('the host\'s processes: seen, traced, signalled', async () => {
      await allFail(['cat /proc/1/mem', 'cat /proc/1/maps | grep -q .', 'ls /proc/1/root/', 'ls /proc/1/cwd/', '[ -n "$(ls /proc/1/fd/)" ]', 'cat /proc/1/environ', `kill -0 ${process.pid}`, `kill -0 ${process.ppid}`]);
      const { stdout } = await sh('ls -d /proc/[0-9]* | wc -l');
      assert.ok(Number(stdout) <= 5, stdout);
    });
    it('privileges: set-user-id programs of the image, su, capabilities, files of others', async () => {
      const suid = await image('suid', async (root) => {
        await cp(path.join(root, 'bin/busybox'), path.join(root, 'bin/rootsh'));
        await chmod(path.join(root, 'bin/rootsh'), 0o6755);
        await writeFile(path.join(root, 'etc/shadow'), 'root:secret', { mode: 0o600 });
      });
      await allFail([
        '[ "$(/bin/rootsh id -u)" = 0 ]', 'su -c true', 'cp /bin/busybox /work/su; chown 0 /work/su', 'chmod u+s /bin/busybox', 'chown 0:0 /work', 'nice -n -10 true && [ "$(nice -n -10 nice)" -lt 0 ]',
        'hostname other', 'date -s 2000-01-01; [ "$(date +%Y)" = 2000 ]', 'insmod /work/x', 'reboot -f', 'swapon /work', 'cat /etc/shadow',
      ], {}, suid);
    });
    // In a virtual machine there is nobody of this machine.
    if (engine.name === 'container') it('root inside: nobody of this machine, and another one for each job', async () => {
      const ids = async () => {
        const { stdout, outputs } = await sh('cat /proc/self/uid_map; echo x > /outputs/x');
        const mapped = stdout.trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number));
        assert.deepEqual(mapped.map(([inside, , count]) => [inside, count]), [[0, 1], [65_534, 1]]);
        assert.ok(mapped.every(([, outside]) => outside! > (inUserNamespace() ? 0 : 600_100_000)), stdout);
        const { uid, gid } = await lstat(path.join(outputs[0]!.path, 'x'));
        assert.deepEqual([uid, gid], [mapped[1]![1], mapped[1]![1]]);
        return uid;
      };
      assert.notEqual(await ids(), await ids());
      assert.equal((await stat(path.join(rootfs, 'bin'))).uid, inUserNamespace() ? ROOTLESS_IMAGE_OWNER_ID : IMAGE_OWNER_ID);
    });
    it('the runtime\'s own program: written through /proc/self/exe (CVE-2019-5736)', async () => {
      const before = await hashes();
      await allFail([
        'echo x > /proc/self/exe', 'echo x >> /proc/1/exe', 'echo x > /.gadus/sh', 'cat /.gadus/sh', 'cp /bin/busybox /.gadus/sh', 'rm /.gadus/sh', 'mv /.gadus /work',
        'for i in $(seq 1 200); do for p in /proc/[0-9]*; do echo x > $p/exe && exit 0; done; done; false',
      ]);
      // A command that is the process's own image, as the published attack has it.
      const result = await engine.run({ id: `exe-${process.pid}`, spec: parseJobSpec({ command: ['/proc/self/exe', 'true'] }), rootfs, inputs: [], sampleIntervalMs: 20 });
      held.push(result);
      assert.deepEqual(await hashes(), before);
    });
    it('descriptors left open, and a working directory among them (CVE-2024-21626)', async () => {
      const { stdout } = await sh('for f in /proc/self/fd/*; do readlink $f; done; readlink /proc/self/cwd');
      assert.doesNotMatch(stdout, /cgroup|runc|gadus-|\/sys\/|socket:/);
      await allFail(['ls /proc/self/fd/[3-9]/ | grep -q .', 'for i in 3 4 5 6 7 8 9; do cat /proc/self/fd/$i/../../etc/hostname && exit 0; done; false']);
      for (const fd of [3, 7, 8]) assert.throws(() => parseJobSpec({ command: ['true'], workdir: `/proc/self/fd/${fd}` }), (error) => isError(error, 'SPEC_INVALID'));
      const linked = await image('cwd', (root) => rm(path.join(root, 'work'), { recursive: true, force: true }).then(() => symlink('/proc/self/fd/7', path.join(root, 'work'))));
      await assert.rejects(sh('true', {}, linked), (error) => isError(error, 'JOB_UNFIT'));
    });
    it('the node\'s keys, and another job\'s files, memory and environment', async () => {
      const secret = `secret-${process.pid}-${Date.now()}`;
      const file = path.join(directory, secret);
      await writeFile(file, secret, { mode: 0o644 });
      const started = Promise.withResolvers<void>();
      const stop = new AbortController();
      const other = sh(`echo ${secret} > /outputs/${secret}; echo ${secret} > /tmp/${secret}; sleep 1000`, { env: { SECRET: secret } }, { onStart: () => started.resolve(), signal: stop.signal });
      await started.promise;
      await allFail([
        `cat ${file}`, `find / -name "$A-$B" 2>/dev/null | grep -q .`, 'grep -rq "$A-$B" /proc/*/environ /tmp /work /outputs /dev/shm', `ls /proc/*/root${directory}`, `cat /proc/self/mountinfo | grep -q "${secret}"`, 'ipcs | grep -q 0x',
      ], { env: { A: 'secret', B: secret.slice('secret-'.length) } });
      stop.abort();
      await assert.rejects(other, (error) => isError(error, 'ABORTED'));
    });
    it('the network: the node\'s API, the metadata address, sockets of the host', async () => {
      let asked = 0;
      const server = createServer((_request, response) => { asked++; response.end('ok'); });
      await new Promise<void>((resolve) => { server.listen(0, '0.0.0.0', resolve); });
      const { port } = server.address() as AddressInfo;
      try {
        await allFail([
          `wget -q -T 1 -O - http://127.0.0.1:${port}/`, `nc -w 1 127.0.0.1 ${port} < /dev/null`, 'wget -q -T 1 -O - http://169.254.169.254/', 'wget -q -T 1 -O - "http://[::1]/"', 'nc -w 1 8.8.8.8 53 < /dev/null', 'ping -c 1 -W 1 127.0.0.1',
          'ip link add d0 type dummy', 'ip link set lo mtu 1400', 'ip addr add 10.9.9.9/8 dev lo', '[ "$(ls /proc/sys/net/ipv4/conf | grep -vE "^(all|default|lo)$" | wc -l)" -gt 0 ] && ip addr | grep -q "inet .*global"', '[ "$(wc -l < /proc/net/unix)" -gt 1 ]',
        ]);
        assert.equal(asked, 0);
      } finally {
        await new Promise((resolve) => { server.close(resolve); });
      }
    });
    it('outputs that lead elsewhere: links, replaced directories, races', async () => {
      const outputs = [{ name: 'a', path: '/outputs' }, { name: 'b', path: '/work/b' }, { name: 'c', path: '/work/d/c' }];
      const result = await sh('ln -s /etc/passwd /outputs/link; ln -s / /outputs/root; mkfifo /outputs/pipe; ln -s /etc /work/d; (while :; do ln -s /etc /work/b; rm -f /work/b; mkdir /work/b; rmdir /work/b; done) & sleep 0.3; rm -rf /work/b; ln -sf /root /work/b', { outputs });
      for (const output of result.outputs) {
        assert.ok(!(await lstat(output.path)).isSymbolicLink());
        assert.ok(!output.path.startsWith('/etc') && !output.path.startsWith('/root'));
      }
      // The race may leave a directory of the job's own at /work/b: that is an output like any other. A link never is. In it lie
      // what either side of the race put there instead of in its place: links, where what a link leads to would be directories and files.
      const names = result.outputs.map((output) => output.name);
      assert.ok(names.includes('a') && !names.includes('c'), names.join());
      for (const { path: found } of result.outputs.slice(1)) {
        const entries = await readdir(found, { withFileTypes: true });
        assert.deepEqual(entries.filter((entry) => !entry.isSymbolicLink() || !['root', 'etc'].includes(entry.name)).map((entry) => entry.name), [], 'the directory of the job, not the one a link named');
      }
      assert.equal(await readlink(path.join(result.outputs[0]!.path, 'link')), '/etc/passwd', 'kept as a link, for whoever reads it not to follow');
    });
    it('a malicious image: links where the engine mounts', async () => {
      const outside = path.join(directory, 'outside');
      await mkdir(outside);
      await chmod(outside, 0o777);
      for (const target of ['tmp', 'dev', '.gadus', 'outputs', 'work', 'proc']) {
        const linked = await image(`link-${target.replace('.', '')}`, async (root) => {
          await rm(path.join(root, target), { recursive: true, force: true });
          await symlink(`../../../../../../../../../..${outside}`, path.join(root, target));
        });
        await sh(`echo x > /${target}/evil; echo x > ${outside}/evil; true`, {}, linked).catch((error: unknown) => {
          assert.ok(isError(error, 'JOB_UNFIT', 'START_FAILED', 'SCRATCH_FAILED'), `${target}: ${String(error)}`);
        });
        assert.deepEqual(await readdir(outside), [], target);
      }
    });
  });
}
