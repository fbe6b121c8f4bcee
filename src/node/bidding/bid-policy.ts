import { grantedEndpoints, type Engine, type NetworkRules } from '../../executor/index.ts';
import { METER_VERSION, POLICIES, messageOf, type JobRequest, type JobSpec } from '../../protocol/index.ts';
import { COMMIT_MARGIN_SECONDS } from '../constants.ts';
import { mismatch, type Hardware } from './hardware.ts';
import { machineNeeds } from './machine-needs.ts';
import type { Offer } from '../offer.ts';
import { longestRunMs } from '../shards/shards-at-once.ts';

/** What an operator is willing to do. */
export interface BidPolicy {
  /** Asked for one replica, coin units. */
  price: bigint;
  /** Lowest score of a client, basis points. */
  minClientScoreBps: number;
  /** Longest job, ms. */
  maxTimeoutMs: number;
  /** Bid only where every byte of image and inputs is here already. */
  localDataOnly: boolean;
  /** Fewest blocks in which a bid that the client leaves out can be posted. */
  minBidBlocks: number;
  /** What jobs may reach; nothing when left out. */
  network?: NetworkRules;
}

/** What a choice of engine looks at. */
export type OfferedEngine = Pick<Engine, 'name' | 'network' | 'takes'>;

export interface BidInputs {
  spec: JobSpec;
  request: JobRequest;
  policy: BidPolicy;
  offer: Offer;
  hardware: Hardware;
  engines: readonly OfferedEngine[];
  /** The client's score, basis points. */
  clientScore: number;
  /** This node's score, basis points. */
  ownScore: number;
  /** This node's free stake, coin units. */
  freeStake: bigint;
  /** Jobs this node already waits for or runs, and how many it accepts. */
  pending: number;
  maxPending: number;
}

/** Why a node will not bid, or undefined when it will. The request must say what the spec says: it is the request that pays. */
export function refusal(inputs: BidInputs): string | undefined {
  const { spec, request, policy, offer } = inputs;
  const { verification, payment, resources } = spec;
  if (verification.replicas !== request.replicas || POLICIES[request.policy] !== verification.policy
    || verification.minScoreBps !== request.minScore || BigInt(payment.maxPrice) !== request.maxPrice || BigInt(payment.stake) !== request.stake) {
    return 'the request on chain and the spec disagree';
  }
  const unlike = mismatch(spec.requires, inputs.hardware);
  if (unlike !== undefined) return unlike;
  if (request.bidBlocks < policy.minBidBlocks) return `leaves ${request.bidBlocks} blocks to post a bid in, this node wants ${policy.minBidBlocks}`;
  const engine = chooseEngine(spec, inputs.engines);
  if (engine === undefined) {
    const wanted = `${spec.engine} jobs${spec.isolation === undefined ? '' : ` with isolation ${spec.isolation}`}`;
    return chooseEngine({ ...spec, network: 'none' }, inputs.engines) === undefined ? `no engine here runs ${wanted}` : `no engine here gives ${wanted} a network`;
  }
  if (spec.meter !== undefined && spec.meter !== METER_VERSION) return `asks for counts of meter ${spec.meter}, this node has meter ${METER_VERSION}`;
  try {
    grantedEndpoints(spec, engine.name, policy.network);
  } catch (error) {
    return messageOf(error);
  }
  const needs = machineNeeds(engine, resources);
  if (resources.cpus > offer.cpus) return `asks for ${resources.cpus} CPUs, this node offers ${offer.cpus}`;
  if (needs.memoryBytes > offer.memoryBytes) return `needs ${needs.memoryBytes} bytes of memory in engine ${engine.name}, this node offers ${offer.memoryBytes}`;
  if (resources.diskBytes > offer.diskBytes) return `asks for ${resources.diskBytes} bytes of disk, this node offers ${offer.diskBytes}`;
  if (request.shards < 1 || (spec.shards === undefined && request.shards !== 1)) return 'the request on chain and the spec disagree';
  const longestMs = longestRunMs({ ...spec, resources: needs }, request.shards, offer);
  if (longestMs > policy.maxTimeoutMs) return `may run ${longestMs} ms, this node allows ${policy.maxTimeoutMs}`;
  if (request.commitWindow * 1000 < longestMs + COMMIT_MARGIN_SECONDS * 1000) return 'the commit window is shorter than the job may run';
  if (policy.price > request.maxPrice) return `pays at most ${request.maxPrice}, this node asks ${policy.price}`;
  if (inputs.clientScore < policy.minClientScoreBps) return `the client's score ${inputs.clientScore} is below ${policy.minClientScoreBps}`;
  if (inputs.ownScore < request.minScore) return `asks for a score of ${request.minScore}, this node has ${inputs.ownScore}`;
  if (inputs.freeStake < request.stake) return `asks for a stake of ${request.stake}, this node has ${inputs.freeStake} free`;
  if (inputs.pending >= inputs.maxPending) return `${inputs.pending} jobs are already waiting`;
  return undefined;
}

/**
 * The engine that would run the spec: the one it names, or for `auto` the first (strongest) of ours that takes images with a file system. Of those that can do
 * what the spec asks: two engines may have one name, and Docker's containers have no network.
 */
export function chooseEngine<E extends OfferedEngine>(spec: Pick<JobSpec, 'engine' | 'isolation' | 'network'>, engines: readonly E[]): E | undefined {
  const able = spec.network === 'none' ? engines : engines.filter(({ network }) => network === true);
  if (spec.engine === 'auto') return able.find(({ name }) => name === 'microvm' || (name === 'container' && spec.isolation !== 'vm'));
  return able.find(({ name }) => name === spec.engine);
}
