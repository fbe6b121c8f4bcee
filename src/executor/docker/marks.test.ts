import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { demultiplex } from './demultiplex.ts';
import { readMarks } from './marks.ts';

/** All ways to cut are too many: every length of pieces will do. */
async function through(stream: NodeJS.ReadWriteStream, bytes: Buffer, piece: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (let at = 0; at < bytes.length; at += piece) stream.write(bytes.subarray(at, at + piece));
  stream.end();
  await once(stream, 'end');
  return Buffer.concat(chunks);
}

test('marks are taken out wherever the stream is cut, and nothing else is', async () => {
  const word = 'w0rd-w0rd';
  const noise = `w0rd ready\nw0rd-w0r exit 3\nw0rd-w0rw0rd-w0rd\nexit 4\n${word}`;
  const bytes = Buffer.from(`${word} ready\nsome ${noise}words${word} exit 42\nafter${word}`);
  for (let piece = 1; piece <= bytes.length; piece++) {
    const marks = readMarks(word);
    assert.equal((await through(marks.stream, bytes, piece)).toString(), `some ${noise}wordsafter${word}`, String(piece));
    await marks.ready;
    assert.equal(await marks.exited, 42);
  }
});

test('a job that guesses ends nothing', async () => {
  const marks = readMarks(randomBytes(16).toString('hex'));
  const forged = Buffer.from(`${randomBytes(16).toString('hex')} exit 0\nexit 0\nready\n`);
  assert.ok(forged.equals(await through(marks.stream, forged, 7)));
  assert.equal(await Promise.race([marks.exited, Promise.resolve('nothing')]), 'nothing');
});

test('two streams are parted wherever their connection is cut', async () => {
  const frame = (stream: number, text: string) => Buffer.concat([Buffer.from([stream, 0, 0, 0]), Buffer.from(Uint32Array.of(Buffer.byteLength(text)).buffer).swap32(), Buffer.from(text)]);
  const bytes = Buffer.concat([frame(1, 'one '), frame(2, 'err '), frame(1, ''), frame(1, 'two'), frame(2, 'or')]);
  for (let piece = 1; piece <= bytes.length; piece++) {
    const connection = new PassThrough();
    const { stdout, stderr } = demultiplex(connection);
    for (let at = 0; at < bytes.length; at += piece) connection.write(bytes.subarray(at, at + piece));
    connection.end();
    const read = async (stream: PassThrough) => { let text = ''; for await (const chunk of stream) text += String(chunk); return text; };
    assert.deepEqual(await Promise.all([read(stdout), read(stderr)]), ['one two', 'err or'], String(piece));
  }
});
