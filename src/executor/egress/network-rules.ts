import { formatEndpoint, parseEndpoint, type Endpoint, type JobSpec } from '../../protocol/index.ts';
import { ExecutorError } from '../errors.ts';
import type { Engine } from '../engine.ts';

/** What a node's operator lets jobs have of the network. */
export interface NetworkRules {
  /** `host:port`, `*.example.org:443` (every name below example.org), either part `*` for any. */
  allow: readonly string[];
  /** Most bytes of one job, both directions together. */
  maxBytes: number;
  /** Most connections of one job at a time. */
  maxConnections: number;
  /** Addresses of a name; the host's resolver when left out. */
  resolve?: (host: string) => Promise<string[]>;
  /** Whether a job may be connected to an address; `isReachable` when left out. For tests, whose servers are on this host. */
  mayReach?: (address: string) => boolean;
}

/** Whether an operator's patterns let a job reach a place. */
export function permits(patterns: readonly string[], { host, port }: Endpoint): boolean {
  return patterns.some((pattern) => {
    const { host: name, port: number } = splitPattern(pattern);
    return (number === '*' || Number(number) === port) && (name === '*' || name === host || (name.startsWith('*.') && host.endsWith(name.slice(1)) && host.length > name.length - 1));
  });
}

/** Whether a text is such a pattern. */
export function isNetworkPattern(pattern: string): boolean {
  const { host, port } = splitPattern(pattern);
  try {
    parseEndpoint(`${host === '*' ? 'x' : host.startsWith('*.') ? host.slice(2) : host.includes(':') ? `[${host}]` : host}:${port === '*' ? 1 : port}`);
    return true;
  } catch {
    return false;
  }
}

/**
 * The places a job may reach from here; none when it asks for none.
 *
 * @throws ExecutorError NETWORK_REFUSED
 */
export function grantedEndpoints({ network }: Pick<JobSpec, 'network'>, engine: Engine['name'], rules: NetworkRules | undefined): Endpoint[] {
  if (network === 'none') return [];
  const refused = (message: string, details: string, hint: string) => new ExecutorError('NETWORK_REFUSED', message, { details, hint });
  if (engine !== 'container' && engine !== 'microvm') throw refused(`the ${engine} engine gives jobs no network`, network.allow.join(', '), 'engines container and microvm run jobs with a network');
  if (rules === undefined) throw refused('this node gives jobs no network', network.allow.join(', '), 'its operator can set jobNetwork.allow');
  const endpoints = network.allow.map(parseEndpoint);
  const beyond = endpoints.filter((endpoint) => !permits(rules.allow, endpoint));
  if (beyond.length > 0) throw refused('this node does not let jobs reach that', beyond.map(formatEndpoint).join(', '), 'its operator can add it to jobNetwork.allow');
  return endpoints;
}

function splitPattern(pattern: string): { host: string; port: string } {
  const at = pattern.lastIndexOf(':');
  return { host: (at < 0 ? pattern : pattern.slice(0, at)).replace(/^\[(.*)\]$/, '$1').toLowerCase(), port: at < 0 ? '*' : pattern.slice(at + 1) };
}
