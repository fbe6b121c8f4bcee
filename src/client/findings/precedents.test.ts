import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bytesToHex } from 'viem';
import { MIN_CLASS_RUNS, SKETCH_BYTES, SKETCH_VERSION } from '../../evidence/index.ts';
import { parseJobSpec } from '../../protocol/index.ts';
import { openJournal } from '../../storage/index.ts';
import { MAX_PRECEDENTS } from '../constants.ts';
import { classOf, Precedents, type PrecedentRecord } from './precedents.ts';

const spec = parseJobSpec({ command: ['wc', '/inputs/a'] });
const sketch = (level: number) => {
  const bytes = new Uint8Array(SKETCH_BYTES);
  bytes[0] = SKETCH_VERSION;
  new DataView(bytes.buffer).setUint16(1, level);
  return bytesToHex(bytes);
};

describe('Precedents', () => {
  let dir: string;
  before(async () => { dir = await mkdtemp(join(tmpdir(), 'gadus-precedents-')); });
  after(() => rm(dir, { recursive: true }));

  it('holds a run against earlier ones of the same work, across restarts', async () => {
    const open = async () => new Precedents(await openJournal<PrecedentRecord>(dir));
    const first = await open();
    assert.equal((await first.look(spec, sketch(5))).runs, 0);
    await first.add(spec, [sketch(1), sketch(2)]);
    await first.add(spec, [sketch(3)]);
    await first.flush();
    const again = await open();
    assert.deepEqual(await again.look(spec, sketch(2)), { runs: 3, alike: 3, p: 1 });
    assert.deepEqual(await again.look(spec, sketch(40_000)), { runs: 3, alike: 0, p: 0.25 });
    assert.equal((await again.look({ ...spec, command: ['wc', '/inputs/b'] }, sketch(5))).runs, 0);
  });

  it('forgets the oldest', async () => {
    const precedents = new Precedents(await openJournal<PrecedentRecord>(join(dir, 'many')));
    await precedents.add(spec, Array.from({ length: MAX_PRECEDENTS + 5 }, (_, i) => sketch(i)));
    assert.equal((await precedents.look(spec, sketch(0))).runs, MAX_PRECEDENTS);
  });

  it('loses nothing when another class of jobs comes between', async () => {
    const precedents = new Precedents(await openJournal<PrecedentRecord>(join(dir, 'between')));
    const other = { ...spec, command: ['wc', '/inputs/b'] };
    await precedents.add(spec, [sketch(1), sketch(2)]);
    await precedents.add(other, [sketch(3)]);
    await Promise.all([precedents.add(spec, [sketch(4)]), precedents.add(other, [sketch(5)])]);
    assert.deepEqual([(await precedents.look(spec, sketch(1))).runs, (await precedents.look(other, sketch(1))).runs], [3, 2]);
  });

  it('speaks up only where a run had no peers to compare with', async () => {
    const precedents = new Precedents(await openJournal<PrecedentRecord>(join(dir, 'notes')));
    const finding = (seat: number, agreed: boolean) => ({ seat, node: '0x00' as const, distances: [], agreed, reason: 'a reason' });
    const sketches = new Map([[0, sketch(1)], [1, sketch(2)], [2, sketch(40_000)]]);
    assert.deepEqual(await precedents.note(spec, [finding(0, true)], sketches), [finding(0, true)]);
    const compared = [finding(0, true), finding(1, true), finding(2, false)];
    assert.deepEqual(await precedents.note(spec, compared, sketches), compared);
    const [single] = await precedents.note(spec, [finding(1, true)], sketches);
    assert.deepEqual(single!.precedent, { runs: 2, alike: 2, p: 1 });
    assert.match(single!.reason, /2 of 2 earlier runs of this job look the same/);
    const [strange] = await precedents.note(spec, [finding(2, true)], sketches);
    assert.deepEqual(strange!.precedent, { runs: 2, alike: 0, p: 1 / 3 });
  });

  it('says of a majority that it is unlike the runs before it, and learns it all the same', async () => {
    const precedents = new Precedents(await openJournal<PrecedentRecord>(join(dir, 'strange')));
    await precedents.add(spec, Array.from({ length: MIN_CLASS_RUNS }, (_, i) => sketch(1000 + i)));
    const finding = (seat: number, agreed: boolean) => ({ seat, node: '0x00' as const, distances: [], agreed, reason: 'a reason' });
    const [usual, strange, deviating] = await precedents.note(spec, [finding(0, true), finding(1, true), finding(2, false)], new Map([[0, sketch(1002)], [1, sketch(3000)], [2, sketch(9000)]]));
    assert.deepEqual([usual, deviating], [finding(0, true), finding(2, false)]);
    assert.ok(strange!.agreed && strange!.precedent!.strangeness!.score > 1);
    assert.match(strange!.reason, /a reason; stranger beside 5 earlier runs than 99\.?\d* % of honest runs are: peak memory/);
    assert.equal((await precedents.look(spec, sketch(1000))).runs, MIN_CLASS_RUNS + 2);
  });

  it('tells classes by the work alone', () => {
    assert.equal(classOf(spec), classOf(parseJobSpec({ ...spec, name: 'other', verification: { replicas: 1 }, payment: { maxPrice: '5' } })));
    assert.notEqual(classOf(spec), classOf(parseJobSpec({ ...spec, image: 'debian' })));
  });
});
