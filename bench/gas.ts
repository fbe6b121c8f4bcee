import { randomBytes } from 'node:crypto';
import { bytesToHex, type Hex } from 'viem';
import {
  approve, assign, commit, createChain, deployContracts, fund, isJobEvent, register, settle, settleDirect, signBid, signCommitment, signCommitmentSet, startAnvil, submit, transferCoin, type Chain,
} from '../src/chain/index.ts';
import { commitmentOf, jobIdOf, NO_CLAIM, PLAIN_TERMS, setDigestOf, type JobRequest, type Opening, type Seat } from '../src/protocol/index.ts';
import type { Benchmark } from './benchmark.ts';
import { table } from './statistics.ts';

const COIN = 10n ** 18n;
const POLL_MS = 20;
const REPLICAS = [1, 3, 7] as const;
/** Measured by others for a verified job's happy path: iExec PoCo with 3 workers, Lilypad. */
const ELSEWHERE = { iExec: 2_244_377, lilypad: 1_769_496 };

type Steps = Record<'submit' | 'assign' | 'commit' | 'settle' | 'total', number>;
/** How commitments come to the chain: with the verdict under everybody's signature, in one message, or each by its node. */
type Way = 'direct' | 'batched' | 'single';
const WAYS: readonly Way[] = ['direct', 'batched', 'single'];

/** Gas of the happy path by receipts on a real EVM, parties already known to the contract. */
export const gas: Benchmark = async (say) => {
  const anvil = await startAnvil({ accounts: 10 });
  try {
    const [deployer, clientAccount, ...operators] = anvil.accounts;
    const deployment = await deployContracts(anvil.rpcUrl, deployer!.privateKey, { seedDelay: 1, minWindowSeconds: 1, maxWindowSeconds: 86_400, pollingIntervalMs: POLL_MS });
    const open = (privateKey: Hex) => createChain({ rpcUrl: anvil.rpcUrl, scheduler: deployment.scheduler, privateKey, pollingIntervalMs: POLL_MS });
    const bank = open(deployer!.privateKey);
    const client = open(clientAccount!.privateKey);
    const nodes = operators.slice(0, Math.max(...REPLICAS)).map(({ privateKey }) => open(privateKey));
    for (const party of [client, ...nodes]) {
      await transferCoin(bank, { to: party.signer().address, amount: 10_000n * COIN });
      await approve(party, { amount: 10_000n * COIN });
    }
    await fund(client, { amount: 1000n * COIN });
    for (const node of nodes) await register(node, { amount: 1000n * COIN, profile: '0x' });

    const results: Record<string, Record<Way, number> & { steps: Record<Way, Steps> }> = {};
    for (const k of REPLICAS) {
      // The first life of each kind pays for parties' first ratings; the second is what every later one costs.
      await life(client, nodes, k, 'batched');
      const steps = {} as Record<Way, Steps>;
      for (const way of WAYS) steps[way] = await life(client, nodes, k, way);
      results[`k${k}`] = { direct: steps.direct.total, batched: steps.batched.total, single: steps.single.total, steps };
    }
    const goals: Record<string, string> = { 'k1 direct': '≤ 300,000', 'k3 direct': '≤ 360,000', 'k3 single': '≤ 550,000' };
    const n = (value: number) => value.toLocaleString('en');
    say(table(['life', 'submit', 'assign', 'commit', 'settle', 'total', 'goal'], Object.entries(results).flatMap(([name, { steps }]) => (
      WAYS.map((way) => {
        const one = steps[way];
        return [`${name} ${way}`, n(one.submit), n(one.assign), n(one.commit), n(one.settle), n(one.total), goals[`${name} ${way}`] ?? ''];
      })))));
    const perReplica = Math.round((results.k7!.direct - results.k3!.direct) / 4);
    say(`every further replica, direct: ${n(perReplica)}; iExec PoCo, 3 workers: ${n(ELSEWHERE.iExec)}; Lilypad: ${n(ELSEWHERE.lilypad)}`);
    return { ...results, perReplica, elsewhere: ELSEWHERE };
  } finally {
    await anvil.stop();
  }
};

async function life(client: Chain, nodes: readonly Chain[], k: number, way: Way): Promise<Steps> {
  const court = await client.court();
  const request: JobRequest = {
    client: client.signer().address, nonce: randomBytes(8).readBigUInt64BE(), specDigest: bytesToHex(randomBytes(32)), replicas: k, policy: 0,
    maxPrice: COIN, stake: 5n * COIN, minScore: 0, assignWindow: 600, commitWindow: 600, settleWindow: 600, disputeWindow: 600,
    sealKey: bytesToHex(randomBytes(32)), secretHash: bytesToHex(randomBytes(32)), ...PLAIN_TERMS,
  };
  const jobId = jobIdOf(court, request);
  const submitted = await submit(client, { request });
  const bids = await Promise.all(nodes.slice(0, k).map(async (node) => {
    const bid = { jobId, node: node.signer().address, price: COIN / 2n, locality: 10_000, ...NO_CLAIM };
    return { ...bid, signature: await signBid(node.signer(), court, bid) };
  }));
  await pastBlock(client, submitted.blockNumber + 1n);
  const assigned = await assign(client, { request, bids });
  const roster: readonly Seat[] = assigned.events.flatMap((event) => (isJobEvent(event) && event.type === 'Assigned' ? event.roster : []));
  const commitments = await Promise.all(roster.map(async ({ node }, index) => {
    const opening: Opening = { resultDigest: bytesToHex(randomBytes(32)), evidenceDigest: bytesToHex(randomBytes(32)), salt: bytesToHex(randomBytes(32)), sketch: bytesToHex(randomBytes(200)), proof: [] };
    const commitment = commitmentOf(jobId, node, opening);
    const signer = nodes.find((one) => one.signer().address === node)!.signer();
    return { index, commitment, signature: await signCommitment(signer, court, { jobId, node, commitment }) };
  }));
  let commitGas = 0n;
  if (way === 'batched') {
    commitGas = (await commit(client, { request, roster, commitments })).gasUsed;
  } else if (way === 'single') {
    for (const one of commitments) {
      const node = nodes.find((candidate) => candidate.signer().address === roster[one.index]!.node)!;
      commitGas += (await commit(node, { request, roster, commitments: [one] })).gasUsed;
    }
  }
  const sealed = roster.map((seat, index) => ({ ...seat, commitment: commitments[index]!.commitment }));
  const verdict = { request, roster: sealed, agreed: (1 << k) - 1, reportDigest: bytesToHex(randomBytes(32)) };
  const setDigest = setDigestOf(sealed);
  const signatures = await Promise.all(sealed.map(({ node }) => signCommitmentSet(nodes.find((one) => one.signer().address === node)!.signer(), court, { jobId, setDigest })));
  const settled = way === 'direct' ? await settleDirect(client, { ...verdict, signatures }) : await settle(client, verdict);
  const steps = { submit: Number(submitted.gasUsed), assign: Number(assigned.gasUsed), commit: Number(commitGas), settle: Number(settled.gasUsed) };
  return { ...steps, total: Object.values(steps).reduce((sum, gas) => sum + gas, 0) };
}

/** Blocks come by themselves here; the draw needs one after the seed's. */
async function pastBlock({ client }: Chain, block: bigint): Promise<void> {
  while (BigInt(await client.request({ method: 'eth_blockNumber' })) <= block) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}
