import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isError, parseJobSpec } from '../../protocol/index.ts';
import { PROTOCOL_VERSION } from './constants.ts';
import { GUEST_CHANNELS, guestSession, type GuestOutcome, type Patience } from './guest-session.ts';
import { DATA, DONE, ENDED, ENTRY, FAILED, GO, HELLO, NOTE, READY, RUN, SAMPLE, STDERR, STDOUT, encodeFrame, encodeStrings, readFrames } from './wire.ts';

const hello = encodeFrame(HELLO, encodeStrings([PROTOCOL_VERSION, '6.1\x1b[2J', ...GUEST_CHANNELS]));
const ready = encodeFrame(READY, encodeStrings([0, 1000, 10]));
const ended = encodeFrame(ENDED, encodeStrings([0, 0, 0, 0, 1, 5, 2, 0.5, 10, 990, 9]));
const note = (...words: (string | number)[]) => encodeFrame(NOTE, encodeStrings(words));
const sample = (t: number, value: number) => {
  const payload = Buffer.alloc(8 * (GUEST_CHANNELS.length + 1));
  payload.writeDoubleBE(t);
  GUEST_CHANNELS.forEach((_, i) => payload.writeDoubleBE(value, 8 * (i + 1)));
  return encodeFrame(SAMPLE, payload);
};

