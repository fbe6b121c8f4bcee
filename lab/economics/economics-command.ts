import { table } from '../../src/cli/output.ts';
import { economics, type StrategyRow } from './economics.ts';

const percent = (share: number): string => (share * 100).toFixed(1);
const columns = ['earns a day', 'honest earns', 'a seat', 'honest', 'rejected %', 'score', 'honest score', 'names used up', ''];
const cells = (row: StrategyRow): string[] => [
  row.perDay.toFixed(2), row.honestPerDay.toFixed(2), row.perSeat.toFixed(2), row.honestPerSeat.toFixed(2), percent(row.rejected),
  row.score.toFixed(2), row.honestScore.toFixed(2), String(row.namesLeft), row.loses ? '' : 'pays',
];

/** Runs the markets and prints what each strategy earns, and where the rules break. */
export function economicsCommand({ json = false }: { json?: boolean }): void {
  const result = economics({ onProgress: (what) => process.stderr.write(`${what}\n`) });
  if (json) {
    process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
    return;
  }
  const { strategies, withBar, detection, collusion, badMouthing, single, audits, hiringBar, breaks } = result;
  process.stdout.write(`${[
    'Coin is in prices of one replica. Beside 90 % honest nodes, clients that hire anyone:',
    table(['strategy', ...columns], strategies.map((row) => [row.strategy, ...cells(row)])),
    'The same, clients that hire no score below 0.8 in four jobs of five:',
    table(['strategy', ...columns], withBar.map((row) => [row.strategy, ...cells(row)])),
    'Always cheating, by the chance that it is told:',
    table(['told %', ...columns], detection.map(({ detection: chance, row }) => [percent(chance), ...cells(row)])),
    'A ring that cheats together wherever two of it are drawn, by its share of the stake:',
    table(['share %', ...columns], collusion.map(({ share, row }) => [percent(share), ...cells(row)])),
    'Clients that reject an honest seat in every job, by their share:',
    table(['share %', 'honest score', 'honest below the bar %', 'their score', 'coin a job', 'a fair client\'s'], badMouthing.map((row) => [
      percent(row.share), row.honestScore.toFixed(2), percent(row.honestBelowBar), row.badMouthScore.toFixed(2), row.badMouthCoinPerJob.toFixed(2), row.fairCoinPerJob.toFixed(2)])),
    `Names below a bar after ${hiringBar[0]!.jobs} jobs, in percent:`,
    table(['bar', 'cheats in a tenth', 'honest'], hiringBar.map((row) => [row.bar.toFixed(2), percent(row.cheatsATenthBelow), percent(row.honestBelow)])),
    'Jobs of one replica, always cheating:',
    table(['', ...columns], [['k = 1', ...cells(single)]]),
    'The same, audited; at half the chance that a client takes by default, and at the whole:',
    table(['stake', 'audited %', 'strategy', 'a client pays a job', ...columns], audits.map(({ stake, audit, strategy, clientPaysPerJob, row }) => [
      String(stake), percent(audit), strategy, clientPaysPerJob.toFixed(2), ...cells(row)])),
    'Where it breaks:', ...breaks.map((line) => `- ${line}`),
  ].join('\n')}\n`);
}
