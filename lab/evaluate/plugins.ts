import { dtwCpuTime } from '../baselines/dtw-cpu-time.ts';
import { dtwWallTime } from '../baselines/dtw-wall-time.ts';
import { outputHash } from '../baselines/output-hash.ts';
import { prototype2022 } from '../baselines/prototype-2022.ts';
import type { FingerprintPlugin } from './fingerprint-plugin.ts';
import { coherence } from './blocks/coherence.ts';
import { dtwWork } from './blocks/dtw-work.ts';
import { logSignatures } from './blocks/log-signature.ts';
import { BLINDED } from './fingerprints/blinded.ts';
import { full, fullStrict } from './fingerprints/full.ts';
import { sketch, sketchStrict } from './fingerprints/sketch.ts';

/** All fingerprints that the report compares, the product's first. */
export const PLUGINS: readonly FingerprintPlugin[] = [full, sketch, fullStrict, sketchStrict, prototype2022, dtwWallTime, dtwCpuTime, outputHash, logSignatures, dtwWork, coherence, ...BLINDED];
