import { workAxis } from '../../../src/evidence/fingerprint/fingerprint.ts';
import { definePlugin } from '../fingerprint-plugin.ts';
import { along, counterPath } from './counter-path.ts';

/** Points of a rate over work, and of one of the overlapping segments whose spectra are averaged. */
const POINTS = 256;
const SEGMENT = 64;
const FREQUENCIES = SEGMENT / 2;

/** Spectra of one run: for each rate and segment, real and imaginary parts at each frequency. */
type Spectra = Float64Array[][];

/**
 * One less the magnitude-squared coherence of two runs' rates over work, mean over rates and frequencies, weighted by how much power both
 * have there: |mean(x conj(y))|^2 / (mean |x|^2 mean |y|^2) over segments that overlap by half under a Hann window (Welch 1967; Carter, Knapp and
 * Nuttall 1973).
 */
export function incoherence(a: Spectra, b: Spectra): number {
  let [coherent, weight] = [0, 0];
  for (const [rate, x] of a.entries()) {
    const y = b[rate]!;
    for (let f = 0; f < FREQUENCIES; f++) {
      let [real, imaginary, xx, yy] = [0, 0, 0, 0];
      for (const [s, u] of x.entries()) {
        const v = y[s]!;
        const [ur, ui, vr, vi] = [u[2 * f]!, u[2 * f + 1]!, v[2 * f]!, v[2 * f + 1]!];
        real += ur * vr + ui * vi;
        imaginary += ui * vr - ur * vi;
        xx += ur * ur + ui * ui;
        yy += vr * vr + vi * vi;
      }
      const power = Math.sqrt(xx * yy);
      if (power === 0) continue;
      coherent += (real ** 2 + imaginary ** 2) / power;
      weight += power;
    }
  }
  return weight === 0 ? 0 : 1 - coherent / weight;
}

/** Spectra of a run's rates over work, and of its memory. */
export function spectraOf(channels: readonly Float64Array[]): Spectra {
  return channels.map((series) => Array.from({ length: POINTS / (SEGMENT / 2) - 1 }, (_, segment) => {
    const rate = Float64Array.from({ length: SEGMENT }, (_value, i) => WINDOW[i]! * (series[segment * (SEGMENT / 2) + i + 1]! - series[segment * (SEGMENT / 2) + i]!));
    const spectrum = new Float64Array(2 * FREQUENCIES);
    for (let f = 0; f < FREQUENCIES; f++) for (let i = 0; i < SEGMENT; i++) {
      spectrum[2 * f]! += rate[i]! * COSINE[((f + 1) * i) % SEGMENT]!;
      spectrum[2 * f + 1]! -= rate[i]! * SINE[((f + 1) * i) % SEGMENT]!;
    }
    return spectrum;
  }));
}

const WINDOW = Float64Array.from({ length: SEGMENT }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / SEGMENT));
const COSINE = Float64Array.from({ length: SEGMENT }, (_, i) => Math.cos((2 * Math.PI * i) / SEGMENT));
const SINE = Float64Array.from({ length: SEGMENT }, (_, i) => Math.sin((2 * Math.PI * i) / SEGMENT));

export const coherence = definePlugin({
  name: 'coherence',
  about: 'magnitude-squared coherence of two runs\' rates of CPU, reading, writing, faults and memory over work (Carter, Knapp and Nuttall 1973)',
  kind: 'tried',
  of({ trace }) {
    const axis = workAxis(trace);
    return spectraOf(counterPath(trace).map((series) => along(axis, series, POINTS)));
  },
  distance: incoherence,
});
