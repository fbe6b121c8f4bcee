import { definePlugin } from '../evaluate/fingerprint-plugin.ts';

export const outputHash = definePlugin({
  name: 'output hash',
  about: 'equal results or not, as deterministic verifiers ask',
  kind: 'baseline',
  deployed: 0,
  of: ({ resultDigest }) => resultDigest,
  distance: (a, b) => Number(a !== b),
});
