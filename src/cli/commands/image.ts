import { copyFile, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { callApi } from '../../api/call-api.ts';
import { defaultProfilePath, writeProfile } from '../../client/profile.ts';
import { dim, print, say, table } from '../output.ts';
import { interruptSignal, loadProfile, type GlobalOptions } from '../session.ts';
import { UsageError } from '../usage-error.ts';

interface Options extends GlobalOptions { package?: string[] }

const collect = (value: string, list: string[] | undefined) => [...(list ?? []), ...value.split(',')];

/** `gadus image …`: file systems that jobs run in. */
export function registerImage(image: Command): void {
  image.addHelpText('after', '\nExample:\n  $ gadus image list');

  image.command('list').description('image names of the profile').addHelpText('after', '\nExample:\n  $ gadus image list')
    .action(async (_options: Options, command: Command) => {
      const { images } = await loadProfile(command);
      print(images, table(['name', 'cid'], Object.entries(images)), command.optsWithGlobals<Options>());
    });

  image.command('kernel').description('fetch the kernel and the parts of the guest that microVMs boot: Debian packages, unpacked and not installed')
    .addHelpText('after', '\nIn GADUS_HOME/guest, for all nodes of this machine. GADUS_KERNEL=/path/to/vmlinux uses another kernel with all drivers built in.\n\nExample:\n  $ gadus image kernel')
    .action(async (_options: Options, command: Command) => {
      const kernel = process.env['GADUS_KERNEL'];
      const { guestDir, prepareGuest } = await import('../../executor/index.ts');
      const guest = await prepareGuest({ dir: guestDir(), signal: interruptSignal(), onProgress: (line) => say(dim(line)), ...(kernel === undefined ? {} : { kernel }) });
      print(guest, `kernel  ${guest.kernel}\ninitrd  ${guest.initrd}`, command.optsWithGlobals<Options>());
    });

  image.command('build <name>').description('make an image, give it to the nodes of this machine, and name it in the profile')
    .option('-p, --package <NAME>', 'Debian package to install (repeatable); without any, the image is busybox', collect)
    .addHelpText('after', '\nExample:\n  $ gadus image build python --package python3-minimal\n  $ gadus run --image python -- python3 -c "print(2**100)"')
    .action(async (name: string, options: Options, command: Command) => {
      const { buildBusyboxImage, buildDebianImage } = await import('../../executor/index.ts');
      await publish(command, name, async (out, signal) => {
        if (options.package === undefined) await buildBusyboxImage({ out, signal });
        else await buildDebianImage({ packages: options.package, out, signal, onProgress: (line: string) => say(dim(line)) });
      });
    });

  image.command('pull <reference> [name]').description('fetch an image from a registry, give it to the nodes of this machine, and name it in the profile')
    .addHelpText('after', '\nCredentials are taken from where skopeo login and docker login leave them.\nExample:\n  $ gadus image pull debian:12-slim slim\n  $ gadus run --image slim -- cat /etc/os-release')
    .action(async (reference: string, name: string | undefined, _options: Options, command: Command) => {
      const { pullImage } = await import('../../executor/index.ts');
      await publish(command, name ?? defaultName(reference), (out, signal) => pullImage({ reference, out, signal, onProgress: (line) => say(dim(line)) }));
    });

  image.command('import <file> <name>').description('name an image from a file: a tar of a file system, an archive of an OCI layout or of docker save, or a WebAssembly module')
    .addHelpText('after', '\nExample:\n  $ docker save tool:1 -o tool.tar\n  $ gadus image import tool.tar tool')
    .action(async (file: string, name: string, _options: Options, command: Command) => {
      await publish(command, name, (out) => copyFile(file, out));
      if (await isModule(file)) say(dim(`a WebAssembly module: gadus run --engine wasm --image ${name} -- ${name} ARGUMENTS`));
    });
}

/** `\0asm`. */
const MODULE_MAGIC = Buffer.of(0, 0x61, 0x73, 0x6d);

async function isModule(file: string): Promise<boolean> {
  const handle = await open(file);
  try {
    const { buffer } = await handle.read(Buffer.alloc(MODULE_MAGIC.length), 0, MODULE_MAGIC.length, 0);
    return buffer.equals(MODULE_MAGIC);
  } finally {
    await handle.close();
  }
}

/** The last part of a reference without its tag. */
function defaultName(reference: string): string {
  return reference.split('@')[0]!.split('/').at(-1)!.split(':')[0]!;
}

/** Gives what `make` writes to all nodes of the profile, and names it there. */
async function publish(command: Command, name: string, make: (out: string, signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const options = command.optsWithGlobals<Options>();
  if (!/^[a-z0-9][a-z0-9._-]{0,60}$/.test(name)) throw new UsageError(`not an image name: ${name}`, 'lower-case letters, digits, dots and dashes');
  const signal = interruptSignal();
  const profile = await loadProfile(command);
  if (profile.apis.length === 0) throw new UsageError('the profile names no node to give the image to', 'add the API of your node to the profile');
  const dir = await mkdtemp(join(tmpdir(), 'gadus-image-'));
  try {
    const out = join(dir, 'image.tar');
    await make(out, signal);
    const added = await Promise.all(profile.apis.map((api) => callApi(api, 'POST', '/v1/data', { path: out }, { signal }))) as { cid: string; bytes: number }[];
    const { cid, bytes } = added[0]!;
    await writeProfile(options.profile ?? defaultProfilePath(), { ...profile, images: { ...profile.images, [name]: cid } });
    print({ name, cid, bytes }, `${name}  ${cid}`, options);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}
