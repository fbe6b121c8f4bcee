import { BaseError } from '../protocol/index.ts';

export type ExecutorErrorCode =
  | 'ABORTED' | 'REQUEST_INVALID' | 'INPUT_UNREADABLE' | 'ENGINE_UNAVAILABLE' | 'TOOL_MISSING' | 'TOOL_FAILED'
  | 'SCRATCH_FAILED' | 'START_FAILED' | 'START_TIMEOUT' | 'SAMPLER_FAILED' | 'IMAGE_INVALID' | 'IMAGE_TOO_LARGE' | 'IMAGE_MISSING' | 'IMAGE_UNFIT' | 'JOB_UNFIT' | 'REGISTRY_FAILED' | 'REGISTRY_DENIED' | 'NO_SPACE'
  | 'NETWORK_REFUSED' | 'NETWORK_FAILED' | 'DOCKER_FAILED' | 'GUEST_INVALID' | 'GUEST_MISBEHAVED' | 'VMM_FAILED' | 'VMM_SILENT';

/** Errors of the executor folder. */
export class ExecutorError extends BaseError<ExecutorErrorCode> {
  override readonly name = 'ExecutorError';
}

/** The error of an aborted call. */
export function aborted(signal: AbortSignal): ExecutorError {
  return new ExecutorError('ABORTED', 'the run was aborted', { cause: signal.reason });
}
