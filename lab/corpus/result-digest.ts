import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';

/** SHA-256 over the result: each file's own digest in order, then the exit code. Equal results have equal digests, wherever they lie. */
export async function resultDigest(files: readonly string[], exitCode: number): Promise<`0x${string}`> {
  const whole = createHash('sha256');
  for (const file of files) {
    const one = createHash('sha256');
    for await (const chunk of createReadStream(file)) one.update(chunk as Uint8Array);
    whole.update(one.digest());
  }
  return `0x${whole.update(String(exitCode)).digest('hex')}`;
}
