import { EvidenceError } from '../errors.ts';

/** How a series is packed: its first byte. */
const RAW = 0;
const INTEGERS = 1;
const MILLIONTHS = 2;
/** Above this a zigzag difference would leave the safe integers. */
const LARGEST = 2 ** 51;

/**
 * Packs numbers without loss. Whole numbers, or whole millionths (milliseconds with six decimals), become zigzag LEB128 differences of
 * neighbours (a still level costs one byte a sample); anything else little-endian float64. The same numbers always give the same bytes.
 */
export function encodeSeries(series: Float64Array): Uint8Array {
  if (series.every((v) => v >= 0 && v <= LARGEST && Number.isInteger(v) && !Object.is(v, -0))) return deltas(INTEGERS, series);
  const micro = series.map((v) => Math.round(v * 1e6));
  if (series.every((v, i) => micro[i]! >= 0 && micro[i]! <= LARGEST && micro[i]! / 1e6 === v && !Object.is(v, -0))) return deltas(MILLIONTHS, micro);
  const bytes = new Uint8Array(1 + 8 * series.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = RAW;
  for (let i = 0; i < series.length; i++) view.setFloat64(1 + 8 * i, series[i]!, true);
  return bytes;
}

/**
 * Unpacks `encodeSeries`. Allocates at most eight times the bytes it is given, whatever they claim.
 *
 * @throws EvidenceError EVIDENCE_MALFORMED
 */
export function decodeSeries(bytes: Uint8Array, samples: number): Float64Array {
  const kind = bytes[0];
  const body = bytes.subarray(1);
  if (kind === RAW) {
    if (body.length !== 8 * samples) throw malformed(`${body.length} bytes for ${samples} samples`);
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    return Float64Array.from({ length: samples }, (_, i) => view.getFloat64(8 * i, true));
  }
  if (kind !== INTEGERS && kind !== MILLIONTHS) throw malformed(`unknown packing ${kind}`);
  if (body.length < samples) throw malformed(`${body.length} bytes for ${samples} samples`);
  const series = new Float64Array(samples);
  let at = 0;
  for (let i = 0, value = 0; i < samples; i++) {
    let zigzag = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = body[at++];
      if (byte === undefined || factor > 2 ** 49) throw malformed('a difference does not end');
      zigzag += (byte & 0x7f) * factor;
      if (byte < 0x80) break;
    }
    value += zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
    if (!(value >= 0 && value <= LARGEST)) throw malformed(`the value ${value} is out of range`);
    series[i] = kind === INTEGERS ? value : value / 1e6;
  }
  if (at !== body.length) throw malformed(`${body.length - at} bytes too many`);
  return series;
}

function deltas(kind: number, series: Float64Array): Uint8Array {
  const bytes = new Uint8Array(1 + 8 * series.length);
  bytes[0] = kind;
  let at = 1;
  let previous = 0;
  for (const value of series) {
    const delta = value - previous;
    previous = value;
    let zigzag = delta >= 0 ? 2 * delta : -2 * delta - 1;
    while (zigzag >= 128) {
      bytes[at++] = (zigzag % 128) | 0x80;
      zigzag = Math.floor(zigzag / 128);
    }
    bytes[at++] = zigzag;
  }
  return bytes.slice(0, at);
}

function malformed(details: string): EvidenceError {
  return new EvidenceError('EVIDENCE_MALFORMED', 'a series is not encoded correctly', { details });
}
