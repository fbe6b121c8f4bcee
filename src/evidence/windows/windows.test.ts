import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { bytesToHex, keccak256, numberToHex, type Hex } from 'viem';
import { isError } from '../../protocol/base/errors.ts';
import type { Trace } from '../../protocol/trace/trace.ts';
import { anyTrace, runOutput, runProfile, runTrace } from '../test-support/run.ts';
import { checkResult } from './check-result.ts';
import { checkWindow } from './check-window.ts';
import { checkWritten } from './check-written.ts';
import { MAX_WINDOW_FILES, MIN_WINDOWS, MIN_WINDOW_SAMPLES, WINDOW_SAMPLES } from './constants.ts';
import { disagreement } from './disagreement.ts';
import { drawWindows, windowSeed } from './draw-windows.ts';
import { hashLeaf, merkleProof, merkleTree, verifyMerkleProof } from './merkle-tree.ts';
import { openWindow } from './open-window.ts';
import { outputHistory } from './output-history.ts';
import { decodeLeaf, encodeLeaf, type WindowLeaf } from './window-leaf.ts';
import { decodeWindowSource, encodeWindowSource } from './window-source-encoding.ts';
import { windowAt, windowCount, windowSamples, windowsOf, type WindowSource } from './windows-of.ts';

const source = (trace = runTrace({ samples: 801 })): WindowSource => ({ trace, output: runOutput(trace, runProfile()) });
const leavesOf = (of: WindowSource) => Array.from({ length: windowCount(of.trace.t.length) }, (_, index) => windowAt(of, index));
const isFalse = (run: () => unknown, details: RegExp) => assert.throws(run, (error) => (isError(error, 'WINDOW_FALSE') && details.test(error.message)) || assert.fail(String(error)));
const sha256 = (text: string): Hex => bytesToHex(createHash('sha256').update(text).digest());

describe('merkleTree', () => {
  const leaves = (n: number) => Array.from({ length: n }, (_, i) => hashLeaf(Uint8Array.of(i)));

  it('proves every leaf at its place and nowhere else, for any number of leaves', () => {
    for (let n = 1; n <= 20; n++) {
      const tree = merkleTree(leaves(n));
      for (let i = 0; i < n; i++) {
        const proof = merkleProof(tree, i);
        for (let at = 0; at <= n; at++) assert.equal(verifyMerkleProof(tree.root, leaves(n)[i]!, at, n, proof), at === i, `${i} of ${n} at ${at}`);
        assert.equal(verifyMerkleProof(tree.root, leaves(n)[i]!, i, n + 1, proof), false);
        assert.equal(verifyMerkleProof(tree.root, leaves(n)[i]!, i, n, [...proof, new Uint8Array(32)]), false);
      }
    }
  });

  it('does not take an inner node for a leaf', () => {
    const two = leaves(2);
    const joined = new Uint8Array([...two[0]!, ...two[1]!]);
    assert.notDeepEqual(merkleTree([hashLeaf(joined)]).root, merkleTree(two).root);
    assert.notDeepEqual(hashLeaf(joined), merkleTree(two).levels[1]![0]);
  });

  it('has the root that was written down', () => {
    assert.equal(bytesToHex(merkleTree(leaves(3)).root), '0xe08d29b70d0537ca9239c94966540c79fe62a3a50c5e491644e99d2a233b38b6');
  });
});

describe('drawWindows', () => {
  const seed = windowSeed({ secret: keccak256('0x01'), jobId: keccak256('0x02'), setDigest: keccak256('0x03') });

  it('draws different ones, ascending, and the last', () => fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 0, max: 8 }), (n, count, drawn) => {
    const indices = drawWindows(keccak256(numberToHex(n)), count, drawn);
    assert.equal(indices.length, Math.min(count, drawn + 1));
    assert.ok(indices.every((index, i) => index > (indices[i - 1] ?? -1) && index < count));
    assert.equal(indices.at(-1), count - 1);
  })));

  it('draws what was written down', () => assert.deepEqual(drawWindows(seed, 1000), [115, 288, 393, 564, 999]));

  it('draws every window about as often', () => {
    const times = Array.from({ length: 20 }, () => 0);
    for (let i = 0; i < 2000; i++) for (const index of drawWindows(keccak256(numberToHex(i)), 21).slice(0, -1)) times[index]!++;
    // 4 of 20 in 2,000 draws: 400 times each, with a standard deviation of 18.
    assert.ok(times.every((n) => n > 300 && n < 500), times.join(' '));
  });
});

