import { LINE_BYTES, type RecordKind } from '../inputs/records.ts';
import type { LabProgram } from './program.ts';

const MB = 1_000_000;
/** Number of the line up to which the work is done. */
const upTo = (kind: RecordKind, work: number, bytes: number) => Math.floor((work * bytes) / LINE_BYTES[kind]);

/** Pipelines of the classical tools. */
export const TEXT_PROGRAMS: LabProgram[] = [
  {
    name: 'unzip-sed', kind: 'text pipeline', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'zip', bytes: 6 * MB }, other: { suffix: 'small', bytes: 2 * MB },
    script: (work, bytes) => `unzip -p /inputs/data | sed -E -e '1,${upTo('sales', work, bytes)}s/([0-9]{4})-([0-9]{2})-([0-9]{2})/\\3.\\2.\\1/g' -e 's/,/;/g' > /outputs/sales.csv`,
  },
  {
    name: 'sort-csv', kind: 'sort', deterministic: true, image: 'tools',
    input: { kind: 'sales', bytes: 6 * MB }, other: { suffix: 'large', bytes: 16 * MB },
    script: () => 'sort -t, -k2,2 -k11,11rn /inputs/data > /outputs/sorted.csv',
  },
  {
    name: 'sort-parallel', kind: 'multi-thread', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'sales', bytes: 16 * MB },
    script: () => 'sort --parallel=2 -S 4M -T /outputs -t, -k12,12n /inputs/data > /outputs/sorted.csv',
  },
  {
    name: 'awk-totals', kind: 'aggregation', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'sales', bytes: 16 * MB },
    script: (work, bytes) => `gawk -F, 'NR > 1 && NR <= ${upTo('sales', work, bytes)} { split($5, d, "-"); k = $1 "," $2 "," d[1]; n[k] += $8; r[k] += $11; if ($12 > m[k]) m[k] = $12 }
      END { PROCINFO["sorted_in"] = "@ind_str_asc"; for (k in n) printf "%s,%d,%.2f,%.2f\\n", k, n[k], r[k], m[k] }' /inputs/data > /outputs/totals.csv`,
  },
  {
    name: 'grep-errors', kind: 'search', deterministic: true, image: 'tools',
    input: { kind: 'log', bytes: 6 * MB }, other: { suffix: 'large', bytes: 16 * MB },
    script: () => 'grep -E \'GET /(api|reports)[^ ]*id=[0-9]*([0-9])\\2 HTTP/1.1" (404|500)\' /inputs/data > /outputs/errors.log; grep -oE "id=[0-9]+" /inputs/data | sort -u | wc -l',
  },
  {
    name: 'word-frequency', kind: 'text pipeline', deterministic: true, image: 'tools',
    input: { kind: 'prose', bytes: 3 * MB },
    script: () => 'tr -cs a-z "\\n" < /inputs/data | sort | uniq -c | sort -k1,1rn -k2 > /outputs/words.txt',
  },
  {
    name: 'log-report', kind: 'text pipeline', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'gzip', bytes: 6 * MB },
    script: (work, bytes) => `zcat < /inputs/data | mawk 'NR <= ${upTo('log', work, bytes)} { split($6, p, "[?]"); hits[p[1]]++; bytes[p[1]] += $9; seen[$1]++ }
      END { for (h in hits) print h, hits[h], bytes[h]; for (a in seen) print a, seen[a] }' | sort > /outputs/report.txt`,
  },
  {
    name: 'cut-columns', kind: 'CSV transform', deterministic: true, image: 'tools',
    input: { kind: 'sales', bytes: 16 * MB },
    script: () => 'cut -d, -f1,2,6,12 /inputs/data | tr A-Z a-z | sed -e "s/,/\\t/g" > /outputs/columns.tsv',
  },
];
