import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Hex } from 'viem';
import type { RunningClient } from '../client/index.ts';
import { gadusHome, readProfile, type Profile } from '../client/profile.ts';
import { abortable } from '../protocol/index.ts';
import { Interrupted } from './interrupted.ts';
import { dim, say } from './output.ts';
import { UsageError } from './usage-error.ts';

/** Options every command has. */
export interface GlobalOptions { json?: boolean; profile?: string; home?: string }

/** An abort signal that Ctrl-C and SIGTERM raise; a second Ctrl-C ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  let count = 0;
  const onSignal = () => {
    count++;
    if (count > 1) process.exit(130);
    if (process.stderr.isTTY) say(dim('\ncleaning up; Ctrl-C once more ends it at once'));
    controller.abort(new Interrupted());
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}

export function loadProfile(command: Command): Promise<Profile> {
  return readProfile(command.optsWithGlobals<GlobalOptions>().profile);
}

/** The client's key: `$GADUS_KEY`, else the profile's. */
export async function clientKey(profile: Profile): Promise<Hex> {
  const text = process.env.GADUS_KEY ?? profile.key ?? (profile.keyFile === undefined ? undefined : (await readFile(profile.keyFile, 'utf8')).trim());
  if (text === undefined || !/^(0x)?[0-9a-fA-F]{64}$/.test(text)) {
    throw new UsageError('no key to act with', 'set GADUS_KEY, or key or keyFile in the profile');
  }
  return (text.startsWith('0x') ? text : `0x${text}`) as Hex;
}

/** Runs a command with a started client, and stops the client whatever happens. */
export async function withClient<T>(command: Command, use: (running: RunningClient & { profile: Profile }, signal: AbortSignal) => Promise<T>): Promise<T> {
  const signal = interruptSignal();
  const profile = await loadProfile(command);
  // Not before it is needed: it is most of what there is to load.
  const { createClient } = await import('../client/index.ts');
  // An endpoint that does not answer is tried again for a while: who loses patience need not wait for that.
  const running = await abortable(createClient(profile, { key: await clientKey(profile), dir: join(gadusHome(), 'client') }), signal);
  try {
    return await use({ ...running, profile }, signal);
  } finally {
    await running.stop();
  }
}
