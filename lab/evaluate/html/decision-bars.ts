import { escapeMarkup } from '../../../src/evidence/plot/escape-markup.ts';
import type { LabReport } from '../report-schema.ts';

type Judged = LabReport['majority']['honest'];

const PARTS = [
  ['right', 'right', 'exactly the honest accepted'], ['undecided', 'undecided', 'undecided, nobody accused'],
  ['cheatPaid', 'paid', 'a cheat accepted beside the honest'], ['honestRejected', 'wronged', 'an honest replica rejected'],
] as const;

/** Decisions of three replicas as bars, by the client, by the contract, and by a client that knew the outputs' words. */
export function decisionBars({ honest, cheats }: LabReport['majority']): string {
  const bar = (judged: Judged, judge: keyof Judged) => {
    const outcomes = judged[judge];
    if (outcomes.decisions === 0) return '<td class="barcell"><small class="ci">not tried</small></td>';
    const title = PARTS.map(([part, , about]) => `${about}: ${(100 * outcomes[part]).toFixed(1)} %${part === 'right' && outcomes.ci !== undefined ? ` (95 % interval ${outcomes.ci.map((end) => (100 * end).toFixed(1)).join(' to ')})` : ''}`).join('; ');
    return `<td class="barcell" title="${escapeMarkup(title)}"><div class="bar">${PARTS.map(([part, style]) => (outcomes[part] === 0 ? '' : `<i class="${style}" style="width:${(100 * outcomes[part]).toFixed(2)}%"></i>`)).join('')}</div></td>`;
  };
  const row = (name: string, judged: Judged) => `<tr><td>${escapeMarkup(name)}</td>${bar(judged, 'client')}${bar(judged, 'contract')}${bar(judged, 'words')}</tr>`;
  const table = (rows: string) => `<div class="scroll"><table class="compact"><tr><th></th><th class="text">client, whole evidence</th><th class="text">contract, sketches</th><th class="text">client with words (tried)</th></tr>${rows}</table></div>`;
  const entries = Object.entries(cheats);
  return `<div class="legend key">${PARTS.map(([, style, about]) => `<span><i class="${style}"></i>${about}</span>`).join('')}</div>
<h3>Three honest replicas, and two honest beside one cheat</h3>${table(row('all honest', honest) + entries.map(([name, { one }]) => row(name, one)).join(''))}
<h3>One honest replica beside two accomplices who hand in the same</h3>${table(entries.map(([name, { two }]) => row(name, two)).join(''))}`;
}
