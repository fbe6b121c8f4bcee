import { Transform } from 'node:stream';

/** What the init of a container says between the job's own words. */
export interface Marks {
  /** The stream without the marks. */
  stream: Transform;
  ready: Promise<void>;
  exited: Promise<number>;
}

/** Longest mark after the word that a job cannot know: ` exit 255` and a line end. */
const MAX_MARK_BYTES = 16;

/**
 * Takes the init's marks out of a job's stderr: `WORD ready` and `WORD exit CODE`, each on a line. The word is random and the job never sees it,
 * so it can neither forge its end nor hide it.
 */
export function readMarks(word: string): Marks {
  const ready = Promise.withResolvers<void>();
  const exited = Promise.withResolvers<number>();
  const needle = Buffer.from(`${word} `);
  let pending = Buffer.alloc(0);
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      pending = Buffer.concat([pending, chunk]);
      for (;;) {
        const at = pending.indexOf(needle);
        if (at < 0) break;
        const end = pending.indexOf(0x0a, at);
        if (end < 0 && pending.length - at < needle.length + MAX_MARK_BYTES) {
          this.push(pending.subarray(0, at));
          pending = pending.subarray(at);
          return done();
        }
        const mark = pending.subarray(at + needle.length, end < 0 ? at + needle.length : end).toString('latin1');
        const code = /^exit (\d{1,3})$/.exec(mark)?.[1];
        if (mark === 'ready') ready.resolve();
        else if (code !== undefined) exited.resolve(Number(code));
        this.push(pending.subarray(0, at));
        pending = pending.subarray(end < 0 ? at + needle.length : end + 1);
      }
      // The beginning of a mark may be the end of what is here.
      const kept = tailOf(pending, needle);
      this.push(pending.subarray(0, pending.length - kept));
      pending = pending.subarray(pending.length - kept);
      done();
    },
    flush(done) {
      this.push(pending);
      done();
    },
  });
  return { stream, ready: ready.promise, exited: exited.promise };
}

/** Length of the longest end of `bytes` that `needle` begins with. */
function tailOf(bytes: Buffer, needle: Buffer): number {
  for (let length = Math.min(needle.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(needle.subarray(0, length))) return length;
  }
  return 0;
}
