import { escapeMarkup } from '../../../src/evidence/plot/escape-markup.ts';
import type { GroupResult } from '../breakdown.ts';
import { rocChart, type RocLine } from './roc-chart.ts';

/** Cheats whose curves are drawn: those that are neither always caught nor never, and one that is as a yardstick. */
const DRAWN: readonly (readonly [cheat: string, look: Pick<RocLine, 'colour' | 'width' | 'dash'>])[] = [
  ['half of the input', { colour: '#7f7f7f', width: 1.4, dash: '2 3' }],
  ['flat', { colour: '#009e73', width: 1.8 }],
  ['half of the input, extrapolated', { colour: '#56b4e9', width: 1.8 }],
  ['90 % of the input, extrapolated', { colour: '#0072b2', width: 2.4 }],
  ['half of the work', { colour: '#e69f00', width: 2 }],
  ['90 % of the work', { colour: '#d5410b', width: 2 }],
  ['other input of equal size', { colour: '#cc79a7', width: 1.8, dash: '6 3' }],
];

/** A chart for each group, a curve for each telling cheat, by the full fingerprint: honest pairs of the group against cheats on it. */
export function groupRocs(groups: readonly GroupResult[]): string {
  const drawn = DRAWN.filter(([cheat]) => groups.some(({ rocs }) => rocs[cheat] !== undefined));
  const legend = drawn.map(([cheat, { colour, width, dash }]) => (
    `<span><svg width="26" height="8" aria-hidden="true"><line x1="0" x2="26" y1="4" y2="4" stroke="${colour}" stroke-width="${width}"${dash === undefined ? '' : ` stroke-dasharray="${dash}"`}/></svg>${escapeMarkup(cheat)}</span>`));
  const charts = groups.map(({ name, pairs, rocs }) => rocChart(`${name} (${pairs} pairs)`, drawn.flatMap(([cheat, look]): RocLine[] => {
    const roc = rocs[cheat];
    return roc === undefined ? [] : [{ label: `${cheat}: AUC ${roc.auc.toFixed(3)}, EER ${(100 * roc.eer).toFixed(1)} %`, roc, ...look }];
  }).toReversed()));
  return `<div class="legend">${legend.join('')}</div><div class="rocs">${charts.join('')}</div>`;
}
