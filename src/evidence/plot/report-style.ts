/** Style of the report: no external resource, light and dark, readable on a phone and on paper. */
export const REPORT_STYLE = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#1d2733;--soft:#5d6b7a;--line:#dfe5eb;--good:#00734f;--good-bg:#e2f3ec;--bad:#b3340a;--bad-bg:#fcebe4;--none:#5d6b7a;--none-bg:#eceff3;--bar:#0072b2;--link:#00598c}
@media (prefers-color-scheme:dark){:root{--bg:#10161d;--card:#18212b;--ink:#e6ebf0;--soft:#9aa8b6;--line:#2d3844;--good:#5bd6a8;--good-bg:#12372b;--bad:#ff9468;--bad-bg:#43200f;--none:#9aa8b6;--none-bg:#26313c;--bar:#4aa3d8;--link:#7cc4f0}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 ui-sans-serif,system-ui,-apple-system,"Segoe UI",sans-serif}
main{max-width:1280px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:28px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em}
h2{font-size:20px;margin:0;line-height:1.3}
h3{font-size:13px;margin:0 0 10px;font-weight:600}
p{margin:0}
.sub{color:var(--soft);max-width:75ch}
section{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:22px 24px;margin-top:24px}
.top{display:flex;gap:12px;align-items:baseline;flex-wrap:wrap}
.headline{font-size:17px;margin:10px 0 4px;max-width:85ch}
.meta{color:var(--soft);font-size:13px;overflow-wrap:anywhere}
.tag{display:inline-block;padding:1px 9px;border-radius:999px;font-size:12.5px;font-weight:600;white-space:nowrap;background:var(--none-bg);color:var(--none)}
.tag.agreed{background:var(--good-bg);color:var(--good)}
.tag.deviated{background:var(--bad-bg);color:var(--bad)}
.scroll{overflow-x:auto;margin:16px 0 4px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:13.5px}
th,td{padding:7px 8px;border-bottom:1px solid var(--line);text-align:right;white-space:nowrap;vertical-align:top}
th{color:var(--soft);font-size:12.5px;font-weight:600;vertical-align:bottom}
th:first-child,td:first-child,th.text,td.text{text-align:left}
th:first-child,td:first-child{padding-left:0}
td.wide{white-space:normal;min-width:14ch}
tr:has(+tr.reason) td{border-bottom:0;padding-bottom:1px}
tr.reason td{white-space:normal;color:var(--soft);font-size:13px;padding:0 12px 9px 0}
tr.deviated.reason td{color:var(--bad)}
a{color:var(--link);font-weight:600;text-decoration:none}a:hover{text-decoration:underline}
.swatch{display:inline-block;vertical-align:middle;margin-right:8px}
.node{color:var(--soft);font-size:12.5px;font-family:ui-monospace,SFMono-Regular,Menlo,monospace}
.up{color:var(--good)}.down{color:var(--bad)}.far{color:var(--bad);font-weight:600}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:18px 22px;margin-top:20px}
.charts svg{width:100%;height:auto;display:block}
.below{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:22px 32px;margin-top:24px;border-top:1px solid var(--line);padding-top:18px}
.bars{display:grid;grid-template-columns:max-content 1fr max-content;gap:5px 12px;align-items:center;font-size:13.5px;font-variant-numeric:tabular-nums}
.bars i{display:block;height:8px;border-radius:2px;background:var(--bar);min-width:2px}
.bars .sum{font-weight:600}
@media (max-width:600px){main{padding:20px 12px 48px}section{padding:16px 14px}th,td{padding:6px 8px}}
@media print{section{break-inside:avoid;border-color:#bbb}}
`;
