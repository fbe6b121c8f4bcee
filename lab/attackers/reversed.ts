import { defineAttack } from './attack.ts';
import { asSubmitted } from './tools/as-submitted.ts';
import { mapChannels } from './tools/map-channels.ts';
import { mend } from './tools/mend.ts';

export const reversed = defineAttack({
  name: 'reversed',
  about: 'plays an earlier trace of the job backwards, with the right result',
  knows: ['earlier', 'result'],
  forge({ earlier, result }) {
    const { trace } = asSubmitted(earlier[0]!);
    const end = trace.t.at(-1)!;
    const backwards = mapChannels({ ...trace, t: trace.t.toReversed().map((ms) => end - ms) }, (series, _, kind) => {
      const total = series.at(-1)!;
      return kind === 'counter' ? series.toReversed().map((value) => total - value) : series.toReversed();
    });
    return { trace: mend(backwards), ...result };
  },
});
