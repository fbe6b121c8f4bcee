import { ExecutorError } from '../errors.ts';

/** An image that this machine could not unpack, by no fault of the image's. */
export function unpackFailure(details: string, cause?: unknown): ExecutorError {
  const more = { details, ...(cause === undefined ? {} : { cause }) };
  if (/no space left|ENOSPC|quota exceeded|EDQUOT|wrote only/i.test(details)) return new ExecutorError('NO_SPACE', 'there is no room to unpack the image', { ...more, hint: 'free some of the disk that the node\'s `dir` is on, or lower its storage.imageCacheSize' });
  return new ExecutorError('TOOL_FAILED', 'the image could not be unpacked here', more);
}