describe('a session with a guest', () => {
  let directory: string;
  beforeEach(async () => { directory = await mkdtemp(path.join(tmpdir(), 'gadus-session-')); });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  /** A guest that says `greeting`, answers RUN with `prepared` and GO with `work`, and leaves. */
  const session = async (greeting: Buffer[], prepared: Buffer[] = [ready], work: Buffer[] = [], patience: Partial<Patience> | undefined = undefined): Promise<GuestOutcome> => {
    const [host, guest] = duplexPair();
    const outputsPath = path.join(directory, 'outputs');
    await mkdir(outputsPath, { recursive: true });
    const playing = play(guest, greeting, prepared, work, patience !== undefined);
    const spec = parseJobSpec({ command: ['x'], resources: { logBytes: 10 } });
    try {
      return await guestSession(host, { spec, sampleIntervalMs: 20, orders: [['arg', 'x']], stdoutPath: path.join(directory, 'out'), stderrPath: path.join(directory, 'err'), outputsPath, ...(patience ? { patience } : {}) });
    } finally {
      host.destroy();
      await playing;
    }
  };
  const fails = (code: string, ...guest: Parameters<typeof session>) => assert.rejects(session(...guest), (error) => isError(error, code), code);

  test('that keeps to the protocol', async () => {
    const outcome = await session([hello], [ready], [sample(0, 5), encodeFrame(STDOUT, Buffer.from('out')), sample(20, 7), note(9, 'outputs/a', 5), note(30, 'outputs/a', 8, 'stdout', 3), note(20), encodeFrame(STDERR, Buffer.from('err')), ended, encodeFrame(DONE)]);
    assert.deepEqual([outcome.exitCode, outcome.timedOut, outcome.logBytes, outcome.release, outcome.notes], [0, false, 6, '6.1?[2J', ['stderr was cut at 10 bytes']]);
    assert.deepEqual([...outcome.t], [0, 20]);
    const { t, files } = outcome.outputNotes!;
    assert.deepEqual([[...t].map(Math.round), files.map(({ path: name, lengths }) => [name, ...lengths])], [[9, 30, 30], [['outputs/a', 5, 8, 0], ['stdout', 0, 3, 0]]]);
    assert.ok(t[2]! > t[1]!);
    assert.deepEqual([...outcome.channels.cpuNs!], [0, 2]);
    assert.deepEqual(outcome.sampling, { cpuNs: 5, samples: 2, lost: 2, jitterP99Ms: 0.5 });
    assert.equal(await readFile(path.join(directory, 'out'), 'utf8'), 'out');
  });

  test('that speaks another version, or another language', async () => {
    await fails('GUEST_MISBEHAVED', [encodeFrame(HELLO, encodeStrings([PROTOCOL_VERSION + 1, 'x', ...GUEST_CHANNELS]))]);
    await fails('GUEST_MISBEHAVED', [encodeFrame(HELLO, encodeStrings([PROTOCOL_VERSION, 'x', 'cpuNs']))]);
    await fails('GUEST_MISBEHAVED', [ready]);
    await fails('GUEST_MISBEHAVED', [Buffer.from('GET / HTTP/1.1\r\n\r\n')]);
  });

  test('that says why it failed, and one that just leaves', async () => {
    await fails('START_FAILED', [hello], [encodeFrame(FAILED, encodeStrings(['no disk image']))]);
    await fails('VMM_FAILED', []);
    await fails('VMM_FAILED', [hello], [ready], [sample(0, 0)]);
  });

  test('that sends what it may not', async () => {
    for (const frame of [
      encodeFrame(STDOUT, Buffer.alloc(11)), encodeFrame(STDERR), note(1, 'a'), note(1, 'a', -1), note(1, 'a', ''), note('x'), encodeFrame(NOTE), note(1, ...Array.from({ length: 600 }, () => 1)), encodeFrame(99), ready, sample(5, Number.NaN), sample(-1, 0), sample(Number.POSITIVE_INFINITY, 0), encodeFrame(SAMPLE, Buffer.alloc(8)),
      encodeFrame(ENDED, encodeStrings([256, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), encodeFrame(ENDED, encodeStrings(['0'])),
    ]) await fails('GUEST_MISBEHAVED', [hello], [ready], [sample(0, 0), frame, encodeFrame(DONE)]);
  });

  test('that takes its time: at every step, and among its outputs both for silence and in all', async () => {
    const steps: [string, Buffer[], Buffer[], Buffer[], Partial<Patience>][] = [
      ['START_TIMEOUT', [hello.subarray(0, 7)], [], [], { bootMs: 20 }],
      ['START_TIMEOUT', [hello], [ready.subarray(0, 7)], [], { prepareMs: 20 }],
      ['START_TIMEOUT', [hello], [ready], [], { prepareMs: 20 }],
      ['VMM_SILENT', [hello], [ready], [sample(0, 0)], { endSlackMs: 20 - 604_000 }],
      ['VMM_SILENT', [hello], [ready], [sample(0, 0), ended], { outputSilenceMs: 20 }],
      ['VMM_SILENT', [hello], [ready], [sample(0, 0), ended], { outputsMs: -1e9 }],
    ];
    for (const [code, greeting, prepared, work, patience] of steps) await fails(code, greeting, prepared, work, patience);
  });

  test('whose frames are any, in any order: it ends in a result or a typed error', async () => {
    let seed = 7;
    const random = (below: number) => { seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0; return Math.floor(seed / 2 ** 32 * below); };
    const words = ['dir', 'file', 'link', 'none', 'outputs', '', 'a', 'a/b', '..', '1', '0', '-1', '1e9', 'x'.repeat(300), '\0'];
    const frames = [
      () => sample(random(50), random(9)), () => encodeFrame(STDOUT, Buffer.alloc(random(3))), () => ended, () => encodeFrame(DATA, Buffer.alloc(random(3))), () => encodeFrame(DONE), () => ready, () => hello,
      () => encodeFrame(ENTRY, encodeStrings(['dir', 'outputs', '', '493', 0])), () => encodeFrame(ENTRY, encodeStrings(['file', 'outputs', `f${random(4)}`, '420', random(3)])),
      () => encodeFrame(ENTRY, encodeStrings(Array.from({ length: 4 + random(3) }, () => words[random(words.length)]!))), () => encodeFrame(random(12), Buffer.alloc(random(20), random(256))),
    ];
    const endings = new Map<string, number>();
    for (let round = 0; round < 150; round++) {
      await rm(path.join(directory, 'outputs'), { recursive: true, force: true });
      // Mostly as far as the outputs, where most can be said.
      const work = [...(random(5) > 0 ? [sample(0, 0)] : []), ...(random(3) > 0 ? [ended] : []), ...Array.from({ length: random(12) }, () => frames[random(frames.length)]!())];
      const ending = await session([hello], [ready], work).then(() => 'result', (error: unknown) => {
        assert.ok(isError(error, 'GUEST_MISBEHAVED', 'VMM_FAILED', 'START_FAILED'), String(error));
        return error.code;
      });
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    }
    for (const ending of ['result', 'GUEST_MISBEHAVED', 'VMM_FAILED']) assert.ok(endings.get(ending)! >= 3, JSON.stringify([...endings]));
    assert.deepEqual((await readdir(directory)).sort(), ['err', 'out', 'outputs']);
  });
});

/** `stays`: it does not hang up when it has said all. */
async function play(guest: Duplex, greeting: Buffer[], prepared: Buffer[], work: Buffer[], stays: boolean): Promise<void> {
  guest.on('error', () => undefined);
  const say = (frames: Buffer[]) => { for (const frame of frames) guest.write(frame); };
  say(greeting);
  if (greeting.length === 0) guest.end();
  try {
    for await (const { type } of readFrames(guest)) {
      if (type === RUN) say(prepared);
      if (type === GO) {
        say(work);
        if (!stays) guest.end();
      }
    }
  } catch {
    // The host hung up.
  }
}
