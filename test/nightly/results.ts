/** How one test ended. */
export interface TestResult { group: string; name: string; verdict: 'passed' | 'failed' | 'skipped'; ms: number }

/** A line for each group, and one for each test that did not pass. */
export function table(results: readonly TestResult[]): string {
  const groups = [...new Set(results.map(({ group }) => group))];
  const count = (group: string, verdict: TestResult['verdict']) => results.filter((one) => one.group === group && one.verdict === verdict).length;
  const width = Math.max(0, ...groups.map((group) => group.length));
  return [
    ...groups.map((group) => {
      const seconds = results.reduce((sum, one) => sum + (one.group === group ? one.ms : 0), 0) / 1000;
      return `${group.padEnd(width)}  passed ${String(count(group, 'passed')).padStart(3)}  failed ${count(group, 'failed')}  skipped ${count(group, 'skipped')}  ${seconds.toFixed(0)} s`;
    }),
    ...results.filter(({ verdict }) => verdict !== 'passed').map(({ group, name, verdict }) => `${verdict}: ${group}: ${name}`),
  ].join('\n');
}
