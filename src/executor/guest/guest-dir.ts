import { homedir } from 'node:os';
import path from 'node:path';

/** Where this user keeps the guest of microVMs, shared by all nodes of the machine: `guest` in GADUS_HOME. */
export function guestDir(env: Record<string, string | undefined> = process.env): string {
  return path.join(env['GADUS_HOME'] ?? path.join(homedir(), '.gadus'), 'guest');
}
