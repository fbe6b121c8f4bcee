const sources = new WeakMap<AbortSignal, readonly AbortSignal[]>();

/**
 * `AbortSignal.any` that keeps the signals it is made of for as long as it is kept itself. Node holds them weakly: a timeout that nobody else holds
 * is collected where nobody listens at the moment, and then never comes.
 *
 * @example
 * const until = anySignal(signal, AbortSignal.timeout(SET_WAIT_MS))
 */
export function anySignal(...signals: readonly (AbortSignal | undefined)[]): AbortSignal {
  const given = signals.filter((signal) => signal !== undefined);
  if (given.length === 1) return given[0]!;
  const any = AbortSignal.any(given);
  sources.set(any, given);
  return any;
}
