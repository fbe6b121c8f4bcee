import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { keccak256, numberToHex, stringToHex, toHex, zeroHash, type Address, type Hex } from 'viem';
import { isJobEvent, orderBids, signBid, signCommitment, signCommitmentSet, type Signer } from '../../../src/chain/index.ts';
import {
  commitmentOf, deadlineOf, drawableAfter, isFinal, jobIdOf, JOB_STATES, NO_CLAIM, openedShardOf, possessionOf, possessionPicks, possessionProofs, possessionRoot, reachFor, rosterHashOf, scoreBps, decay, secretHashOf, seedOf, setDigestOf,
  sketchProofOf, weightOf, withCommitments, type JobEvent, type JobRequest, type JobState, type Opening, type PossessionRoot, type Seat, type SignedBid,
} from '../../../src/protocol/index.ts';
import { actionOf, MOST_JOBS, moves, type Action, type Move } from './actions.ts';
import { startArena, type Arena, type Outcome } from './arena.ts';
import { CourtModel } from './court-model.ts';
import { has, majority, seatsIn, type Now, type Play as ModelPlay } from './play.ts';
import type { Account } from './purses.ts';
import type { Fault } from './ending.ts';

const COIN = 10n ** 18n;
const NODES = 8;
const PURSE = 60n * COIN;
const STAKE = 90n * COIN;
const GRAVE = '0x000000000000000000000000000000000000dEaD';
const SECRET = keccak256(stringToHex('secret'));
/** Every job of one replica is drawn for an audit by about every second commitment. */
const AUDIT_BPS = 5000;
/** What nodes may claim to hold: four chunks and a bit. */
const DATA = Uint8Array.from({ length: 4 * 2048 + 100 }, (_, i) => i * 7 + (i >> 11));
/** Bids within the reach of a job that has one, in the mean. */
const WITHIN_REACH = 4;
/** Of a claim that is made up. */
const LIE = `0x${'ab'.repeat(16)}` as const;

interface Play extends ModelPlay {
  /** Block of each draw's seed, and the bids that it was made of. */
  draws: { seedBlock: bigint; bids: readonly SignedBid[] }[];
}

/** How many sequences, and how long; CI's are a few seconds, scripts/nightly.sh asks for more. Seeded: a failure names its seed, to be given back. */
const RUNS = Number(process.env['GADUS_DIFFERENTIAL_RUNS'] ?? 16);
const LENGTH = Number(process.env['GADUS_DIFFERENTIAL_LENGTH'] ?? 100);
const SEED = Number(process.env['GADUS_DIFFERENTIAL_SEED'] ?? 20_260);

describe('the scheduler and its model in TypeScript', () => {
  let arena: Arena;
  before(async () => { arena = await startArena({ nodes: NODES, purse: PURSE, stake: STAKE }); });
  after(() => arena.stop());

  it('do the same, whatever is tried', { timeout: 60_000 + RUNS * 60_000 }, async () => {
    const seen = new Map<string, number>();
    await fc.assert(fc.asyncProperty(fc.noBias(moves(LENGTH)), async (sequence) => {
      await arena.reset();
      const court = new Session(arena, (what) => seen.set(what, (seen.get(what) ?? 0) + 1));
      await court.begin();
      const taken: string[] = [];
      for (const move of sequence) {
        const action = court.choose(move);
        taken.push(JSON.stringify(action));
        try {
          await court.take(action);
          await court.compare();
        } catch (error) {
          throw new Error(`${(error as Error).message}\nafter\n${taken.join('\n')}`, { cause: error });
        }
      }
    }), { numRuns: RUNS, seed: SEED, reporter: tell, endOnFailure: process.env['GADUS_DIFFERENTIAL_SHRINK'] === '0' });
    if (RUNS < 16 || LENGTH < 100) return;
    // Else nothing would have been compared.
    const often = ['assign done', 'commit done', 'settle done', 'contest done', 'open done', 'resolve done', 'postBids done', 'assign refused', 'resolve refused', 'postBids refused', 'proveFalseClaim refused'];
    const seldom = ['expire done', 'drawMore done', 'summon done', 'audit done', 'proveFalseClaim done', 'postBids late done', 'commitSet done', 'settleDirect done'];
    for (const what of RUNS < 200 ? often : [...often, ...seldom]) assert.ok((seen.get(what) ?? 0) > 0, `never ${what}: ${[...seen].map(([name, count]) => `${name} ${count}`).join(', ')}`);
    if (process.env['GADUS_DIFFERENTIAL_RUNS'] !== undefined) process.stdout.write(`${[...seen].toSorted().map(([name, count]) => `${name} ${count}`).join('\n')}\n`);
  });
});

