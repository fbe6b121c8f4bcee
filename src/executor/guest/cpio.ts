/** One entry of an archive; directories need no entry of their own, `writeCpio` makes them. */
export interface CpioEntry {
  /** Relative path without `.` or `..`. */
  path: string;
  mode: number;
  data: Uint8Array;
}

const MAGIC = '070701';
const DIRECTORY = 0o040755;
const REGULAR = 0o100000;

/**
 * A cpio archive in the `newc` format, which the kernel unpacks as its initial root file system
 * (Documentation/driver-api/early-userspace/buffer-format.rst). The same entries give the same bytes: root owns all, times are 0.
 */
export function writeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts: Buffer[] = [];
  let inode = 0;
  const add = (path: string, mode: number, data: Uint8Array) => {
    const name = Buffer.from(`${path}\0`);
    // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
    const fields = [path === 'TRAILER!!!' ? 0 : ++inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
    const header = Buffer.from(MAGIC + fields.map((field) => field.toString(16).padStart(8, '0')).join(''));
    parts.push(padded(Buffer.concat([header, name])), padded(Buffer.from(data.buffer, data.byteOffset, data.length)));
  };
  const made = new Set<string>();
  for (const { path, mode, data } of entries) {
    const names = path.split('/');
    for (let depth = 1; depth < names.length; depth++) {
      const directory = names.slice(0, depth).join('/');
      if (made.has(directory)) continue;
      made.add(directory);
      add(directory, DIRECTORY, new Uint8Array(0));
    }
    add(path, REGULAR | mode, data);
  }
  add('TRAILER!!!', 0, new Uint8Array(0));
  return Buffer.concat(parts);
}

function padded(bytes: Buffer): Buffer {
  const gap = (4 - (bytes.length % 4)) % 4;
  return gap === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(gap)]);
}
