import { PassThrough, type Readable } from 'node:stream';

const HEADER_BYTES = 8;

/**
 * Parts the two streams that Docker sends over one connection: frames of a stream number (1 or 2), three zeros and the length as u32, big
 * endian. Both end with the connection; who reads one slowly slows both down.
 */
export function demultiplex(connection: Readable): { stdout: PassThrough; stderr: PassThrough } {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  void (async () => {
    let header = Buffer.alloc(0);
    let left = 0;
    let target = stdout;
    try {
      for await (let chunk of connection as AsyncIterable<Buffer>) {
        while (chunk.length > 0) {
          if (left === 0) {
            const taken = chunk.subarray(0, HEADER_BYTES - header.length);
            header = Buffer.concat([header, taken]);
            chunk = chunk.subarray(taken.length);
            if (header.length < HEADER_BYTES) break;
            target = header[0] === 2 ? stderr : stdout;
            left = header.readUInt32BE(4);
            header = Buffer.alloc(0);
            continue;
          }
          const part = chunk.subarray(0, left);
          chunk = chunk.subarray(part.length);
          left -= part.length;
          if (!target.write(part)) await new Promise((resolve) => { target.once('drain', resolve).once('close', resolve); });
        }
      }
    } catch {
      // A broken connection ends both, as its end does.
    }
    stdout.end();
    stderr.end();
  })();
  return { stdout, stderr };
}
