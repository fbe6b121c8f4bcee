import type { JobRecord } from '../client/index.ts';
import { short } from '../protocol/index.ts';

/** What the court was asked for about a job: checks, posted bids, convictions. */
export interface CourtReport {
  /** Chance of a check that a job of one replica was submitted with, 0 to 1. */
  auditChance?: number;
  /** Who had fresh nodes drawn, why, and what came of it. */
  widening?: { kind: 'audit' | 'panel'; caller: string; outcome: 'drawing' | 'drawn' | 'nobody drawn'; newcomers: string[] };
  /** Nodes whose bids stand on chain, which the draw could not leave out. */
  postedBids: string[];
  /** Nodes that lost their stake, and for what. */
  convicted: { node: string; why: 'equivocation' | 'false claim' }[];
}

/** Reads it from the job's events. */
export function courtReport({ events, request: { replicas }, auditBps }: JobRecord): CourtReport {
  const roster = events.flatMap((event) => (event.type === 'Assigned' || event.type === 'Widened' ? [event.roster] : [])).at(-1) ?? [];
  const nodeOf = (index: number): string => roster[index]?.node ?? '';
  const called = events.find((event) => event.type === 'WideningCalled');
  const widened = events.some(({ type }) => type === 'Widened');
  const lapsed = called !== undefined && !widened && events.slice(events.indexOf(called)).some(({ type }) => type === 'CommitmentsClosed');
  return {
    ...(replicas === 1 ? { auditChance: (auditBps ?? 0) / 10_000 } : {}),
    ...(called === undefined ? {} : { widening: {
      kind: called.audit ? 'audit' as const : 'panel' as const, caller: called.caller,
      outcome: widened ? 'drawn' as const : lapsed ? 'nobody drawn' as const : 'drawing' as const,
      newcomers: widened ? roster.slice(replicas).map(({ node }) => node) : [],
    } }),
    postedBids: [...new Set(events.flatMap((event) => (event.type === 'BidPosted' ? [event.bid.node] : [])))],
    convicted: events.flatMap((event): CourtReport['convicted'] => (
      event.type === 'EquivocationProven' ? [{ node: nodeOf(event.index), why: 'equivocation' }]
        : event.type === 'FalseClaimProven' ? [{ node: nodeOf(event.index), why: 'false claim' }] : [])),
  };
}

/** The same in plain words, a line each; none where there is nothing to tell. */
export function courtLines({ auditChance, widening, postedBids, convicted }: CourtReport): string[] {
  const chance = auditChance === undefined ? [] : [auditChance === 0 ? 'one replica, never checked: cheating pays (--audit auto checks as often as makes it lose)'
    : `one replica, checked with a chance of ${(auditChance * 100).toFixed(auditChance < 0.1 ? 1 : 0)} %`];
  const called = widening === undefined ? [] : [
    `${widening.kind === 'audit' ? 'the replica was drawn for a check' : `${short(widening.caller)} called fresh nodes to decide`}: ${
      widening.outcome === 'drawn' ? `${widening.newcomers.map(short).join(', ')} ran the job too` : widening.outcome === 'drawing' ? 'nodes are being drawn' : 'no nodes could be drawn'}`];
  const posted = postedBids.length === 0 ? [] : [`${postedBids.map(short).join(', ')} posted ${postedBids.length === 1 ? 'its bid' : 'their bids'} on chain`];
  return [...chance, ...called, ...posted, ...convicted.map(({ node, why }) => (
    `${short(node)} lost its stake: ${why === 'equivocation' ? 'it signed two statements that contradict each other' : 'it claimed to hold input that it did not hold'}`))];
}
