import { ExecutorError } from '../errors.ts';

/** Magic number of an LZ4 stream in the legacy format, little endian. */
const LZ4_LEGACY = Buffer.from([0x02, 0x21, 0x4c, 0x18]);
const ELF = Buffer.from('\x7fELF', 'latin1');
/** A block of the legacy format holds at most this much. */
const BLOCK_BYTES = 8 * 1024 ** 2;
/** Largest kernel accepted; Debian's are 50 to 60 MB. */
const MAX_KERNEL_BYTES = 512 * 1024 ** 2;

/**
 * The uncompressed kernel within a bzImage, which Firecracker needs and QEMU starts faster; an ELF file is returned as it is.
 * Debian compresses by LZ4, legacy format (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md#legacy-frame).
 *
 * @throws ExecutorError GUEST_INVALID
 */
export function extractVmlinux(image: Buffer): Buffer {
  if (image.subarray(0, 4).equals(ELF)) return image;
  for (let at = image.indexOf(LZ4_LEGACY); at >= 0; at = image.indexOf(LZ4_LEGACY, at + 1)) {
    const kernel = unpackLegacy(image, at + 4);
    if (kernel?.subarray(0, 4).equals(ELF)) return kernel;
  }
  throw new ExecutorError('GUEST_INVALID', 'not a kernel that can be started', {
    details: 'neither an ELF file nor a bzImage compressed by LZ4', hint: 'GADUS_KERNEL takes an uncompressed vmlinux',
  });
}

/** Undefined when the bytes turn out to be something else. */
function unpackLegacy(image: Buffer, start: number): Buffer | undefined {
  const blocks: Buffer[] = [];
  let total = 0;
  for (let at = start; at + 4 <= image.length;) {
    const size = image.readUInt32LE(at);
    at += 4;
    // What follows the last block is the length of the whole, and then code.
    if (size === 0 || size > BLOCK_BYTES + BLOCK_BYTES / 255 + 16 || at + size > image.length) break;
    const block = unpackLz4Block(image.subarray(at, at + size), BLOCK_BYTES);
    if (block === undefined) break;
    blocks.push(block);
    total += block.length;
    if (total > MAX_KERNEL_BYTES) return undefined;
    at += size;
    if (block.length < BLOCK_BYTES) break;
  }
  return blocks.length === 0 ? undefined : Buffer.concat(blocks);
}

/**
 * One LZ4 block of at most `limit` bytes unpacked; undefined when malformed
 * (https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md).
 */
export function unpackLz4Block(block: Uint8Array, limit: number): Buffer | undefined {
  const out = Buffer.alloc(limit);
  let at = 0;
  let length = 0;
  const extended = (nibble: number) => {
    let count = nibble;
    if (nibble === 15) {
      let byte;
      do {
        byte = block[at++] ?? 0;
        count += byte;
      } while (byte === 255);
    }
    return count;
  };
  while (at < block.length) {
    const token = block[at++]!;
    const literals = extended(token >> 4);
    if (at + literals > block.length || length + literals > limit) return undefined;
    out.set(block.subarray(at, at + literals), length);
    at += literals;
    length += literals;
    if (at === block.length) break;
    const offset = block[at]! | (block[at + 1] ?? 0) << 8;
    at += 2;
    const count = extended(token & 15) + 4;
    if (offset === 0 || offset > length || length + count > limit) return undefined;
    if (offset >= count) out.copyWithin(length, length - offset, length - offset + count);
    else for (let i = 0; i < count; i++) out[length + i] = out[length + i - offset]!;
    length += count;
  }
  return out.subarray(0, length);
}
