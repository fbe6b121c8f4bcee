import { lookup } from 'node:dns/promises';

/**
 * Looks up names, each once at a time: who asks for one that is being looked up waits for that answer. A lookup cannot be given up, and takes one of the few threads of this process
 * that wait for the system; a job could keep them all by asking for a slow name again and again.
 */
export function sharedLookups(resolve: (host: string) => Promise<string[]> = resolveHere): (host: string) => Promise<string[]> {
  const pending = new Map<string, Promise<string[]>>();
  return (host) => {
    const asked = pending.get(host) ?? resolve(host).finally(() => pending.delete(host));
    pending.set(host, asked);
    return asked;
  };
}

async function resolveHere(host: string): Promise<string[]> {
  return (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);
}
