import type { Evaluation } from './evaluate.ts';

/** The report's main numbers for a terminal: false alarms, detection by cheat, decisions, copies. */
export function textTables({ results, attacks, copies, decisions, blocks, programs, precedents, late, engines }: Evaluation): string {
  const plugins = [...[...results.values()].filter(({ plugin }) => plugin.kind === 'fingerprint' || plugin.kind === 'baseline'), ...precedents.byCount.values()];
  const others = [...results.values()].filter(({ plugin }) => plugin.kind === 'tried' || plugin.kind === 'blinded');
  const names = plugins.map(({ plugin }) => plugin.name);
  const otherNames = others.map(({ plugin }) => plugin.name);
  const widest = Math.max(...attacks.map(({ name }) => name.length), 24);
  const row = (head: string, cells: readonly string[], note = '', heads: readonly string[] = names) => `${head.padEnd(widest)} ${cells.map((cell, i) => cell.padStart(Math.max(heads[i]?.length ?? 0, 9) + 2)).join('')}  ${note}`.trimEnd();
  const percent = (value: number | undefined) => (value === undefined || Number.isNaN(value) ? '-' : `${(100 * value).toFixed(1)}`);
  const top = (counts: Record<string, number> | undefined) => Object.entries(counts ?? {}).slice(0, 4).map(([name, share]) => `${name} ${percent(share)}`).join(', ');
  const [first] = plugins;
  const lines = [
    '', `Honest pairs: ${first?.honest.pairs ?? 0}. All rates in percent.`,
    row('', names),
    row('false alarms, deployed', plugins.map(({ honest }) => percent(honest.deployed?.rate))),
    row('  upper 95 % bound', plugins.map(({ honest }) => percent(honest.deployed?.upper95))),
    row('held-out alarms at 1 %', plugins.map(({ honest }) => percent(honest.heldOut.at1pct.rate))),
    `blocks that alone raise false alarms: ${top(blocks.honest) || 'none'}`,
    '', 'Detection at 1 % false alarms, threshold from the other programs; blocks beyond tolerance in % of pairs',
    row('', names),
    ...attacks.map(({ name }) => row(name, plugins.map(({ cheats }) => percent(cheats.get(name)?.at1pct.rate)), top(blocks.cheats.get(name)))),
    '', 'Detection by the deployed threshold',
    ...attacks.map(({ name }) => row(name, plugins.map(({ cheats }) => percent(cheats.get(name)?.deployed?.rate)))),
    ...(others.length === 0 ? [] : [
      '', 'Blocks that were tried, and the full fingerprint with channels missing: detection at 1 %', row('', otherNames, '', otherNames),
      ...attacks.map(({ name }) => row(name, others.map(({ cheats }) => percent(cheats.get(name)?.at1pct.rate)), '', otherNames)),
    ]),
    ...(late.jobs === 0 ? [] : [
      '', `Windows: the right result named, a share of it at hand; ${late.growing} of ${late.jobs} jobs grow before the end; honest runs contradicted ${percent(late.honest.rate)}`,
      ...late.caught.map(({ share, way, rate }) => row(`has ${100 * share} %, ${way}`, [percent(rate.rate)])),
    ]),
    ...engines.flatMap(({ engine, jobs, alarms, beside, full, precedents: past }) => [
      '', `Engine ${engine}: ${jobs} jobs, ${alarms.trials} honest pairs, ${percent(alarms.rate)} told apart${beside === undefined ? '' : `; ${percent(beside.rate)} of ${beside.trials} beside the container`}; full, then 5 earlier runs`,
      ...[...full.cheats].map(([name, { at1pct }]) => row(name, [percent(at1pct.rate), percent(past?.cheats.get(name)?.at1pct.rate)])),
    ]),
    '', `Copies, by ${copies.plugin.name}: detection at 1 %, at 0.1 %, AUC`,
    ...[...copies.cheats].map(([name, { at1pct, at01pct, roc }]) => row(name, [percent(at1pct.rate), percent(at01pct.rate), roc.auc.toFixed(3)])),
    '', 'Decisions of three: right / cheat paid / honest rejected / undecided; client, contract, client with words',
    threes('all honest', decisions.honest),
    ...[...decisions.cheats].flatMap(([name, { one, two }]) => [threes(`1 ${name}`, one), threes(`2 ${name}`, two)]),
  ];
  if (programs.length > 0) {
    lines.push('', 'Programs: honest pairs, false alarms, median, p99, worst block');
    for (const { name, pairs, falseAlarms, median, p99, worstBlock } of programs) lines.push(row(name, [String(pairs), String(falseAlarms), median.toFixed(2), p99.toFixed(2)], worstBlock));
  }
  return `${lines.join('\n')}\n`;

  function threes(head: string, judged: (typeof decisions)['honest']): string {
    const cells = [judged.client, judged.contract, judged.words].map(({ decisions: count, right, cheatPaid, honestRejected, undecided }) => (
      count === 0 ? '-' : [right, cheatPaid, honestRejected, undecided].map((share) => percent(share).padStart(5)).join(' / ')).padStart(34));
    return `${head.padEnd(widest + 2)}${cells.join('')}`;
  }
}
