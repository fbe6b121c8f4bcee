import type { Command } from 'commander';
import type { RunningClient } from '../client/index.ts';
import { giveImage } from './give-image.ts';
import { progressBar, say } from './output.ts';
import { loadProfile, type GlobalOptions } from './session.ts';

/** How an image is named that is fetched when it is first used. */
const ELSEWHERE = /^(docker:\/\/|docker-daemon:|containers-storage:)/;

/**
 * An image of a registry, or of another program's store, as a CID: fetched at first use, and from then on what its name means in the profile, until
 * `gadus image pull` fetches it again. Any other name is returned as it is. So a job's spec has a CID before it is hashed, and a node fetches nothing from registries.
 *
 * @throws ExecutorError as `pullImage`
 */
export async function fetchedImage(image: string, command: Command, { storage }: RunningClient, { arch, signal }: { arch?: string | undefined; signal: AbortSignal }): Promise<string> {
  if (!ELSEWHERE.test(image)) return image;
  const name = arch === undefined ? image : `${image}#${arch}`;
  const { images } = await loadProfile(command);
  const known = images[name];
  if (known !== undefined) return known;
  const { pullImage, hostPlatform } = await import('../executor/index.ts');
  const options = command.optsWithGlobals<GlobalOptions & { quiet?: boolean }>();
  const bar = progressBar(options);
  const platform = { ...hostPlatform(), ...(arch !== undefined && { architecture: arch }) };
  const { cid } = await giveImage(command, name, async (out) => {
    await pullImage({ reference: image, out, platform, signal, onProgress: (progress) => bar({ ...progress, doing: image }) });
  }, { signal, store: storage });
  if (options.quiet !== true && options.json !== true) say(`fetched ${image} as ${cid}`);
  return cid;
}
