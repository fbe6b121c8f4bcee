import { copyFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { messageOf } from '../../protocol/base/errors.ts';
import { giveImage } from '../give-image.ts';
import { dim, print, progressBar, say, table } from '../output.ts';
import { interruptSignal, loadProfile, type GlobalOptions } from '../session.ts';
import { UsageError } from '../usage-error.ts';

interface Options extends GlobalOptions { package?: string[]; arch?: string }

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

  image.command('pull <reference> [name]').description('fetch an image by skopeo from a registry, or from Docker or Podman on this machine, give it to the nodes of this machine, and name it in the profile')
    .addOption(new Option('--arch <ARCH>', 'for machines of this architecture (default: this one\'s)').choices(['amd64', 'arm64']))
    .addHelpText('after', `
Credentials, their helpers and registries.conf are used as skopeo login and docker login leave them. In a network without a node on this machine the image
stays in the client's store, from which nodes fetch it.

Examples:
  $ gadus image pull debian:12-slim slim
  $ gadus run --image slim -- cat /etc/os-release
  $ gadus image pull docker-daemon:tool:1 tool
  $ gadus image pull containers-storage:localhost/tool tool`)
    .action(async (reference: string, name: string | undefined, options: Options, command: Command) => {
      const { parseSource, pullImage, hostPlatform } = await import('../../executor/index.ts');
      parseSource(reference);
      const bar = progressBar(options);
      await publish(command, name ?? defaultName(reference), async (out, signal) => {
        await pullImage({
          reference, out, signal, platform: { ...hostPlatform(), ...(options.arch !== undefined && { architecture: options.arch }) },
          onProgress: (progress) => bar({ ...progress, doing: reference }),
        });
      });
    });

  image.command('import <path> <name>').description('name an image from a file: a tar of a file system, an archive of an OCI layout or of docker save, or a WebAssembly module; or from the folder of an OCI layout')
    .addHelpText('after', '\nExamples:\n  $ docker save tool:1 -o tool.tar\n  $ gadus image import tool.tar tool\n  $ gadus image import layout/ tool')
    .action(async (path: string, name: string, _options: Options, command: Command) => {
      const { isModule, refuseNoImage } = await import('../../executor/index.ts');
      const folder = (await stat(path).catch((error: unknown) => { throw new UsageError(`cannot read the image's file: ${messageOf(error)}`, 'gadus image pull fetches one from a registry'); })).isDirectory();
      if (folder && !await stat(join(path, 'oci-layout')).then((found) => found.isFile(), () => false)) {
        throw new UsageError(`not an OCI layout: ${path}`, 'a root file system is imported as a tar: tar -C FOLDER -cf image.tar .');
      }
      await publish(command, name, folder ? () => Promise.resolve(resolve(path)) : async (out, signal) => {
        await refuseNoImage(path, { signal });
        await copyFile(path, out);
      });
      if (!folder && await isModule(path)) say(dim(`a WebAssembly module: gadus run --engine wasm --image ${name} -- ${name} ARGUMENTS`));
    });
}

/** Gives an image to where nodes have it from, and says its CID. */
async function publish(command: Command, name: string, make: (out: string, signal: AbortSignal) => Promise<string | void>): Promise<void> {
  if (!/^[a-z0-9][a-z0-9._-]{0,60}$/.test(name)) throw new UsageError(`not an image name: ${name}`, 'lower-case letters, digits, dots and dashes');
  const signal = interruptSignal();
  const given = await giveImage(command, name, (out) => make(out, signal), { signal });
  print(given, `${name}  ${given.cid}`, command.optsWithGlobals<Options>());
}

/** The last part of a reference without its tag. */
function defaultName(reference: string): string {
  return reference.replace(/^(docker-daemon|containers-storage):/, '').split('@')[0]!.split('/').at(-1)!.split(':')[0]!;
}