describe('windowsOf', () => {
  it('opens every window, true to the trace, for every trace', () => fc.assert(fc.property(anyTrace, (trace) => {
    const of = source(trace);
    const windows = windowsOf(of);
    const leaves = Array.from({ length: windows.count }, (_, index) => checkWindow(openWindow(of, windows, index), { root: windows.root, trace, index }));
    assert.equal(leaves.reduce((sum, { t }) => sum + t.length, 0), trace.t.length);
    checkWritten(leaves, runProfile());
  }), { numRuns: 50 }));

  it('cuts short runs into many small windows, long ones into full ones', () => {
    for (const [samples, count] of [[1, 1], [2, 1], [5, 3], [20, 10], [120, 15], [800, 16], [10_000, 200]] as const) assert.equal(windowCount(samples), count, String(samples));
    for (let samples = 1; samples < 2000; samples++) {
      const each = windowSamples(samples);
      assert.ok(each >= MIN_WINDOW_SAMPLES && each <= WINDOW_SAMPLES);
      assert.ok((windowCount(samples) - 1) * each < samples && windowCount(samples) * each >= samples);
    }
  });

  it('comes out the same of what a node keeps', () => {
    const of = source();
    const again = decodeWindowSource(encodeWindowSource(of));
    assert.deepEqual(again, of);
    assert.equal(windowsOf(again).root, windowsOf(of).root);
  });

  it('has the root that was written down', () => assert.equal(windowsOf(source()).root, '0x94de0ad534dc76ced71f1c81773d8ffb5c5da653cfada2eaaec6a6561e3a9990'));

  it('says in each window what was written by its end, in the last one everything', () => {
    const leaves = leavesOf(source());
    const bytes = leaves.map(({ written }) => written![0]?.bytes ?? 0);
    assert.equal(leaves.length, 17);
    assert.ok(bytes.every((n, i) => n >= (bytes[i - 1] ?? 0)));
    assert.equal(bytes.at(-1), runProfile().bytes);
    assert.ok(bytes[7]! >= 400_000 && bytes[7]! <= 550_000, String(bytes[7]));
  });

  it('says nothing of an output that nobody could see, but in the end', () => {
    const of = source();
    of.output = { t: Float64Array.of(of.trace.t.at(-1)!), noted: false, files: [], others: { files: 1, bytes: 1_000_000 } };
    const leaves = leavesOf(of);
    assert.ok(leaves.slice(0, -1).every(({ written }) => written === null));
    checkWritten(leaves, runProfile());
  });
});

describe('checkWindow', () => {
  const of = source();
  const windows = windowsOf(of);
  const claim = { root: windows.root, trace: of.trace, index: 3 };

  it('refuses another window, another root, other samples', () => {
    isFalse(() => checkWindow(openWindow(of, windows, 4), claim), /not part/);
    isFalse(() => checkWindow(openWindow(of, windows, 3), { ...claim, root: keccak256('0x') }), /not part/);
    const other = (change: (trace: Trace) => void) => {
      const trace = structuredClone(of.trace);
      change(trace);
      return { ...claim, trace };
    };
    const at = 3 * WINDOW_SAMPLES + 7;
    isFalse(() => checkWindow(openWindow(of, windows, 3), other((trace) => { trace.t[at]! += 0.5; })), /times/);
    isFalse(() => checkWindow(openWindow(of, windows, 3), other((trace) => { trace.channels.readBytes![at]! += 1; })), /readBytes/);
    isFalse(() => checkWindow(openWindow(of, windows, 3), other((trace) => { delete trace.channels.readBytes; })), /channels/);
  });

  it('refuses any change of its bytes or its proof', () => {
    const opened = openWindow(of, windows, 3);
    fc.assert(fc.property(fc.nat(opened.leaf.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const leaf = opened.leaf.slice();
      leaf[at]! ^= flip;
      isFalse(() => checkWindow({ ...opened, leaf }, claim), /not part/);
    }), { numRuns: 200 });
    for (const proof of [[], opened.proof.slice(1), opened.proof.toReversed(), [...opened.proof, opened.proof[0]!]]) isFalse(() => checkWindow({ ...opened, proof }, claim), /not part/);
  });

  it('refuses bytes that are no window, though they were committed to', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (leaf) => {
    const trace = runTrace({ samples: 5 });
    const root = bytesToHex(merkleTree([hashLeaf(leaf)]).root);
    assert.throws(() => checkWindow({ leaf, proof: [] }, { root, trace, index: 0 }), (error) => isError(error, 'EVIDENCE_MALFORMED', 'WINDOW_FALSE') || assert.fail(String(error)));
  }), { numRuns: 300 }));

  it('decodes a damaged window to a window, or refuses it', () => {
    const bytes = encodeLeaf(windowAt(of, 3));
    fc.assert(fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), fc.boolean(), (at, flip, cut) => {
      const damaged = cut ? bytes.slice(0, at) : bytes.slice();
      if (!cut) damaged[at]! ^= flip;
      try {
        assert.ok(decodeLeaf(damaged).t.length <= WINDOW_SAMPLES);
      } catch (error) {
        assert.ok(isError(error, 'EVIDENCE_MALFORMED', 'EVIDENCE_TOO_LARGE'), String(error));
      }
    }), { numRuns: 500 });
  });
});

