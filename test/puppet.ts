import { randomBytes } from 'node:crypto';
import { bytesToHex, sha256, stringToHex, type Address, type Hex } from 'viem';
import { register, signBid, signCommitment, type Chain } from '../src/chain/index.ts';
import type { JobRecord } from '../src/client/index.ts';
import { encodeEvidence, evidenceDigest, fingerprintOf, openWindow, sealEvidence, sketchOf, windowsOf, type WindowSource } from '../src/evidence/index.ts';
import { bidProtocol, commitmentProtocol, createHost, evidenceProtocol, request, serve, windowsProtocol, type Host } from '../src/network/index.ts';
import { cidDigest, cidOfDigest, commitmentOf, NO_CLAIM, parseCid, type Court, type Evidence, type EvidenceResponse, type Opening, type SignedBid, type WindowsResponse } from '../src/protocol/index.ts';
import { COIN, type TestNetwork } from './network.ts';

/** A node without a mind: it stakes, and says what a test has it say. */
export interface Puppet {
  chain: Chain;
  host: Host;
  court: Court;
  address: Address;
  addrs: string[];
  /** Its bid for a job, signed. */
  bidFor(record: JobRecord, price?: bigint): Promise<SignedBid>;
  /** Tells a client its bid. */
  bid(client: Host, bid: SignedBid): Promise<{ ok: boolean; reason?: string | undefined }>;
  /** Tells a client a commitment, signed by itself. */
  commit(client: Host, jobId: Hex, commitment: Hex): Promise<{ ok: boolean; reason?: string | undefined }>;
  /** What it says when asked for evidence; "refused" at first. */
  evidence: (jobId: Hex) => EvidenceResponse | Promise<EvidenceResponse>;
  /** What it says when asked to open windows; those of the evidence it sealed last. */
  windows: (jobId: Hex) => WindowsResponse | Promise<WindowsResponse>;
}

/** Makes a puppet with an account, a stake and a peer identity of its own. It is stopped with the network. */
export async function startPuppet(network: TestNetwork, { stake = 100n * COIN }: { stake?: bigint } = {}): Promise<Puppet> {
  const { key, address } = await network.account();
  const chain = network.chain(key);
  if (stake > 0n) await register(chain, { amount: stake, profile: '0x' });
  const court = await chain.court();
  const host = await createHost({ privateKey: randomBytes(32), listen: ['/ip4/127.0.0.1/tcp/0'], lan: true, bootstrap: network.profile.bootstrap });
  network.stopWith(async () => host.stop());
  const addrs = host.getMultiaddrs().map(String);
  const clientAddrs = (client: Host) => client.getMultiaddrs().map(String);
  const puppet: Puppet = {
    chain, host, court, address, addrs,
    evidence: () => ({ status: 'refused', reason: 'not now' }),
    windows: () => ({ status: 'refused', reason: 'not now' }),
    async bidFor({ jobId }, price = COIN / 2n) {
      const bid = { jobId, node: address, price, locality: 0, ...NO_CLAIM };
      return { ...bid, signature: await signBid(chain.signer(), court, bid) };
    },
    bid: (client, bid) => request(host, clientAddrs(client), bidProtocol, { bid, addrs }),
    async commit(client, jobId, commitment) {
      const signature = await signCommitment(chain.signer(), court, { jobId, node: address, commitment });
      return request(host, clientAddrs(client), commitmentProtocol, { jobId, node: address, commitment, signature });
    },
  };
  await serve(host, evidenceProtocol, ({ jobId }) => puppet.evidence(jobId));
  await serve(host, windowsProtocol, ({ jobId }) => puppet.windows(jobId));
  return puppet;
}

/** Evidence that somebody made up, with the opening and the commitment that go with it, and what its windows are cut from. */
export interface Forged { encoded: Uint8Array; opening: Opening; commitment: Hex; source: WindowSource }

/** Evidence of a run of nothing; `change` makes it untrue before it is committed to, and `log` is what it says the run wrote. */
export function forgedEvidence(record: JobRecord, node: Address, change: (evidence: Evidence) => Partial<Evidence> = () => ({}), log = ''): Forged {
  const trace: Evidence['trace'] = { version: 1, engine: 'noop', intervalMs: 20, t: Float64Array.of(0, 20), channels: { cpuNs: Float64Array.of(0, 0) } };
  const profile: Evidence['profile'] = { version: 1, bytes: 0, files: 1, entropy: new Float64Array(32), histogram: new Float64Array(32 * 16), content: new Uint32Array(64).fill(0xffff_ffff) };
  const source: WindowSource = {
    trace, output: { t: Float64Array.of(20), noted: true, others: { files: 0, bytes: 0 }, files: [{ path: 'stdout', lengths: Float64Array.of(log.length), hashes: [sha256(stringToHex(log))] }] },
  };
  const honest: Evidence = {
    version: 2, jobId: record.jobId, node, resultCid: cidOfDigest(sha256(stringToHex('a result'))).toString(), exitCode: 0, ended: 'exit', trace, profile, windowRoot: windowsOf(source).root, sketch: bytesToHex(sketchOf(fingerprintOf(trace, profile))),
    environment: { engine: 'noop', runtime: 'none', kernel: 'none', cpu: 'none', cores: 1, cgroup: 'none', gadus: '0' },
  };
  const evidence = { ...honest, ...change(honest) };
  const encoded = encodeEvidence(evidence);
  const opening: Opening = { resultDigest: cidDigest(parseCid(evidence.resultCid)), evidenceDigest: evidenceDigest(encoded), salt: bytesToHex(randomBytes(32)), sketch: evidence.sketch, proof: [] };
  return { encoded, opening, commitment: commitmentOf(record.jobId, node, opening), source };
}

/** Seals forged evidence to the job's key, as a node would, and makes its windows those that the puppet opens. */
export async function seal(puppet: Puppet, record: JobRecord, { encoded, opening, source }: Forged): Promise<EvidenceResponse> {
  puppet.windows = () => openedWindows(source);
  const { jobId, request: { sealKey } } = record;
  return { status: 'sealed', sealed: await sealEvidence({ court: puppet.court, jobId, node: puppet.address, sealKey, evidence: encoded, opening }) };
}

/** The windows of a source of one window, opened. */
export function openedWindows(source: WindowSource): WindowsResponse {
  return { status: 'opened', windows: [openWindow(source, windowsOf(source), 0)] };
}
