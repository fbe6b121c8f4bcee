import { createClient, type Profile } from '../../src/client/index.ts';
import type { JobSpecInput } from '../../src/protocol/index.ts';
import { LONG_WINDOWS } from '../windows.ts';

/** What a client process of a test is told on its command line, as JSON. */
export interface ClientOrders {
  profile: Profile;
  key: `0x${string}`;
  dir: string;
  spec: JobSpecInput;
  /** Where it dies at once, as in a power cut: a stage of its progress, or `journalled`, before anything has left it. */
  dieAt: string;
}

/** Submits a job, and kills itself half-way. */
async function main({ profile, key, dir, spec, dieAt }: ClientOrders): Promise<void> {
  const die = (stage: string) => { if (stage === dieAt) process.kill(process.pid, 'SIGKILL'); };
  const { client } = await createClient(profile, { key, dir });
  const record = await client.submit(spec, { windows: LONG_WINDOWS, onProgress: ({ stage }) => die(stage) });
  die('journalled');
  await client.wait(record);
}

await main(JSON.parse(process.argv[2]!) as ClientOrders);
