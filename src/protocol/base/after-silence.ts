/** After a deadline what has come in the meantime is read for so long, ms. */
const GRACE_MS = 200;

/**
 * Calls when nobody has ended the wait for so long. A process that stood still finds its timers due before it has looked at its sockets: what lies
 * there is read first, so that its own pause is not taken for the other side's silence.
 *
 * @param ref whether the wait keeps the process alive
 * @returns ends the wait
 */
export function afterSilence(timeoutMs: number, onSilent: () => void, { ref = true } = {}): () => void {
  let timer = setTimeout(() => {
    timer = setTimeout(onSilent, GRACE_MS);
    if (!ref) timer.unref();
  }, timeoutMs);
  if (!ref) timer.unref();
  return () => clearTimeout(timer);
}
