import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { prepareGuest, takeUsualUmask, type NetworkRules } from '../../../src/executor/index.ts';
import { findGuest, type Guest } from '../../../src/executor/guest/guest.ts';
import { which } from '../../../src/executor/container/runtime.ts';
import { QEMU, qemu } from '../../../src/executor/microvm/qemu.ts';
import { runMicrovm } from '../../../src/executor/microvm/run-microvm.ts';
import { isError, messageOf, parseJobSpec } from '../../../src/protocol/index.ts';

/** Downloaded once and kept between test runs. */
const guestDir = new URL('../../../node_modules/.cache/gadus-guest', import.meta.url).pathname;
const why = which(QEMU) === undefined ? `${QEMU} is not installed` : await prepareGuest({ dir: guestDir }).then(() => undefined, messageOf);
if (why !== undefined) process.stderr.write(`hostile guests NOT TESTED: ${why}\n`);
// As a node does.
takeUsualUmask();
const all = process.env['GADUS_TEST_EMULATED'] === '1';

/** What the attacks of hostile-agent.pl end in. Each takes the boot of a virtual machine: those marked are tried everywhere. */
const ATTACKS: Record<string, { code: string; always?: boolean }> = {
  'frame-of-4-gib': { code: 'GUEST_MISBEHAVED' },
  'zeros': { code: 'GUEST_MISBEHAVED' },
  'end-before-beginning': { code: 'GUEST_MISBEHAVED' },
  'endless-excuse': { code: 'START_FAILED' },
  'half-a-frame': { code: 'START_TIMEOUT' },
  'half-a-frame-and-gone': { code: 'VMM_FAILED' },
  'console': { code: 'START_TIMEOUT' },
  'empty-words': { code: 'GUEST_MISBEHAVED' },
  'endless-log': { code: 'GUEST_MISBEHAVED' },
  'endless-log-of-nothing': { code: 'GUEST_MISBEHAVED' },
  'endless-samples': { code: 'VMM_SILENT' },
  'endless-notes': { code: 'VMM_SILENT' },
  'tunnel-noise': { code: 'GUEST_MISBEHAVED' },
  'tunnel-endless-bytes': { code: 'VMM_SILENT' },
  'tunnel-endless-streams': { code: 'VMM_SILENT' },
  'tunnel-endless-requests': { code: 'VMM_SILENT', always: true },
  'exit-code-that-is-none': { code: 'GUEST_MISBEHAVED' },
  'second-end': { code: 'GUEST_MISBEHAVED' },
  'outputs-after-the-end': { code: 'none' },
  'climb': { code: 'GUEST_MISBEHAVED' },
  'climb-by-name': { code: 'GUEST_MISBEHAVED' },
  'through-a-link': { code: 'GUEST_MISBEHAVED', always: true },
  'long-link': { code: 'GUEST_MISBEHAVED' },
  'giant': { code: 'GUEST_MISBEHAVED' },
  'more-than-its-size': { code: 'GUEST_MISBEHAVED' },
  'endless-data-of-nothing': { code: 'GUEST_MISBEHAVED' },
  'endless-remarks': { code: 'GUEST_MISBEHAVED' },
  'endless-directories': { code: 'GUEST_MISBEHAVED' },
  'drop-by-drop': { code: 'VMM_SILENT' },
  'nothing-more': { code: 'VMM_SILENT' },
};
/** What the host's memory may grow by, whatever a guest sends: 172 MiB were seen where it sent samples without end, most of it garbage not yet collected. */
const MAX_GROWTH_BYTES = 256 * 1024 ** 2;

/** A virtual machine that has been taken over whole, kernel and agent, against the host's end of its channels. */
describe('a hostile guest', { skip: why ?? false, timeout: 900_000 }, () => {
  let directory: string;
  let guest: Guest;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'gadus-hostile-'));
    await mkdir(path.join(directory, 'rootfs'));
    // The guest of the attack, made of the same parts.
    await mkdir(path.join(directory, 'guest'));
    const { kernel } = (await findGuest({ dir: guestDir }))!;
    guest = { kernel, initrd: (await findGuest({ dir: guestDir, agent: new URL('./hostile-agent.pl', import.meta.url) }))!.initrd };
  });
  after(async () => {
    await rm(guest.initrd, { force: true });
    await rm(directory, { recursive: true, force: true });
  });
  afterEach(async () => {
    assert.deepEqual(await readdir(path.join(directory, 'state/runs')), [], 'nothing is left behind');
    assert.ok(!existsSync('/tmp/gadus-escaped'));
    assert.deepEqual((await readdir(directory, { recursive: true })).filter((name) => name.includes('escaped')), []);
    for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
      const words = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      assert.ok(!words.includes(QEMU) || !(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')).includes(` ${process.pid} `), `monitor ${pid} lives`);
    }
  });

  const network: NetworkRules = { allow: ['*'], maxBytes: 1e6, maxConnections: 4, resolve: async () => ['127.0.0.1'], mayReach: () => false };
  const run = async (attack: string) => {
    const input = path.join(directory, attack);
    await writeFile(input, `GADUS-ATTACK:${attack};`, { mode: 0o644 });
    return runMicrovm({
      stateDir: path.join(directory, 'state'), guest, kind: qemu('', 'tcg'), network,
      // Two seconds from the job's start to its deadline: 1 s, 4 s to be killed in, 3 s less.
      patience: { prepareMs: 2000, endSlackMs: -3000, outputSilenceMs: 2000, outputsMs: 4000 },
    }, {
      id: attack, rootfs: path.join(directory, 'rootfs'), inputs: [{ path: input, target: '/inputs/attack' }], sampleIntervalMs: 20,
      spec: parseJobSpec({
        command: ['x'], resources: { memoryBytes: '32MiB', diskBytes: '1MiB', logBytes: '1MiB', timeoutMs: 1000 },
        ...(attack.startsWith('tunnel') ? { network: { allow: ['data.test:1'] } } : {}),
      }),
    });
  };

  for (const [attack, { code, always }] of Object.entries(ATTACKS)) {
    test(attack, { skip: all || always ? false : 'each takes a boot: GADUS_TEST_EMULATED=1 runs it' }, async () => {
      const before = process.memoryUsage().rss;
      let most = before;
      const watch = setInterval(() => { most = Math.max(most, process.memoryUsage().rss); }, 20);
      try {
        if (code === 'none') {
          const result = await run(attack);
          assert.deepEqual([result.exitCode, result.outputs, result.notes, (await stat(result.stdoutPath)).size], [0, [], ['output outputs does not exist'], 0]);
          await result.release();
        } else {
          await assert.rejects(run(attack), (error) => {
            assert.ok(isError(error, code), `${attack}: ${messageOf(error)}`);
            assert.doesNotMatch(messageOf(error), /[^\x20-\x7e\n]/, 'its words are fit for a terminal');
            return true;
          });
        }
      } finally {
        clearInterval(watch);
      }
      assert.ok(most - before < MAX_GROWTH_BYTES, `grew by ${Math.round((most - before) / 1024 ** 2)} MiB`);
    });
  }
});
