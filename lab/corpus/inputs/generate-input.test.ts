import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import { TAR_FILES, generateInput, type InputShape } from './generate-input.ts';
import { FRAME_BYTES, IMAGE_WIDTH } from './pictures.ts';
import { LINE_BYTES, type RecordKind } from './records.ts';

const TEXT = Object.keys(LINE_BYTES) as RecordKind[];
const PACKED: InputShape['kind'][] = ['zip', 'gzip'];
const BINARY: InputShape['kind'][] = ['blob', 'image', 'film', 'audio', 'matrix', 'source', 'texts', 'sources', 'images'];
const KINDS = [...TEXT, ...PACKED, ...BINARY];
const BYTES = 600_000;
const differing = (a: Uint8Array, b: Uint8Array) => a.reduce((sum, byte, i) => sum + (byte === b[i] ? 0 : 1), 0);

for (const kind of KINDS) {
  // A film is cut by whole frames, a quarter of those bytes each.
  const bytes = kind === 'film' ? 20 * FRAME_BYTES : BYTES;
  const make = (seed: number, fraction?: number) => generateInput({ kind, bytes }, seed, fraction);
  const whole = make(1);

  test(`${kind}: the same seed gives the same bytes`, () => {
    assert.ok(Buffer.from(whole).equals(make(1)));
  });
  test(`${kind}: another seed gives other content of the same size`, () => {
    const other = make(2);
    if (PACKED.includes(kind)) assert.ok(Math.abs(other.length / whole.length - 1) < 0.02, `${other.length} and ${whole.length}`);
    else assert.equal(other.length, whole.length);
    assert.ok(differing(whole, other) > whole.length / 20);
  });
  test(`${kind}: a fraction keeps about that share of the bytes`, () => {
    for (const fraction of [0.5, 0.9]) {
      const share = make(1, fraction).length / whole.length;
      assert.ok(Math.abs(share - fraction) < 0.02, `${share}`);
    }
    assert.ok(make(1, 0.99).length < whole.length);
  });
}

test('a fraction leaves out one record at least', () => {
  // 40.7 frames, of which 99 % are 40.3.
  const [whole, most] = [1, 0.99].map((fraction) => generateInput({ kind: 'film', bytes: 6_000_000 }, 1, fraction).length / FRAME_BYTES);
  assert.deepEqual([whole, most], [40, 39]);
});

test('text is of the size asked for to the byte, in whole lines, and a fraction is its beginning', () => {
  for (const kind of TEXT) {
    const whole = Buffer.from(generateInput({ kind, bytes: BYTES }, 7)).toString('latin1');
    const half = Buffer.from(generateInput({ kind, bytes: BYTES }, 7, 0.5)).toString('latin1');
    assert.equal(whole.length, BYTES);
    assert.ok(whole.endsWith('\n') && half.endsWith('\n') && whole.startsWith(half));
    const line = BYTES / (whole.split('\n').length - 1);
    assert.ok(Math.abs(line / LINE_BYTES[kind] - 1) < 0.03, `${kind}: a line has ${line.toFixed(1)} bytes, the table says ${LINE_BYTES[kind]}`);
  }
});

test('every line of a table has every field, the last one too', () => {
  const lines = (kind: RecordKind) => Buffer.from(generateInput({ kind, bytes: 50_000 }, 3)).toString().trimEnd().split('\n');
  for (const line of lines('sales')) assert.equal(line.split(',').length, 13, line);
  for (const line of lines('features')) assert.ok(line.split(',').length === 8 && line.split(',').every((field) => Number.isFinite(Number(field))), line);
  for (const line of lines('edges')) assert.match(line, /^\d+ \d+$/);
  for (const line of lines('reads')) assert.match(line, /^r\d+\t0\tchr[1-5]\t\d+\t60\t100M\t\*\t0\t0\t[ACGT]{100}\t[?-H]{100}\tXN:Z:\w+$/);
  for (const line of lines('json')) assert.equal(typeof (JSON.parse(line) as { id: unknown }).id, 'string');
});

test('packed text unpacks to exactly the size asked for', () => {
  assert.equal(gunzipSync(generateInput({ kind: 'gzip', bytes: 100_000 }, 1)).length, 100_000);
  const zip = Buffer.from(generateInput({ kind: 'zip', bytes: 100_000 }, 1));
  assert.equal(zip.readUInt32LE(0), 0x04034b50);
  const start = 30 + zip.readUInt16LE(26);
  assert.equal(inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(18))).length, 100_000);
});

test('pictures, films and sound are of their format', () => {
  const image = Buffer.from(generateInput({ kind: 'image', bytes: BYTES }, 1));
  const header = `P6\n${IMAGE_WIDTH} ${Math.floor(BYTES / 3 / IMAGE_WIDTH)}\n255\n`;
  assert.ok(image.subarray(0, header.length).equals(Buffer.from(header)));
  assert.equal(image.length, header.length + 3 * IMAGE_WIDTH * Math.floor(BYTES / 3 / IMAGE_WIDTH));
  assert.equal(generateInput({ kind: 'film', bytes: BYTES }, 1).length % FRAME_BYTES, 0);
  const audio = Buffer.from(generateInput({ kind: 'audio', bytes: BYTES }, 1));
  assert.deepEqual([audio.toString('latin1', 0, 4), audio.readUInt32LE(4), audio.readUInt32LE(40)], ['RIFF', audio.length - 8, audio.length - 44]);
});

test('a tar of files is one that tar reads', () => {
  const list = execFileSync('tar', ['--list'], { input: generateInput({ kind: 'texts', bytes: BYTES }, 1) }).toString().trim().split('\n');
  assert.equal(list.length, TAR_FILES);
  assert.equal(list[7], 'part07.txt');
});
