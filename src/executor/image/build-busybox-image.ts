import { chmod, copyFile, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { which } from '../container/runtime.ts';
import { ExecutorError } from '../errors.ts';
import { runTool } from '../tool.ts';

/** Same bytes for the same files: sorted, no owners, no times, no format extensions with process ids. */
const TAR_FLAGS = ['--create', '--format=gnu', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner', '--no-acls', '--no-selinux', '--no-xattrs'];
const DIRECTORIES = ['bin', 'dev', 'etc', 'inputs', 'outputs', 'proc', 'root', 'sys', 'tmp', 'usr', 'work'];
const LINKS = { sbin: 'bin', 'usr/bin': '../bin', 'usr/sbin': '../bin' };
const PASSWD = 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/work:/bin/sh\n';
const GROUP = 'root:x:0:\nnogroup:x:65534:\n';

/**
 * Writes a small image, 2 MB: Debian's static busybox with a link for each of its programs. The same busybox gives the same
 * bytes, so all machines with one Debian release build an image of one CID.
 *
 * @throws ExecutorError TOOL_MISSING, TOOL_FAILED, ABORTED
 */
export async function buildBusyboxImage({ out, signal }: { out: string; signal?: AbortSignal }): Promise<void> {
  const busybox = which('busybox');
  if (busybox === undefined) throw new ExecutorError('TOOL_MISSING', 'busybox is not installed', { hint: 'apt-get install busybox-static' });
  const options = signal ? { signal } : {};
  const { stdout } = await runTool(busybox, ['--list'], options);
  const draft = await mkdtemp(`${path.resolve(out)}.draft-`);
  const root = path.join(draft, 'root');
  try {
    await mkdir(root);
    for (const name of DIRECTORIES) await mkdir(path.join(root, name));
    await copyFile(busybox, path.join(root, 'bin/busybox'));
    for (const applet of stdout.split('\n').filter((name) => name !== '' && name !== 'busybox')) {
      await symlink('busybox', path.join(root, 'bin', applet));
    }
    for (const [name, target] of Object.entries(LINKS)) await symlink(target, path.join(root, name));
    await writeFile(path.join(root, 'etc/passwd'), PASSWD);
    await writeFile(path.join(root, 'etc/group'), GROUP);
    // Modes do not depend on the caller's umask.
    for (const name of ['.', ...DIRECTORIES, 'bin/busybox']) await chmod(path.join(root, name), name === 'tmp' ? 0o1777 : 0o755);
    for (const name of ['etc/passwd', 'etc/group']) await chmod(path.join(root, name), 0o644);
    const tar = path.join(draft, 'image.tar');
    await runTool('tar', [...TAR_FLAGS, '--directory', root, '--file', tar, '.'], options);
    await rename(tar, out);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}
