import type { Random } from './random.ts';

/** Samples a second. */
export const AUDIO_RATE = 44_100;

/** Mono 16-bit PCM in a WAVE file: three tones that come and go, with noise. */
export function audio(samples: number, random: Random): Uint8Array {
  const data = Buffer.alloc(44 + 2 * samples);
  data.write('RIFF', 0, 'latin1');
  data.writeUInt32LE(36 + 2 * samples, 4);
  data.write('WAVEfmt ', 8, 'latin1');
  data.writeUInt32LE(16, 16);
  data.writeUInt16LE(1, 20);
  data.writeUInt16LE(1, 22);
  data.writeUInt32LE(AUDIO_RATE, 24);
  data.writeUInt32LE(2 * AUDIO_RATE, 28);
  data.writeUInt16LE(2, 32);
  data.writeUInt16LE(16, 34);
  data.write('data', 36, 'latin1');
  data.writeUInt32LE(2 * samples, 40);
  let tones: number[] = [];
  for (let i = 0; i < samples; i++) {
    if (i % (AUDIO_RATE / 2) === 0) tones = [0, 1, 2].map(() => 2 * Math.PI * (110 + random.below(2000)) / AUDIO_RATE);
    const tone = Math.sin(i * tones[0]!) + Math.sin(i * tones[1]!) + Math.sin(i * tones[2]!);
    data.writeInt16LE(Math.round(6000 * tone + 2000 * (random.uniform() - 0.5)), 44 + 2 * i);
  }
  return data;
}
