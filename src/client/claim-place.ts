import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { claimName, type Claim } from './claim-name.ts';
import { MAX_CLIENT_PROCESSES } from './constants.ts';
import { ClientError } from './errors.ts';

/** Where one client process keeps what it cannot share. */
export interface Place extends Claim { dir: string }

/**
 * Claims a folder for this process's store and peer identity: several clients of one home may run at once, and share only the journal.
 * The first gets the home itself, the others a folder in it.
 *
 * @throws ClientError TOO_MANY_CLIENTS
 */
export async function claimPlace(home: string): Promise<Place> {
  for (let place = 0; place < MAX_CLIENT_PROCESSES; place++) {
    const claim = await claimName(home, String(place));
    if (claim === undefined) continue;
    const dir = place === 0 ? home : join(home, `process-${place}`);
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return { ...claim, dir };
  }
  throw new ClientError('TOO_MANY_CLIENTS', 'too many clients run at once', {
    details: `${MAX_CLIENT_PROCESSES} in ${home}`, hint: 'gadus run --detach does not stay; another GADUS_HOME is another client',
  });
}