describe('checkWritten', () => {
  const damage = (change: (leaves: WindowLeaf[]) => void) => {
    const leaves = leavesOf(source());
    change(leaves);
    return () => checkWritten(leaves, runProfile());
  };

  it('refuses outputs that shrink, change or do not add up', () => {
    isFalse(damage((leaves) => { leaves[6]!.written![0]!.bytes = 1; }), /fewer than/);
    isFalse(damage((leaves) => { leaves[6]!.written = []; }), /0 bytes by window 6/);
    isFalse(damage((leaves) => { leaves[6]!.written = [{ ...leaves[5]!.written![0]!, hash: keccak256('0x') }]; leaves.splice(7, 3); }), /another hash/);
    isFalse(damage((leaves) => { leaves[6]!.written!.push(leaves[6]!.written![0]!); }), /twice/);
    isFalse(damage((leaves) => { leaves.at(-1)!.others!.bytes = 1; }), /1000001 bytes by the last window/);
    isFalse(damage((leaves) => { leaves.at(-1)!.others!.files = 1; }), /2 files by the last window/);
    isFalse(damage((leaves) => { leaves.pop(); }), /does not have the whole output/);
    isFalse(damage((leaves) => { leaves.length = 0; }), /does not have the whole output/);
  });
});

describe('outputs on disk', () => {
  let dir: string;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'gadus-windows-'));
    await writeFile(join(dir, 'a'), 'abcdefghij');
    await writeFile(join(dir, 'b'), 'replaced');
    await symlink(join(dir, 'a'), join(dir, 'link'));
  });
  after(() => rm(dir, { recursive: true }));
  const file = (path: string) => ({ path, source: join(dir, path) });

  it('hashes what each file had by then, by what lasted', async () => {
    const notes = { t: Float64Array.of(100, 200, 300, 400), files: [{ path: 'a', lengths: Float64Array.of(2, 2, 5, 10) }, { path: 'b', lengths: Float64Array.of(50, 0, 3, 90) }, { path: 'gone', lengths: Float64Array.of(1, 1, 1, 0) }] };
    const history = await outputHistory([file('b'), file('a')], notes, 450);
    assert.deepEqual(history.t, Float64Array.of(100, 300, 400, 450));
    assert.deepEqual(history.files.map(({ path, lengths }) => [path, ...lengths]), [['a', 2, 5, 10, 10], ['b', 0, 3, 8, 8]]);
    assert.deepEqual(history.files[0]!.hashes, [sha256('ab'), sha256('abcde'), sha256('abcdefghij'), sha256('abcdefghij')]);
    assert.equal(history.files[1]!.hashes[1], sha256('rep'));
  });

  it('counts files beyond its bound, and follows no link', async () => {
    const many = Array.from({ length: MAX_WINDOW_FILES + 3 }, (_, i) => ({ path: String(i).padStart(3, '0'), source: join(dir, 'a') }));
    const { files, others, noted } = await outputHistory(many, undefined, 10);
    assert.deepEqual([files.length, others, noted], [MAX_WINDOW_FILES, { files: 3, bytes: 30 }, false]);
    await assert.rejects(outputHistory([file('link')], undefined, 10), (error) => isError(error, 'OUTPUT_UNREADABLE'));
  });

  it('holds windows against the result: half an output cannot pass for the whole', async () => {
    const trace = runTrace({ samples: 120 });
    const notes = { t: Float64Array.of(900, 1900), files: [{ path: 'a', lengths: Float64Array.of(3, 6) }] };
    const leaves = leavesOf({ trace, output: await outputHistory([file('a')], notes, trace.t.at(-1)!) });
    assert.equal(leaves.length, MIN_WINDOWS - 1);
    assert.deepEqual([...new Set(leaves.map(({ written }) => written![0]?.bytes))], [undefined, 3, 6, 10]);
    await mkdir(join(dir, 'result'));
    const result = async (text: string) => {
      await writeFile(join(dir, 'result/a'), text);
      return new Map([['a', { source: join(dir, 'result/a'), bytes: text.length }]]);
    };
    await checkResult(leaves, await result('abcdefghij'));
    const refused = async (files: Parameters<typeof checkResult>[1], details: RegExp) => (
      assert.rejects(checkResult(leaves, files), (error) => (isError(error, 'WINDOW_FALSE') && details.test(error.message)) || assert.fail(String(error))));
    await refused(await result('abcdeFghij'), /first 6 bytes of its a are others/);
    await refused(await result('abcdefghijk'), /11 bytes, not 10/);
    await refused(new Map(), /no file a/);
  });

  it('tells apart two runs that cannot both have the identical result', async () => {
    const leaves = leavesOf(source());
    const half = structuredClone(leaves);
    half[4]!.written![0]!.hash = sha256('made up');
    assert.equal(disagreement(leaves, leavesOf(source())), undefined);
    assert.match(disagreement(leaves, half)!, /not those of the identical result/);
    half.at(-1)!.written![0]!.bytes--;
    assert.match(disagreement(leaves, half)!, /ends at 999999 bytes, not at 1000000/);
  });
});