/** The shortest sequence found that tells the two apart; not fast-check's whole account of it, which nobody could read. */
function tell({ failed, seed, counterexamplePath, errorInstance, numRuns }: fc.RunDetails<[Move[]]>): void {
  if (!failed) return;
  throw new Error(`seed ${seed}, path ${counterexamplePath}, after ${numRuns} sequences: ${(errorInstance as Error).message}`, { cause: errorInstance });
}

/** One sequence: what is tried is sent to the chain and put to the model. */
class Session {
  readonly #arena: Arena;
  readonly #seen: (what: string) => void;
  readonly #signers: Map<Address, Signer>;
  #model!: CourtModel;
  #data!: PossessionRoot;
  #nonce = 0n;

  constructor(arena: Arena, seen: (what: string) => void) {
    [this.#arena, this.#seen] = [arena, seen];
    this.#signers = new Map([arena.client, ...arena.nodes].map((signer) => [signer.address, signer]));
  }

  async begin(): Promise<void> {
    const views = await this.#arena.parties();
    const accounts = [this.#arena.client, ...this.#arena.nodes].map(({ address }, i): [Address, Account] => {
      const { free, locked, good, bad, day, since } = views[i]!;
      return [address, { free, locked, good, bad, day, since }];
    });
    this.#data = await possessionRoot([DATA]);
    this.#model = new CourtModel(this.#arena.client.address, new Map(accounts));
  }

