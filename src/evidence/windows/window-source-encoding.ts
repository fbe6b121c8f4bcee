import * as cborg from 'cborg';
import { bytesToHex, concat, hexToBytes } from 'viem/utils';
import type { Trace } from '../../protocol/trace/trace.ts';
import { EvidenceError } from '../errors.ts';
import { decodeSeries, encodeSeries } from '../trace/series-encoding.ts';
import type { WindowSource } from './windows-of.ts';

/** What a node keeps to open windows later, of its own making: as compact as the evidence, and the same windows come out again. */
export function encodeWindowSource({ trace, output }: WindowSource): Uint8Array {
  return cborg.encode({
    version: 1, samples: trace.t.length, engine: trace.engine, intervalMs: trace.intervalMs, t: encodeSeries(trace.t),
    channels: Object.fromEntries(Object.entries(trace.channels).map(([name, series]) => [name, encodeSeries(series)])),
    output: {
      states: output.t.length, t: encodeSeries(output.t), noted: output.noted, others: output.others,
      files: output.files.map(({ path, lengths, hashes }) => ({ path, lengths: encodeSeries(lengths), hashes: hexToBytes(concat(hashes)) })),
    },
  });
}

/** @throws EvidenceError EVIDENCE_MALFORMED when the file is not what `encodeWindowSource` wrote */
export function decodeWindowSource(bytes: Uint8Array): WindowSource {
  try {
    const { samples, engine, intervalMs, t, channels, output } = cborg.decode(bytes);
    return {
      trace: {
        version: 1, engine, intervalMs, t: decodeSeries(t, samples),
        channels: Object.fromEntries(Object.entries(channels as Record<string, Uint8Array>).map(([name, series]) => [name, decodeSeries(series, samples)])) as Trace['channels'],
      },
      output: {
        t: decodeSeries(output.t, output.states), noted: output.noted, others: output.others,
        files: output.files.map(({ path, lengths, hashes }: { path: string; lengths: Uint8Array; hashes: Uint8Array }) => ({
          path, lengths: decodeSeries(lengths, output.states),
          hashes: Array.from({ length: output.states }, (_, i) => bytesToHex(hashes.subarray(32 * i, 32 * (i + 1)))),
        })),
      },
    };
  } catch (cause) {
    throw new EvidenceError('EVIDENCE_MALFORMED', 'the bytes are not those that windows are cut from', { cause });
  }
}
