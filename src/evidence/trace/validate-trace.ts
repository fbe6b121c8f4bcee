import { CHANNELS, type ChannelName, type Trace } from '../../protocol/trace/trace.ts';
import { MAX_TRACE_SAMPLES } from '../constants.ts';
import { EvidenceError } from '../errors.ts';

/**
 * Refuses series that no sampler can have seen: unequal lengths, time that stands still or does not start at 0, counters that do
 * not start at 0 or fall, negative levels, numbers that are not finite.
 *
 * @throws EvidenceError TRACE_INVALID, EVIDENCE_TOO_LARGE
 */
export function validateTrace(trace: Trace): void {
  const { t, channels, engine, intervalMs } = trace;
  if (trace.version !== 1) throw new EvidenceError('VERSION_UNKNOWN', 'the trace is of a version this program does not know', { details: String(trace.version) });
  if (t.length > MAX_TRACE_SAMPLES) throw new EvidenceError('EVIDENCE_TOO_LARGE', 'the trace has too many samples', { details: `${t.length}, at most ${MAX_TRACE_SAMPLES}` });
  if (t.length === 0) throw invalid('it has no samples');
  if (engine.length === 0 || engine.length > 50) throw invalid('the engine has no name, or one above 50 characters');
  if (!(intervalMs > 0 && intervalMs < Infinity)) throw invalid(`the interval is ${intervalMs} ms`);
  if (t[0] !== 0) throw invalid(`t starts at ${t[0]}, not at 0`);
  for (let i = 1; i < t.length; i++) {
    if (!(t[i]! > t[i - 1]! && t[i]! < Infinity)) throw invalid(`t[${i}] = ${t[i]} does not follow ${t[i - 1]}`);
  }
  for (const [name, series] of Object.entries(channels)) {
    if (!Object.hasOwn(CHANNELS, name)) throw invalid(`there is no channel ${name.slice(0, 50)}`);
    if (series.length !== t.length) throw invalid(`${name} has ${series.length} samples, t has ${t.length}`);
    validateSeries(name as ChannelName, series);
  }
}

function validateSeries(name: ChannelName, series: Float64Array): void {
  const counter = CHANNELS[name].kind === 'counter';
  if (counter && series[0] !== 0) throw invalid(`the counter ${name} starts at ${series[0]}, not at 0`);
  let floor = 0;
  for (let i = 0; i < series.length; i++) {
    const value = series[i]!;
    if (!(value >= floor && value < Infinity)) throw invalid(`${name}[${i}] = ${value}${counter ? ` is below ${floor}: a counter never falls` : ' is not a level'}`);
    if (counter) floor = value;
  }
}

function invalid(details: string): EvidenceError {
  return new EvidenceError('TRACE_INVALID', 'the trace is not one a sampler can have written', { details });
}