  choose(move: Move): Action {
    const live = this.#model.plays.flatMap(({ state }, job) => (isFinal(state) ? [] : [{ job, state: state.state }]));
    return actionOf(move, live, this.#model.plays.length);
  }

  /** Sends it, and holds the outcome against what the model says may happen. */
  async take(action: Action): Promise<void> {
    if (action.do === 'wait') return this.#arena.wait(action.seconds);
    if (action.do === 'submit') return this.#submit(action);
    if (action.do === 'deposit' || action.do === 'withdraw') return this.#move(action);
    const play = this.#model.plays[action.job] as Play | undefined;
    if (play === undefined) return undefined;
    if (action.do === 'outwait') {
      const deadline = deadlineOf(play.state);
      return deadline === undefined ? undefined : this.#arena.until(deadline + 1);
    }
    if (action.do === 'ready') return this.#ready(play.state);
    return this.#step(play, action);
  }

  async #ready(state: JobState): Promise<void> {
    if (state.state !== 'Open' && state.state !== 'Widening') return;
    const { block, time } = state.state === 'Widening' ? drawableAfter(state) : { block: state.seedBlock + BigInt(state.request.bidBlocks), time: 0 };
    while (await this.#arena.blockHash(block) === undefined) await this.#arena.wait(1);
    if (this.#arena.now() < time) await this.#arena.until(time);
  }

  /** The chain's word on everybody and everything against the model's. */
  async compare(): Promise<void> {
    const [views, scores, held, burnt, ...jobs] = await Promise.all([
      this.#arena.parties(), this.#arena.scores(), this.#arena.coinOf(this.#arena.court.scheduler), this.#arena.coinOf(GRAVE), ...this.#model.plays.map(({ jobId }) => this.#arena.job(jobId)),
    ]);
    for (const [i, [address, account]] of [...this.#model.accounts].entries()) {
      const { free, locked, good, bad, day, since } = views[i]!;
      assert.deepEqual({ free, locked, good, bad, day, since }, account, `${i === 0 ? 'client' : `node ${i - 1}`}`);
      assert.equal(Number(scores[i]), scoreBps(decay(account, Math.floor(this.#arena.now() / 86_400))), `score of ${address}`);
    }
    assert.equal(held, this.#model.total(), `every coin held is somebody's`);
    assert.equal(burnt, this.#model.burnt, `burnt`);
    for (const [i, play] of this.#model.plays.entries()) {
      const { state, since, committed, agreed, opened, contested, equivocated, shard, posted, rosterHash } = jobs[i]!;
      assert.deepEqual(
        { state: JOB_STATES[state as number], since: Number(since), posted, ...pick(play.state, { committed, agreed, opened, contested, equivocated, shard, rosterHash }) },
        { state: play.state.state, since: play.state.since, posted: play.kept.length, ...wordOf(play.state) }, `job ${i}`,
      );
    }
  }

  #now: Now = { at: 0, number: 0n };

  async #send(from: Address, name: string, args: readonly unknown[], may: (now: Now) => boolean | Promise<boolean>, told = name): Promise<Outcome> {
    const outcome = await this.#arena.send(from, name, args);
    this.#now = outcome;
    const allowed = await may(outcome);
    assert.equal(outcome.ok, allowed, `${told}: the contract ${outcome.ok ? 'did' : 'refused'} it, the model says it ${allowed ? 'may' : 'may not'}`);
    this.#seen(`${told} ${outcome.ok ? 'done' : 'refused'}`);
    return outcome;
  }

  async #submit({ replicas, policy, price, stake, terms }: Extract<Action, { do: 'submit' }>): Promise<void> {
    if (this.#model.plays.length === MOST_JOBS) return;
    const maxPrice = BigInt(price) * COIN + BigInt(price === 0 ? 0 : 7);
    const request: JobRequest = {
      client: this.#model.client, nonce: ++this.#nonce, specDigest: keccak256(numberToHex(this.#nonce)), replicas, policy, maxPrice, stake: BigInt(2 + 3 * stake) * COIN + 1n, minScore: stake === 4 ? 240 : 0,
      assignWindow: 800, commitWindow: 400, settleWindow: 200, disputeWindow: 100, sealKey: zeroHash, secretHash: secretHashOf(SECRET, AUDIT_BPS),
      bidBlocks: [0, 0, 3, 8][terms % 4]!, shards: [1, 1, 1, 3][(terms >> 2) % 4]!, reach: 0n, ...((terms >> 4) % 2 === 0 ? { dataRoot: zeroHash, dataBytes: 0n } : this.#data),
    };
    if ((terms >> 5) % 4 === 0) {
      const one = weightOf({ node: this.#model.client, stake: STAKE, score: 250, locality: 0, price: maxPrice }, maxPrice);
      request.reach = reachFor(BigInt(NODES) * one, WITHIN_REACH);
    }
    const { ok, events } = await this.#send(this.#model.client, 'submit', [request, '0x'], () => this.#model.maySubmit(request));
    if (!ok) return;
    const play: Play = { jobId: jobIdOf(this.#arena.court, request), state: undefined as unknown as JobState, openings: new Map<number, Opening>(), kept: [], draws: [] };
    this.#model.plays.push(play);
    this.#follow(play, events);
  }

  async #move({ do: name, who, amount }: Extract<Action, { do: 'deposit' | 'withdraw' }>): Promise<void> {
    const address = [...this.#model.accounts.keys()][who % this.#model.accounts.size]!;
    const account = this.#model.account(address);
    const asNode = address !== this.#model.client;
    const value = BigInt(amount) * COIN;
    if (name === 'withdraw') {
      const { ok } = await this.#send(address, 'withdraw', [asNode, address, value], () => account.free >= value);
      if (ok) account.free -= value;
      return;
    }
    const [call, args] = asNode ? ['register', [value, '0x']] as const : ['fund', [address, value]] as const;
    const { at } = await this.#send(address, call, args, () => true);
    account.free += value;
    if (asNode && amount > 0) account.since = at;
  }

  async #step(play: Play, action: Exclude<Action, { do: 'submit' | 'deposit' | 'withdraw' | 'wait' | 'outwait' | 'ready' }>): Promise<void> {
    const { state } = play;
    const { request } = state;
    const { client } = this.#model;
    const roster = 'roster' in state ? state.roster : [];
    const seats = roster.map(({ node, price }) => ({ node, price }));
    const before = { ...play, openings: new Map(play.openings) };
    switch (action.do) {
      case 'assign': case 'drawMore': {
        const bids = await this.#bids(play, action, action.amended);
        let drawn: Seat[] | undefined;
        const may = async (now: Now) => {
          if ((action.do === 'assign') !== (state.state === 'Open')) return false;
          drawn = this.#model.draw(play, bids, now, await this.#seedOf(play) ?? zeroHash);
          return drawn !== undefined;
        };
        const { ok, events } = await this.#send(client, action.do, action.do === 'assign' ? [request, bids, '0x'] : [request, seats, bids], may);
        if (!ok) return;
        play.draws.push({ seedBlock: (state as Extract<JobState, { state: 'Open' | 'Widening' }>).seedBlock, bids });
        this.#follow(play, events);
        assert.ok('roster' in play.state);
        assert.deepEqual(play.state.roster.slice(action.do === 'assign' ? 0 : request.replicas).map(({ node, price }) => ({ node, price })), drawn, 'the draw');
        return;
      }
      case 'postBids': {
        const bids = await this.#bids(play, action, true);
        let kept: ReturnType<CourtModel['post']>;
        const { ok, events } = await this.#send(client, 'postBids', [request, state.state === 'Widening' ? seats : [], bids], async (now) => {
          kept = this.#model.post(play, bids, now, await this.#seedOf(play) ?? zeroHash);
          return kept !== undefined;
        });
        if (!ok) return;
        assert.deepEqual(events.flatMap((event) => (event.type === 'BidPosted' ? [{ node: event.bid.node, key: event.key }] : [])), kept!.told, 'bids that are kept');
        if (kept!.late && kept!.told.length > 0) this.#seen('postBids late done');
        this.#model.keep(play, kept!.kept);
        this.#follow(play, events);
        return;
      }
      case 'commit': {
        const openings = seatsIn(action.mask & ((1 << roster.length) - 1)).map((index) => ({ index, opening: this.#opening(play, index, has(action.tones, index)) }));
        const commitments = await Promise.all(openings.map(async ({ index, opening }) => {
          const statement = { jobId: play.jobId, node: roster[index]!.node, commitment: commitmentOf(play.jobId, roster[index]!.node, opening) };
          return { index, commitment: statement.commitment, signature: await signCommitment(this.#signers.get(statement.node)!, this.#arena.court, statement) };
        }));
        const { ok, events } = await this.#send(client, 'commit', [request, seats, commitments], (now) => this.#model.mayCommit(before, commitments, now));
        if (!ok) return;
        for (const { index, opening } of openings) play.openings.set(index, opening);
        this.#follow(play, events);
        return;
      }
      case 'commitSet': case 'settleDirect': {
        const openings = roster.map((_, index) => this.#opening(play, index, has(action.tones, index)));
        const set = openings.map((opening, index) => commitmentOf(play.jobId, roster[index]!.node, opening));
        const whole = withCommitments(seats, set);
        const signatures = await Promise.all(whole.map(({ node }) => signCommitmentSet(this.#signers.get(node)!, this.#arena.court, { jobId: play.jobId, setDigest: setDigestOf(whole) })));
        const kept = roster.length === request.replicas || set.every((commitment, index) => index >= request.replicas || commitment === roster[index]!.commitment);
        const agreed = action.do === 'settleDirect' ? action.agreed & ((1 << roster.length) - 1) : 0;
        const shard = action.do === 'settleDirect' && request.shards > 1 ? action.shard : 0;
        const { ok, events, at } = action.do === 'commitSet'
          ? await this.#send(client, 'commitSet', [request, whole, state.state === 'Committed' ? roster.map(({ commitment }) => commitment) : [], signatures], (now) => this.#model.mayCommitSet(before, kept, now))
          : await this.#send(client, 'settleDirect', [request, whole, signatures, agreed, shard, zeroHash, '0x'], (now) => this.#model.maySettleDirect(before, agreed, shard, kept, now));
        if (!ok) return;
        openings.forEach((opening, index) => play.openings.set(index, opening));
        this.#follow(play, events, { agreed, fault: 'none', at });
        return;
      }
      case 'settle': {
        const agreed = action.agreed & ((1 << Math.max(1, roster.length)) - 1);
        const shard = request.shards > 1 ? action.shard : 0;
        const { ok, events, at } = await this.#send(client, 'settle', [request, roster, agreed, shard, zeroHash, '0x'], (now) => this.#model.maySettle(before, agreed, shard, now));
        if (ok) this.#follow(play, events, { agreed, fault: 'none', at });
        return;
      }
      case 'prove': {
        const index = action.seat % Math.max(1, roster.length);
        const seat = roster[index];
        const pledges = await Promise.all(['one', 'another'].map(async (name) => {
          const commitment = keccak256(stringToHex(name));
          const node = seat?.node ?? this.#arena.nodes[0]!.address;
          return { isSet: false, commitments: [commitment], signature: await signCommitment(this.#signers.get(node)!, this.#arena.court, { jobId: play.jobId, node, commitment }) };
        }));
        const { ok, events } = await this.#send(client, 'proveEquivocation', [request, roster, index, ...pledges], () => this.#model.mayProve(before, index));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'disprove': {
        const index = action.seat % Math.max(1, roster.length);
        const { seedBlock, bids } = play.draws[index < request.replicas ? 0 : 1] ?? { seedBlock: 0n, bids: [] };
        const node = roster[index]?.node ?? this.#arena.nodes[0]!.address;
        const bid = bids.find((one) => one.node === node) ?? { node, price: 0n, locality: 0, ...NO_CLAIM, signature: '0x' as Hex };
        const { chunks, proofs } = await possessionProofs([DATA], possessionPicks(seedOf((await this.#arena.blockHash(seedBlock))!, play.jobId), BigInt(DATA.length)));
        const right = possessionOf(chunks, node);
        const { ok, events } = await this.#send(client, 'proveFalseClaim', [request, roster, index, bid, chunks.map((chunk) => toHex(chunk)), proofs], () => this.#model.mayDisprove(before, index, bid, right));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'contest': {
        const index = action.seat % Math.max(1, roster.length);
        const opening = this.#openings(play, 1 << index)[0] ?? this.#shown(play, this.#opening(play, index, false));
        const { ok, events } = await this.#send(roster[index]?.node ?? client, 'contest', [request, roster, { index, ...opening }, '0x'], (now) => this.#model.mayContest(before, index, now));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'open': {
        const chosen = seatsIn(action.mask & ((1 << roster.length) - 1));
        const openings = chosen.map((index) => ({ index, ...this.#shown(play, play.openings.get(index) ?? this.#opening(play, index, false)) }));
        const { ok, events } = await this.#send(client, 'open', [request, roster, openings], (now) => this.#model.mayOpen(before, chosen, now));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'resolve': {
        const { ok, events, at } = await this.#send(client, 'resolve', [request, roster, this.#openings(play, 'opened' in state ? state.opened : 0)], (now) => this.#model.mayResolve(before, now));
        if (!ok) return;
        const equivocated = 'equivocated' in state ? state.equivocated ?? 0 : 0;
        const own = majority(before) & ~equivocated;
        const verdict = 'agreed' in state ? state.agreed : 0;
        if (state.state === 'Contestable') this.#follow(play, events, { agreed: verdict, fault: 'none', at });
        else this.#follow(play, events, { agreed: own, fault: state.state === 'Committed' ? 'silent' : (own & ~verdict) !== 0 ? 'lost' : 'none', at, undecided: own === 0 });
        return;
      }
      case 'audit': {
        const { ok, events } = await this.#send(client, 'audit', [request, roster, SECRET, AUDIT_BPS, '0x'], (now) => this.#model.mayAudit(before, SECRET, AUDIT_BPS, now));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'summon': {
        const caller = [client, ...seats.map(({ node }) => node)][action.caller % (1 + roster.length)]!;
        const openings = this.#openings(play, 'opened' in state ? state.opened : 0);
        const { ok, events } = await this.#send(caller, 'summon', [request, roster, openings, caller, '0x'], (now) => this.#model.maySummon(before, caller, now));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'expire': {
        const { ok, events } = await this.#send(client, 'expire', [request, state.state === 'Open' ? [] : seats], (now) => this.#model.mayExpire(before, now));
        if (ok) this.#follow(play, events);
        return;
      }
      case 'cancel': {
        const { ok, events } = await this.#send(client, 'cancel', [request, '0x'], () => state.state === 'Open');
        if (ok) this.#follow(play, events);
      }
    }
  }

  /** Carries the model over a step's events; `ruling` is how the job must end if it ended. */
  #follow(play: Play, events: Outcome['events'], ruling?: { agreed: number; fault: Fault; at: number; undecided?: boolean }): void {
    for (const event of events) {
      if (!isJobEvent(event)) continue;
      const before = play.state;
      this.#model.apply(play, event as JobEvent);
      if (event.type === 'Cancelled' && before.state === 'Open' && this.#now.number > before.seedBlock) this.#model.cancelledLate(event.at);
      if (event.type !== 'Settled') continue;
      assert.ok(ruling !== undefined, 'settled out of nothing');
      const told = this.#model.settle(before, ruling.agreed, ruling.fault, ruling.undecided ?? false, ruling.at);
      assert.deepEqual((play.state as Extract<JobState, { state: 'Settled' }>).verdicts, told, 'verdicts');
    }
  }

  /** The seed of the draw that is next, once its block is there. */
  async #seedOf({ jobId, state }: Play): Promise<Hex | undefined> {
    if (!('seedBlock' in state)) return undefined;
    const hash = await this.#arena.blockHash(state.seedBlock);
    return hash === undefined ? undefined : seedOf(hash, jobId);
  }

  /** Signed bids, in the contract's order; those of nodes whose bid is kept with the terms it was posted with, unless they are `amended`. */
  async #bids(play: Play, { bidders, price, claims }: { bidders: number; price: number; claims: number }, amended: boolean): Promise<SignedBid[]> {
    const { jobId, state, kept } = play;
    const round = state.state === 'Widening' ? 1 : 0;
    const { request } = state;
    const seed = await this.#seedOf(play);
    const picked = seed === undefined ? undefined : await possessionProofs([DATA], possessionPicks(seed, BigInt(DATA.length)));
    return orderBids(await Promise.all(this.#arena.nodes.filter((_, i) => has(bidders | (bidders === 127 ? 128 : 0), i)).map(async (signer, i) => {
      const { address: node } = signer;
      const possession = picked === undefined || !has(claims, 2 * i) ? NO_CLAIM.possession : has(claims, 2 * i + 1) ? LIE : possessionOf(picked.chunks, node);
      // The last price is above what the client pays.
      const terms = { price: (request.maxPrice * BigInt((price + i) % 5)) / 3n, locality: 1000 * i, possession };
      const own = amended ? undefined : kept.find((one) => one.node === node);
      const { price: asked, locality, possession: claim } = own ?? terms;
      const bid = { jobId, node, round, price: asked, locality, possession: claim, seed: claim === NO_CLAIM.possession ? zeroHash : seed! };
      return { ...bid, signature: await signBid(signer, this.#arena.court, bid) };
    })));
  }

  /** What a seat has to say: one of two results, all of it known from job, seat and tone. */
  #opening({ jobId, state }: Play, index: number, tone: boolean): Opening {
    const sketch = `0x02${(tone ? '7530' : '0000').repeat(121)}${'00'.repeat(8)}` as Hex;
    const of = (name: string): Hex => keccak256(toHex(`${name} ${jobId} ${state.request.nonce} ${name === 'result' ? '' : index} ${tone}`));
    return { resultDigest: of('result'), evidenceDigest: of('evidence'), salt: of('salt'), sketch, proof: sketchProofOf(sketchesOf(state, sketch), 0) };
  }

  /** As it is opened where the job stands: with the proof of the shard that counts. All shards of a replica look the same. */
  #shown({ jobId, state }: Play, opening: Opening): Opening {
    const shard = state.state === 'Committed' || state.state === 'Contestable' || state.state === 'Contested' ? openedShardOf(jobId, state) : 0;
    return { ...opening, proof: sketchProofOf(sketchesOf(state, opening.sketch), shard) };
  }

  #openings(play: Play, mask: number): (Opening & { index: number })[] {
    return seatsIn(mask).flatMap((index) => {
      const opening = play.openings.get(index);
      return opening === undefined ? [] : [{ index, ...this.#shown(play, opening) }];
    });
  }
}

function sketchesOf({ request: { shards } }: JobState, sketch: Hex): Hex[] {
  return Array.from({ length: shards }, () => sketch);
}

/** What the contract's word must say in a state; what it says besides in a final one nobody asks. */
function wordOf(state: JobState): Record<string, unknown> {
  switch (state.state) {
    case 'Open': return { committed: 0, agreed: 0, opened: 0, contested: 0, equivocated: 0, rosterHash: zeroHash };
    case 'Assigned': case 'Widening': return { committed: state.committed, agreed: 0, opened: 0, contested: 0, equivocated: state.equivocated ?? 0, rosterHash: rosterHashOf(state.roster) };
    case 'Committed': return { committed: state.committed, agreed: 0, opened: state.opened, contested: 0, equivocated: state.equivocated ?? 0, rosterHash: setDigestOf(state.roster) };
    case 'Contestable': return { committed: state.committed, agreed: state.agreed, shard: state.shard, opened: 0, contested: 0, equivocated: state.equivocated ?? 0, rosterHash: setDigestOf(state.roster) };
    case 'Contested': return { committed: state.committed, agreed: state.agreed, shard: state.shard, opened: state.opened, contested: state.contested, equivocated: state.equivocated ?? 0, rosterHash: setDigestOf(state.roster) };
    default: return { rosterHash: zeroHash };
  }
}

function pick(state: JobState, word: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.keys(wordOf(state)).map((key) => [key, word[key]]));
}

