import type { CID } from 'multiformats/cid';
import type { Holdings } from '../retention/holdings.ts';

/** Makes the rule by which a gateway decides whether a DAG may be asked for by its root. */
export function allowRoots(holdings: Holdings, allow: 'results' | 'pinned' | 'all' = 'results'): (root: CID) => Promise<boolean> {
  if (allow === 'all') return async () => true;
  return async (root) => {
    const why = (await holdings.find(root))?.why;
    return allow === 'results' ? why === 'result' : why !== undefined && why !== 'fetched';
  };
}
