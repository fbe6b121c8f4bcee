import { randomBytes } from 'node:crypto';
import { bytesToHex, type Address, type Hex } from 'viem';
import {
  encodeEvidence, encodeWindowSource, evidenceDigest, fingerprintOf, outputHistory, profileOutput, sealEvidence, sealResult, sketchOf, windowsOf,
  type WindowSource,
} from '../../evidence/index.ts';
import { resultFiles, type Engine, type ImageStore, type RunRequest, type RunResult } from '../../executor/index.ts';
import {
  cidDigest, commitmentOf, parseCid, type Court, type Evidence, type JobRequest, type JobSpec, type LogChunk, type Opening,
} from '../../protocol/index.ts';
import type { Receipt, Storage, TreeEntry } from '../../storage/index.ts';
import { SAMPLE_INTERVAL_MS } from '../constants.ts';
import { runOrFault } from './job-fault.ts';
import { runWatched } from './run-watched.ts';

export interface RunReplicaComponents { engine: Engine; images: ImageStore; storage: Storage }

export interface RunReplicaInit {
  court: Court;
  jobId: Hex;
  node: Address;
  request: JobRequest;
  spec: JobSpec;
  onStage?: (stage: ReplicaStage) => void;
  onLog?: (stream: LogChunk['stream'], data: Uint8Array) => void;
  /** A run is about to begin: who looks on. */
  watch?: (shard?: number) => Pick<RunRequest, 'onStart' | 'onSample'>;
  /** Unix ms until which a run that was hardly sampled may be made again. */
  againUntil?: number;
  /** Told before that, why. */
  onAgain?: (why: string) => void;
  /** Told why no node can run the job. */
  onFault?: (why: string) => void;
  signal: AbortSignal;
}

export type ReplicaStage = 'fetching' | 'running' | 'publishing';

/** All that a run leaves: enough to commit, to hand over the evidence, and to open the sketch. */
export interface ReplicaOutcome {
  resultCid: string;
  /** What of it is published, where that is not the result itself. */
  encryptedResultCid?: string;
  exitCode: number;
  ended: Evidence['ended'];
  opening: Opening;
  commitment: Hex;
  /** Evidence and opening, HPKE-sealed to the job's key. */
  sealed: Uint8Array;
  /** What the node needs to open windows later; of a job of shards each shard has its own. */
  windowSource?: Uint8Array;
  receipts: Receipt[];
}

/**
 * Runs one replica from bare data to commitment: image and inputs by the cascade, the job under the engine with the sampler on it,
 * the result published as a UnixFS directory, or encrypted in one file, the evidence built and sealed.
 *
 * @throws StorageError when an input cannot be had, ExecutorError when the engine fails (a job that fails is a result, not an error, and so is one that cannot be run
 *   by any node: `faultOfJob`)
 */
export async function runReplica(components: RunReplicaComponents, init: RunReplicaInit): Promise<ReplicaOutcome> {
  const { spec, signal, onStage } = init;
  const { engine, storage } = components;
  const held: { release(): Promise<void> | void }[] = [];
  try {
    onStage?.('fetching');
    const receipts: Receipt[] = [];
    const checks: (() => Promise<void>)[] = [];
    const run = await runOrFault(engine, { sampleIntervalMs: SAMPLE_INTERVAL_MS, signal, onFault: init.onFault }, async () => {
      const image = await readyImage(components, spec.image, receipts, signal);
      held.push(image);
      checks.push(() => image.check());
      const inputs: { path: string; target: string }[] = [];
      for (const { source, target } of spec.inputs) {
        const input = await storage.materialise(parseCid(source), { signal });
        held.push(input);
        checks.push(() => input.check());
        receipts.push(input.receipt);
        inputs.push({ path: input.path, target });
      }

      onStage?.('running');
      return runWatched(engine, {
        // The tail of both names keeps two nodes on one machine apart, as well as two jobs on one node.
        id: `${init.jobId.slice(2, 18)}-${init.node.slice(2, 10).toLowerCase()}`,
        spec, rootfs: image.path, inputs, sampleIntervalMs: SAMPLE_INTERVAL_MS, signal,
        ...(init.onLog === undefined ? {} : { onLog: init.onLog }), ...init.watch?.(),
      }, init);
    });
    held.push(run);
    // An input that lies where its owner may write to it proves nothing unless it held still.
    for (const check of checks) await check();

    onStage?.('publishing');
    return { receipts, ...(await seal(init, run, await publishFor(storage, run, init))) };
  } finally {
    for (const resource of held.reverse()) await resource.release();
  }
}

export interface ReadyImage {
  path: string;
  /** After the last use: whether it held still. @throws StorageError FILE_CHANGED */
  check(): Promise<void>;
  release(): Promise<void> | void;
}

