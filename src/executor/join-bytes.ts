import path from 'node:path';

/** A name in a directory, as bytes: whoever made it may have given it one that is no text. */
export function joinBytes(directory: Buffer | string, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(directory as string), Buffer.from(path.sep), name]);
}
