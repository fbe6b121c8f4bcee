import assert from 'node:assert/strict';
import { mkdtemp, mkdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { duplexPair, type Duplex } from 'node:stream';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { isError, parseJobSpec } from '../../protocol/index.ts';
import { GUEST_CHANNELS, guestSession, type GuestOutcome } from './guest-session.ts';
import { DONE, ENDED, FAILED, GO, HELLO, READY, RUN, SAMPLE, STDERR, STDOUT, encodeFrame, encodeStrings, readFrames } from './wire.ts';

const hello = encodeFrame(HELLO, encodeStrings([1, '6.1\x1b[2J', ...GUEST_CHANNELS]));
const ready = encodeFrame(READY, encodeStrings([0, 1000, 10]));
const ended = encodeFrame(ENDED, encodeStrings([0, 0, 0, 0, 1, 5, 2, 0.5, 10, 990, 9]));
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
  const session = async (greeting: Buffer[], prepared: Buffer[] = [ready], work: Buffer[] = []): Promise<GuestOutcome> => {
    const [host, guest] = duplexPair();
    const outputsPath = path.join(directory, 'outputs');
    await mkdir(outputsPath, { recursive: true });
    const playing = play(guest, greeting, prepared, work);
    const spec = parseJobSpec({ command: ['x'], resources: { logBytes: 10 } });
    try {
      return await guestSession(host, { spec, sampleIntervalMs: 20, orders: [['arg', 'x']], stdoutPath: path.join(directory, 'out'), stderrPath: path.join(directory, 'err'), outputsPath });
    } finally {
      host.destroy();
      await playing;
    }
  };
  const fails = (code: string, ...guest: Parameters<typeof session>) => assert.rejects(session(...guest), (error) => isError(error, code), code);

  test('that keeps to the protocol', async () => {
    const outcome = await session([hello], [ready], [sample(0, 5), encodeFrame(STDOUT, Buffer.from('out')), sample(20, 7), encodeFrame(STDERR, Buffer.from('err')), ended, encodeFrame(DONE)]);
    assert.deepEqual([outcome.exitCode, outcome.timedOut, outcome.logBytes, outcome.release, outcome.notes], [0, false, 6, '6.1?[2J', ['stderr was cut at 10 bytes']]);
    assert.deepEqual([...outcome.t], [0, 20]);
    assert.deepEqual([...outcome.channels.cpuNs!], [0, 2]);
    assert.deepEqual(outcome.sampling, { cpuNs: 5, samples: 2, lost: 2, jitterP99Ms: 0.5 });
    assert.equal(await readFile(path.join(directory, 'out'), 'utf8'), 'out');
  });

  test('that speaks another version, or another language', async () => {
    await fails('GUEST_MISBEHAVED', [encodeFrame(HELLO, encodeStrings([2, 'x', ...GUEST_CHANNELS]))]);
    await fails('GUEST_MISBEHAVED', [encodeFrame(HELLO, encodeStrings([1, 'x', 'cpuNs']))]);
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
      encodeFrame(STDOUT, Buffer.alloc(11)), encodeFrame(99), ready, sample(5, Number.NaN), sample(-1, 0), sample(Number.POSITIVE_INFINITY, 0), encodeFrame(SAMPLE, Buffer.alloc(8)),
      encodeFrame(ENDED, encodeStrings([256, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])), encodeFrame(ENDED, encodeStrings(['0'])),
    ]) await fails('GUEST_MISBEHAVED', [hello], [ready], [sample(0, 0), frame, encodeFrame(DONE)]);
  });
});

async function play(guest: Duplex, greeting: Buffer[], prepared: Buffer[], work: Buffer[]): Promise<void> {
  guest.on('error', () => undefined);
  const say = (frames: Buffer[]) => { for (const frame of frames) guest.write(frame); };
  say(greeting);
  if (greeting.length === 0) guest.end();
  try {
    for await (const { type } of readFrames(guest)) {
      if (type === RUN) say(prepared);
      if (type === GO) {
        say(work);
        guest.end();
      }
    }
  } catch {
    // The host hung up.
  }
}
