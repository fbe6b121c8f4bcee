import { GATEWAY_FAILURES, GATEWAY_LIAR_TIMEOUT_MS, GATEWAY_REST_MS } from './constants.ts';

/** How HTTP hosts have served: who lied or fails is left alone for a while, who serves well and fast comes first. */
export interface Standings {
  /** Hosts that may be asked now, best first; of equals the order is kept. */
  order<T extends { host: string }>(hosts: readonly T[]): T[];
  served(host: string, bytes: number, ms: number): void;
  failed(host: string): void;
  lied(host: string): void;
}

interface Standing { bytes: number; ms: number; successes: number; failures: number; inARow: number; restsUntil: number }

/** @param now clock in ms, for tests */
export function createStandings({ now = () => performance.now(), liarMs = GATEWAY_LIAR_TIMEOUT_MS, restMs = GATEWAY_REST_MS } = {}): Standings {
  const known = new Map<string, Standing>();
  const of = (host: string): Standing => {
    let one = known.get(host);
    if (one === undefined) known.set(host, one = { bytes: 0, ms: 0, successes: 0, failures: 0, inARow: 0, restsUntil: 0 });
    return one;
  };
  /** Laplace's rule of succession, so that one failure does not outweigh many successes; the unknown stand in the middle. */
  const chance = ({ successes, failures }: Standing) => (successes + 1) / (successes + failures + 2);
  const rate = ({ bytes, ms }: Standing) => (ms === 0 ? 0 : bytes / ms);
  return {
    order: (hosts) => hosts.filter(({ host }) => of(host).restsUntil <= now())
      .sort((a, b) => chance(of(b.host)) - chance(of(a.host)) || rate(of(b.host)) - rate(of(a.host))),
    served(host, bytes, ms) {
      const one = of(host);
      one.successes++;
      one.inARow = 0;
      one.bytes += bytes;
      one.ms += ms;
    },
    failed(host) {
      const one = of(host);
      one.failures++;
      one.inARow++;
      if (one.inARow >= GATEWAY_FAILURES) one.restsUntil = now() + restMs;
    },
    lied(host) {
      const one = of(host);
      one.failures++;
      one.restsUntil = now() + liarMs;
    },
  };
}
