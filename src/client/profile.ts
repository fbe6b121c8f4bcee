import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { BaseError, messageOf } from '../protocol/index.ts';

export type ProfileErrorCode = 'PROFILE_MISSING' | 'PROFILE_INVALID';

/** Errors of finding one's way to a network. */
export class ProfileError extends BaseError<ProfileErrorCode> {
  override readonly name = 'ProfileError';
}

const hex = (bytes: number) => z.string().regex(new RegExp(`^0x[0-9a-fA-F]{${bytes * 2}}$`)).transform((text) => text as `0x${string}`);

const schema = z.strictObject({
  /** JSON-RPC endpoint of the chain. */
  rpcUrl: z.url(),
  scheduler: hex(20),
  coin: hex(20),
  /** Block to read the contract's history from. */
  deploymentBlock: z.number().int().nonnegative(),
  /** Peers to join the network by. */
  bootstrap: z.array(z.string()),
  /** Whether the network is private: loopback and LAN addresses count. */
  lan: z.boolean().default(false),
  /** Image names and their CIDs. */
  images: z.record(z.string(), z.string()).default({}),
  /** The client's key, or the path of a file that holds it. */
  key: hex(32).optional(),
  keyFile: z.string().optional(),
  /** HTTP APIs of nodes on this machine. */
  apis: z.array(z.strictObject({ url: z.url(), token: z.string() })).default([]),
  /** How often the chain is looked at, ms. */
  pollMs: z.number().int().positive().default(2000),
  /** Whether the endpoint takes JSON-RPC batches: fewer requests where it does. */
  batch: z.boolean().default(false),
  /** How long bids are gathered, ms. */
  bidWaitMs: z.number().int().nonnegative().optional(),
  /** Blocks after a draw's seed in which nodes may post bids that were left out. */
  bidBlocks: z.number().int().min(0).max(65_535).optional(),
  /** Let only as many nodes bid as a draw can look at: for networks of more than some dozens. Reads all registrations since deploymentBlock. */
  sortition: z.boolean().default(false),
  windows: z.strictObject({ assign: z.number(), commitMargin: z.number(), settle: z.number(), dispute: z.number() }).partial().optional(),
});

/** How to reach a network, and as whom: the one file a client needs. */
export type Profile = z.output<typeof schema>;

/** Folder of a person's Gadus state: `$GADUS_HOME`, or `~/.gadus`. */
export function gadusHome(): string {
  return process.env.GADUS_HOME ?? join(homedir(), '.gadus');
}

/** The profile in use where none is named. */
export function defaultProfilePath(): string {
  return process.env.GADUS_PROFILE ?? join(gadusHome(), 'profile.json');
}

/** Where a profile comes from. */
const PROFILE_HINT = 'gadus devnet writes one, and docs/operating-a-node.md says what is in it';

/** @throws ProfileError PROFILE_MISSING, PROFILE_INVALID */
export async function readProfile(path = defaultProfilePath()): Promise<Profile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    throw new ProfileError('PROFILE_MISSING', 'no network profile', {
      details: path, hint: 'start a local network with gadus devnet, or name a profile with --profile FILE', cause,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProfileError('PROFILE_INVALID', 'the network profile is not JSON', { details: `${path}: ${messageOf(cause)}`, cause, hint: PROFILE_HINT });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new ProfileError('PROFILE_INVALID', 'the network profile is not valid', {
    details: `${path}: ${result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`, hint: PROFILE_HINT,
  });
}

/** Writes a profile, readable by its owner alone (it may hold a key). */
export async function writeProfile(path: string, profile: Profile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, `${JSON.stringify(profile, null, 2)}\n`, { mode: 0o600 });
  await rename(`${path}.new`, path);
}
