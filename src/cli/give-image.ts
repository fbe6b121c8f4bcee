import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { callApi } from '../api/call-api.ts';
import { defaultProfilePath, writeProfile, type Profile } from '../client/profile.ts';
import type { Storage } from '../storage/index.ts';
import { loadProfile, withClient, type GlobalOptions } from './session.ts';

export interface GivenImage { name: string; cid: string; bytes: number }

/**
 * Gives an image to the nodes of the profile, or where it names none to the client's own store, from which nodes fetch it, and names it in the profile.
 *
 * @param make puts it at `out`, or says where it is
 * @param store the client's, where there is a client already
 */
export async function giveImage(
  command: Command, name: string, make: (out: string) => Promise<string | void>, { signal, store }: { signal: AbortSignal; store?: Storage },
): Promise<GivenImage> {
  const profile = await loadProfile(command);
  const dir = await mkdtemp(join(tmpdir(), 'gadus-image-'));
  try {
    const out = join(dir, 'image.tar');
    const path = await make(out) ?? out;
    const { cid, bytes } = await give(command, profile, path, { signal, ...(store && { store }) });
    // Read again: it may have taken a while, and others name images as well.
    const { images, ...now } = await loadProfile(command);
    await writeProfile(command.optsWithGlobals<GlobalOptions>().profile ?? defaultProfilePath(), { ...now, images: { ...images, [name]: cid } });
    return { name, cid, bytes };
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

async function give(command: Command, { apis }: Profile, path: string, { signal, store }: { signal: AbortSignal; store?: Storage }): Promise<{ cid: string; bytes: number }> {
  if (apis.length > 0) {
    const added = await Promise.all(apis.map((api) => callApi(api, 'POST', '/v1/data', { path }, { signal }))) as { cid: string; bytes: number }[];
    return added[0]!;
  }
  const add = async (storage: Storage) => {
    const { cid, bytes } = await storage.add(path, { signal });
    return { cid: cid.toString(), bytes };
  };
  return store === undefined ? withClient(command, ({ storage }) => add(storage)) : add(store);
}