/** What the engine takes for an image: nothing, the module itself, or an unpacked root file system. */
export async function readyImage(
  { engine, images, storage }: RunReplicaComponents, image: string, receipts: Receipt[], signal: AbortSignal,
): Promise<ReadyImage> {
  const still = async () => {};
  if (engine.name === 'noop') return { path: '', check: still, release: () => {} };
  if (engine.name === 'wasm' || !images.has(image)) {
    const content = await storage.materialise(parseCid(image), { signal });
    receipts.push(content.receipt);
    if (engine.name === 'wasm') return content;
    try {
      await images.unpack(image, content.path, { signal });
      await content.check();
    } catch (error) {
      // What changed while it was read is not what the CID names, whatever it unpacks to, or why it does not.
      if (!signal.aborted) await content.check().catch((changed: unknown) => images.remove(image).then(() => { throw changed; }));
      throw error;
    } finally {
      await content.release();
    }
  }
  return { ...images.hold(image), check: still };
}

export type Published = Pick<Evidence, 'resultCid' | 'encryptedResultCid'> & {
  /** What the result weighs, in the clear and as it can be fetched. */
  bytes: number;
  publishedBytes: number;
};

/** Publishes the result as the spec asks: as it is, or encrypted to the job's key and in no other form. */
export async function publishFor(
  storage: Storage, run: RunResult, { court, jobId, node, request: { sealKey }, spec, signal }: Pick<RunReplicaInit, 'court' | 'jobId' | 'node' | 'request' | 'spec' | 'signal'>,
): Promise<Published> {
  if (spec.result?.encrypt !== true) {
    const { cid, bytes } = await storage.addTree(entriesOf(run), { signal, why: 'result' });
    return { resultCid: cid.toString(), bytes, publishedBytes: bytes };
  }
  const { cid, plain, bytes, plainBytes } = await storage.addSealed(entriesOf(run), {
    seal: (car, result) => sealResult(car, { court, jobId, node, sealKey, resultCid: result.toString() }), signal,
  });
  return { resultCid: plain.toString(), encryptedResultCid: cid.toString(), bytes: plainBytes, publishedBytes: bytes };
}

/** A result's directory: stdout, stderr, exitCode, and a folder for each output. */
function entriesOf(run: RunResult): TreeEntry[] {
  return [
    { path: 'stdout', source: run.stdoutPath },
    { path: 'stderr', source: run.stderrPath },
    { path: 'exitCode', source: new TextEncoder().encode(`${run.exitCode}\n`) },
    ...run.outputs.map(({ name, path }) => ({ path: name, source: path })),
  ];
}

/** What a run is told by: its evidence, and what its windows are cut from. @throws EvidenceError OUTPUT_UNREADABLE, OUTPUT_CHANGED; the signal's reason */
export async function evidenceOf(
  { jobId, node, signal }: Pick<RunReplicaInit, 'jobId' | 'node' | 'signal'>, run: RunResult, { resultCid, encryptedResultCid }: Pick<Evidence, 'resultCid' | 'encryptedResultCid'>,
): Promise<{ evidence: Evidence; windowSource: WindowSource }> {
  const files = await resultFiles(run);
  const profile = await profileOutput(files.map(({ source }) => source), { signal });
  const windowSource = { trace: run.trace, output: await outputHistory(files, run.outputNotes, run.trace.t.at(-1)!, { signal }) };
  const sketch = bytesToHex(sketchOf(fingerprintOf(run.trace, profile)));
  const evidence: Evidence = {
    version: 2, jobId, node, resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }), exitCode: run.exitCode, ended: run.ended,
    trace: run.trace, profile, windowRoot: windowsOf(windowSource).root, sketch, environment: run.environment,
  };
  return { evidence, windowSource };
}

async function seal(init: RunReplicaInit, run: RunResult, published: Published): Promise<Omit<ReplicaOutcome, 'receipts'>> {
  const { resultCid, encryptedResultCid } = published;
  const { evidence, windowSource } = await evidenceOf(init, run, published);
  const encoded = encodeEvidence(evidence);
  const opening: Opening = {
    resultDigest: cidDigest(parseCid(resultCid)),
    evidenceDigest: evidenceDigest(encoded),
    salt: bytesToHex(randomBytes(32)),
    sketch: evidence.sketch,
    proof: [],
  };
  return {
    resultCid, ...(encryptedResultCid !== undefined && { encryptedResultCid }), exitCode: run.exitCode, ended: run.ended, opening,
    commitment: commitmentOf(init.jobId, init.node, opening),
    windowSource: encodeWindowSource(windowSource),
    sealed: await sealEvidence({ court: init.court, jobId: init.jobId, node: init.node, sealKey: init.request.sealKey, evidence: encoded, opening }),
  };
}
