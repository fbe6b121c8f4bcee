import * as dagPb from '@ipld/dag-pb';

/** Longest target, bytes: Linux's PATH_MAX. */
const MAX_TARGET_BYTES = 4096;

/**
 * Whether a symbolic link's target stays inside the tree it is in: relative, up first and then only down, and no further up than the
 * tree. A target that goes up again after a name might leave the tree by way of another link.
 *
 * @param depth folders between the tree's root and the link: 0 for a link in the root
 */
export function staysInside(target: string, depth: number): boolean {
  if (target === '' || target.startsWith('/') || target.includes('\0') || Buffer.byteLength(target) > MAX_TARGET_BYTES) return false;
  const parts = target.split('/').filter((part) => part !== '' && part !== '.');
  const ups = parts.findIndex((part) => part !== '..');
  const below = ups < 0 ? [] : parts.slice(ups);
  return (ups < 0 ? parts.length : ups) <= depth && !below.includes('..');
}

/** A UnixFS symbolic link as dag-pb: type 4, and the target as data (ipfs/specs, UnixFS). */
export function symlinkNode(target: string): Uint8Array {
  const data = new TextEncoder().encode(target);
  const length = data.length < 0x80 ? [data.length] : [(data.length & 0x7f) | 0x80, data.length >> 7];
  return dagPb.encode({ Data: Uint8Array.of(0x08, 4, 0x12, ...length, ...data), Links: [] });
}
