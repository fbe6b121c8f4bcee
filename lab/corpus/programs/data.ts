import { LINE_BYTES } from '../inputs/records.ts';
import type { LabProgram } from './program.ts';

const MB = 1_000_000;
const python = (source: string) => `python3 -c '${source}'`;

/** Databases, tables and documents. */
export const DATA_PROGRAMS: LabProgram[] = [
  {
    name: 'sqlite-report', kind: 'database', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'sales', bytes: 6 * MB }, other: { suffix: 'small', bytes: 2 * MB },
    script: (work) => `cd /outputs && sqlite3 sales.db <<'END' > report.csv
.mode csv
.import /inputs/data sales
create index by_item on sales(item, country);
select item, country, count(*), sum(revenue), max(profit) from sales where rowid <= ${work} * (select count(*) from sales) group by item, country order by 1, 2;
select a.item, count(*) from sales a join sales b on a.rowid = b.rowid + 1 where a.rowid <= ${work} * (select count(*) from sales) and a.price < b.price group by a.item;
END`,
  },
  {
    name: 'python-csv', kind: 'CSV transform', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'sales', bytes: 6 * MB },
    script: (work, bytes) => python(`
import csv
last = ${Math.floor((work * bytes) / LINE_BYTES.sales)}
with open("/inputs/data", newline="") as source, open("/outputs/clean.csv", "w", newline="") as sink:
    out = csv.writer(sink)
    for number, row in enumerate(csv.DictReader(source)):
        if number < last:
            row["margin"] = round(float(row["profit"]) / float(row["revenue"]), 4)
            row["country"] = row["country"].upper()
        out.writerow(row.values())
`),
  },
  {
    name: 'python-json', kind: 'JSON transform', deterministic: true, image: 'tools', knob: true,
    input: { kind: 'json', bytes: 6 * MB }, other: { suffix: 'small', bytes: 2 * MB },
    script: (work, bytes) => python(`
import json
last = ${Math.floor((work * bytes) / LINE_BYTES.json)}
orders = {}
for number, line in enumerate(open("/inputs/data")):
    if number >= last: continue
    order = json.loads(line)
    entry = orders.setdefault(order["customer"]["name"], {"orders": 0, "items": {}})
    entry["orders"] += 1
    for item in order["items"]: entry["items"][item["sku"]] = entry["items"].get(item["sku"], 0) + item["count"]
json.dump(orders, open("/outputs/customers.json", "w"), sort_keys=True, indent=1)
`),
  },
  {
    name: 'jq-flatten', kind: 'JSON transform', deterministic: true, image: 'tools',
    input: { kind: 'json', bytes: 6 * MB },
    script: () => 'jq -r \'. as $o | .items[] | [$o.id, $o.when, $o.customer.country, .sku, .count] | @csv\' /inputs/data > /outputs/items.csv',
  },
  {
    name: 'miller-stats', kind: 'CSV transform', deterministic: true, image: 'tools', cpus: 2,
    input: { kind: 'sales', bytes: 6 * MB },
    script: () => 'mlr --icsv --ojson stats1 -a mean,p50,p99,count -f revenue,profit -g item,country then sort -f item,country /inputs/data > /outputs/stats.json',
  },
  {
    name: 'samtools-sort', kind: 'genomics', deterministic: true, image: 'tools',
    input: { kind: 'reads', bytes: 6 * MB },
    script: () => `cd /outputs && { for i in 1 2 3 4 5; do printf "@SQ\\tSN:chr$i\\tLN:2000000\\n"; done; cat /inputs/data; } | samtools sort --no-PG -O bam -m 8M -T /outputs/part -o sorted.bam - && samtools index sorted.bam && samtools depth sorted.bam | cksum`,
  },
  {
    name: 'perl-hash-order', kind: 'aggregation', deterministic: false, image: 'tools',
    input: { kind: 'prose', bytes: 3 * MB },
    // Perl seeds its hash function anew in each process, and the order of keys with it.
    script: () => 'perl -ne \'for (split) { $count{$_}++; $count{substr $_, 0, 3}++ } END { print "$_ $count{$_}\\n" for keys %count }\' /inputs/data > /outputs/words.txt',
  },
  {
    name: 'stamped-log', kind: 'text pipeline', deterministic: false, image: 'tools',
    input: { kind: 'log', bytes: 6 * MB },
    script: () => 'gawk \'{ print strftime("%FT%T"), PROCINFO["pid"], $1, gensub(/([0-9])/, "<\\\\1>", "g", $6), $8 } NR % 20000 == 0 { "date +%s%N" | getline now; close("date +%s%N"); print "at", now }\' /inputs/data > /outputs/stamped.log',
  },
];
