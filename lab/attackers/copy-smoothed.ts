import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';
import { mapChannels } from './tools/map-channels.ts';
import { mend } from './tools/mend.ts';

/** Samples averaged on either side. */
const REACH = 4;

export const copySmoothed = defineAttack({
  name: 'copy, smoothed',
  about: 'shares another node\'s run, each sample replaced by the mean of nine',
  knows: ['peer'],
  copies: 'peer',
  forge: ({ peer }) => ({
    ...asSubmitted(peer),
    trace: mend(mapChannels(peer.trace, (series) => series.map((_, i) => {
      // Narrower towards the ends, which stay where they are.
      const reach = Math.min(REACH, i, series.length - 1 - i);
      let sum = 0;
      for (let k = i - reach; k <= i + reach; k++) sum += series[k]!;
      return sum / (2 * reach + 1);
    }))),
  }),
});
