/** What the laboratory's report adds to the style of all reports. */
export const LAB_STYLE = `
:root{--heat:0,114,178}
@media (prefers-color-scheme:dark){:root{--heat:74,163,216}}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(240px,1fr));gap:12px;margin-top:18px}
.tile{border:1px solid var(--line);border-radius:10px;padding:12px 14px}
.tile b{display:block;font-size:25px;line-height:1.2;font-variant-numeric:tabular-nums;letter-spacing:-.01em}
.tile span{color:var(--soft);font-size:12.5px;line-height:1.35;display:block}
.tile .goal{margin-top:6px;font-weight:600}.tile .met{color:var(--good)}.tile .missed{color:var(--bad)}
h3{margin-top:26px}
.lead{max-width:85ch;margin-top:8px}
td.heat{text-align:center;padding:5px 4px;min-width:52px}
td.heat small,td .ci{color:var(--soft);font-size:11.5px}
th.mid{text-align:center}
.compact td,.compact th{padding:3px 5px;font-size:12.5px}
.compact td.heat{min-width:30px;font-size:11.5px;padding:3px 2px}
.turned th{height:188px;vertical-align:bottom}
.turned th.turn{padding:0;width:30px;min-width:30px}
.turned th.turn span{writing-mode:vertical-rl;transform:rotate(180deg);white-space:nowrap;font-weight:500;font-size:12px;padding:4px 0}
td.about{white-space:normal;min-width:24ch;text-align:left}
td.about p{color:var(--soft);font-size:12.5px;line-height:1.35}
.rocs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,285px),1fr));gap:18px 16px;margin-top:14px}
.rocs svg{width:100%;height:auto;display:block}
.legend{display:flex;flex-wrap:wrap;gap:6px 18px;margin-top:14px;font-size:13px}
.legend svg{vertical-align:middle;margin-right:7px}
.bar{display:flex;height:14px;min-width:180px;border-radius:3px;overflow:hidden;background:var(--none-bg)}
.bar i{display:block;height:100%}
.right{background:#0072b2}.undecided{background:#e69f00}.paid{background:#cc79a7}.wronged{background:#d5410b}
.key i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:6px;vertical-align:-1px}
td.barcell{width:36%}
details{margin-top:22px}summary{cursor:pointer;font-weight:600}
ul.notes{margin:10px 0 0;padding-left:18px;max-width:95ch}ul.notes li{margin:5px 0}
`;
