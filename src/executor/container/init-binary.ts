import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { ExecutorError } from '../errors.ts';
import { which } from './runtime.ts';

const PT_INTERP = 3;
const REMEDY = 'apt-get install busybox-static';

/**
 * A copy of the host's static busybox, or of the Linux one that GADUS_BUSYBOX names, that nobody but root may read (mode 0111), which is what keeps a job from looking
 * into its init. Its name makes it a shell.
 *
 * @throws ExecutorError TOOL_MISSING
 */
export function prepareInitBinary(directory: string): string {
  const source = process.env['GADUS_BUSYBOX'] ?? which('busybox');
  if (source === undefined) throw new ExecutorError('TOOL_MISSING', 'busybox is not installed', { hint: REMEDY });
  if (!isStaticElf(readFileSync(source))) throw new ExecutorError('TOOL_MISSING', 'busybox is not statically linked', { details: source, hint: REMEDY });
  const file = path.join(directory, 'sh');
  const { size, mtimeMs } = statSync(source);
  const present = statSync(file, { throwIfNoEntry: false });
  if (present?.size === size && present.mtimeMs >= mtimeMs && (present.mode & 0o777) === 0o111) return file;
  mkdirSync(directory, { recursive: true });
  const draft = path.join(directory, `.draft-${randomUUID()}`);
  try {
    copyFileSync(source, draft);
    chmodSync(draft, 0o111);
    renameSync(draft, file);
  } finally {
    rmSync(draft, { force: true });
  }
  return file;
}

/** True for a 64-bit little-endian ELF program without an interpreter (elf(5)). */
export function isStaticElf(bytes: Buffer): boolean {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f45_4c46 || bytes[4] !== 2 || bytes[5] !== 1) return false;
  const table = Number(bytes.readBigUInt64LE(32));
  const size = bytes.readUInt16LE(54);
  const count = bytes.readUInt16LE(56);
  for (let i = 0; i < count; i++) {
    const at = table + i * size;
    if (at + 4 > bytes.length || bytes.readUInt32LE(at) === PT_INTERP) return false;
  }
  return true;
}
