import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { callApi } from '../../api/index.ts';
import { defaultProfilePath, writeProfile } from '../../client/index.ts';
import { buildBusyboxImage, buildDebianImage } from '../../executor/index.ts';
import { dim, print, say, table } from '../output.ts';
import { interruptSignal, loadProfile, UsageError, type GlobalOptions } from '../session.ts';

interface Options extends GlobalOptions { package?: string[] }

const collect = (value: string, list: string[] | undefined) => [...(list ?? []), ...value.split(',')];

/** `gadus image …`: file systems that jobs run in. */
export function registerImage(program: Command): void {
  const image = program.command('image').description('make and list the images that jobs run in').addHelpText('after', '\nExample:\n  $ gadus image list');

  image.command('list').description('image names of the profile').addHelpText('after', '\nExample:\n  $ gadus image list')
    .action(async (_options: Options, command: Command) => {
      const { images } = await loadProfile(command);
      print(images, table(['name', 'cid'], Object.entries(images)), command.optsWithGlobals<Options>());
    });

  image.command('build <name>').description('make an image, give it to the nodes of this machine, and name it in the profile')
    .option('-p, --package <NAME>', 'Debian package to install (repeatable); without any, the image is busybox', collect)
    .addHelpText('after', '\nExample:\n  $ gadus image build python --package python3-minimal\n  $ gadus run --image python -- python3 -c "print(2**100)"')
    .action(async (name: string, _options: Options, command: Command) => {
      const options = command.optsWithGlobals<Options>();
      if (!/^[a-z0-9][a-z0-9._-]{0,60}$/.test(name)) throw new UsageError(`not an image name: ${name}`, 'lower-case letters, digits, dots and dashes');
      const signal = interruptSignal();
      const profile = await loadProfile(command);
      if (profile.apis.length === 0) throw new UsageError('the profile names no node to give the image to', 'add the API of your node to the profile');
      const dir = await mkdtemp(join(tmpdir(), 'gadus-image-'));
      try {
        const out = join(dir, 'image.tar');
        if (options.package === undefined) await buildBusyboxImage({ out });
        else await buildDebianImage({ packages: options.package, out, signal, onProgress: (line: string) => say(dim(line)) });
        const added = await Promise.all(profile.apis.map((api) => callApi(api, 'POST', '/v1/data', { path: out }, { signal }))) as { cid: string; bytes: number }[];
        const { cid, bytes } = added[0]!;
        await writeProfile(options.profile ?? defaultProfilePath(), { ...profile, images: { ...profile.images, [name]: cid } });
        print({ name, cid, bytes }, `${name}  ${cid}`, options);
      } finally {
        await rm(dir, { recursive: true, force: true });
      }
    });
}
