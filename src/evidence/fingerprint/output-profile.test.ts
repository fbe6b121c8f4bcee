import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { isError } from '../../protocol/base/errors.ts';
import { PROFILE_BINS, PROFILE_CHUNK_BYTES, PROFILE_SEGMENTS } from '../constants.ts';
import { profileOutput } from './output-profile.ts';
import { validateProfile } from './validate-profile.ts';

describe('profileOutput', () => {
  let folder: string;
  let serial = 0;
  const file = async (bytes: Uint8Array): Promise<string> => {
    const path = join(folder, String(serial++));
    await writeFile(path, bytes);
    return path;
  };
  before(async () => { folder = await mkdtemp(join(tmpdir(), 'gadus-profile-')); });
  after(() => rm(folder, { recursive: true }));

  it('is all zeros for nothing, an empty file or no file', async () => {
    for (const files of [[], [await file(new Uint8Array())]]) {
      const profile = await profileOutput(files);
      assert.equal(profile.bytes, 0);
      assert.equal(profile.files, files.length);
      assert.ok(profile.entropy.every((bits) => bits === 0) && profile.histogram.every((share) => share === 0));
      validateProfile(profile);
    }
  });

  it('measures Shannon entropy and the high nibbles', async () => {
    const zeros = new Uint8Array(32_000);
    const half = zeros.map((_, i) => (i % 2 === 0 ? 0x00 : 0xf0));
    const profile = await profileOutput([await file(zeros), await file(half)]);
    assert.equal(profile.bytes, 64_000);
    assert.deepEqual([...profile.entropy], [...Array(16).fill(0), ...Array(16).fill(1)]);
    assert.deepEqual([...profile.histogram.subarray(31 * PROFILE_BINS)], [0.5, ...Array(14).fill(0), 0.5]);
    const noise = await profileOutput([await file(randomBytes(PROFILE_CHUNK_BYTES * 2 + 77))]);
    assert.ok(noise.entropy.every((bits) => bits > 7.99 && bits <= 8));
  });

  it('does not depend on where one file ends and the next begins, and agrees with a direct count', () => fc.assert(fc.asyncProperty(
    fc.uint8Array({ maxLength: 500 }), fc.nat(500), async (bytes, cut) => {
      const whole = await profileOutput([await file(bytes)]);
      const parts = await profileOutput([await file(bytes.subarray(0, cut)), await file(bytes.subarray(cut))]);
      assert.deepEqual({ ...parts, files: 1 }, whole);
      validateProfile(whole);
      const segment = bytes.subarray(Math.floor((bytes.length * 5) / PROFILE_SEGMENTS), Math.floor((bytes.length * 6) / PROFILE_SEGMENTS));
      const expected = [...new Set(segment)].reduce((bits, value) => {
        const p = segment.filter((byte) => byte === value).length / segment.length;
        return bits - p * Math.log2(p);
      }, 0);
      assert.ok(Math.abs(whole.entropy[5]! - expected) < 1e-9);
    },
  ), { numRuns: 50 }));

  it('refuses links, folders, pipes and what is missing, at once', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const link = join(folder, 'link');
    await symlink(await file(new Uint8Array(3)), link);
    for (const path of [pipe, link, folder, join(folder, 'missing')]) {
      await assert.rejects(profileOutput([path]), (error) => isError(error, 'OUTPUT_UNREADABLE'), path);
    }
  });

  it('stops when told to', async () => {
    const path = await file(new Uint8Array(100));
    await assert.rejects(profileOutput([path], { signal: AbortSignal.abort(new Error('enough')) }), /enough/);
  });
});
