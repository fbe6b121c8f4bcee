import { emptyRun, UNUSABLE_EXIT_CODE, type Engine, type RunResult } from '../../executor/index.ts';
import { isError, messageOf } from '../../protocol/index.ts';

/** What engines and images say that is so on every machine. */
const EXECUTOR_CODES = ['IMAGE_INVALID', 'IMAGE_TOO_LARGE', 'IMAGE_UNFIT', 'JOB_UNFIT'];
/** The same of data whose blocks are those that its CID names. */
const STORAGE_CODES = ['DAG_INVALID', 'ENTRY_HOSTILE', 'ENTRY_UNSUPPORTED', 'FORMAT_UNSUPPORTED'];

/**
 * Why no node can run a job: its image or an input is here, byte for byte as its CID says, and is no image, or cannot be unpacked; or what the spec wants is
 * not to be had from that image. Who asked for it is at fault, so this is a result, which honest nodes agree on: they would be absent otherwise.
 *
 * @returns undefined where the cause may be this machine or the network: another node may well run the job
 */
export function faultOfJob(error: unknown): string | undefined {
  if (!isError(error, ...EXECUTOR_CODES, ...STORAGE_CODES)) return undefined;
  // No details: they may say where things are on this machine, and the result must not differ by that.
  return `gadus: the job cannot be run: ${error.shortMessage} [${error.code}]\n`;
}

/**
 * Makes a run, or in place of one that no node can make what is left of it: exit code 125, and a stderr that says why.
 *
 * @param run from image and inputs on: what it throws by the job's fault is the result
 * @throws what `run` throws by no fault of the job's
 */
export async function runOrFault(
  engine: Pick<Engine, 'name'>, { sampleIntervalMs, signal, onFault }: { sampleIntervalMs: number; signal: AbortSignal; onFault?: ((why: string) => void) | undefined }, run: () => Promise<RunResult>,
): Promise<RunResult> {
  try {
    return await run();
  } catch (error) {
    const stderr = signal.aborted ? undefined : faultOfJob(error);
    if (stderr === undefined) throw error;
    onFault?.(messageOf(error));
    return emptyRun({ engine: engine.name, exitCode: UNUSABLE_EXIT_CODE, stderr, sampleIntervalMs });
  }
}
