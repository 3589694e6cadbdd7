"""The style sheet of the review page, in light and in dark; it holds no data."""

from __future__ import annotations

from typing import Final

_LIGHT: Final = (
    "--paper:#fff;--raised:#f6f8fa;--text:#1f2328;--muted:#59636e;--line:#d1d9e0;"
    "--link:#0550ae;--add:#1a7f37;--add-on:#e6f9ea;--gone:#b4232c;--gone-on:#fff1ef;"
    "--other:#7d4e00;--other-on:#fff8d6;--stop:#b4232c;--stop-on:#fff1ef;"
    "--on-sign:#fff"
)

_DARK: Final = (
    "--paper:#0d1117;--raised:#151b23;--text:#f0f6fc;--muted:#a3abb5;--line:#363d47;"
    "--link:#79b8ff;--add:#56d364;--add-on:#11271c;--gone:#ff8a80;--gone-on:#2a1619;"
    "--other:#e3b341;--other-on:#29210f;--stop:#ff8a80;--stop-on:#2a1619;"
    "--on-sign:#0d1117"
)

_RULES: Final = """
*{box-sizing:border-box}
html{scroll-padding-top:1rem;-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--text);
font:16px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans",Helvetica,Arial,sans-serif}
code,.lines,.codes{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,
"DejaVu Sans Mono",monospace;font-size:.875em}
code{overflow-wrap:break-word}
a{color:var(--link);text-underline-offset:.15em}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{
outline:3px solid var(--link);outline-offset:2px;border-radius:4px}
.skip{position:absolute;left:-99rem}
.skip:focus{left:1rem;top:1rem;background:var(--paper);padding:.5rem 1rem;z-index:9}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;
clip-path:inset(50%);white-space:nowrap}
header,nav,main,footer{max-width:84rem;margin:0 auto;padding:0 1.5rem}
header{padding-top:1.5rem}
h1{font-size:1.125rem;margin:0 0 .75rem}
.summary{margin:0;max-width:60rem}
.summary div{display:grid;grid-template-columns:14rem minmax(0,1fr);gap:0 1rem;
padding:.25rem 0}
.summary dt{color:var(--muted)}
.summary dd{margin:0;overflow-wrap:anywhere}
.summary p{margin:0}
.summary .what dd{font-size:1.375rem;line-height:1.3;font-weight:600;
text-wrap:pretty}
.summary .what dt{padding-top:.35rem}
.summary .what p+p{font-size:1rem;font-weight:400;margin-top:.25rem}
.summary .bad{color:var(--stop);font-weight:600}
.summary .lost{color:var(--other);font-weight:600}
.summary .asked{font-weight:600}
.summary .asked dt{color:var(--text)}
.summary .asked p+p{font-weight:400}
nav{margin-top:1.75rem}
nav h2{position:absolute;left:-99rem}
nav ul{list-style:none;margin:0;padding:0;border:1px solid var(--line);
border-radius:8px;overflow:hidden}
nav li+li{border-top:1px solid var(--line)}
nav a{display:flex;flex-wrap:wrap;align-items:center;gap:.1rem .75rem;
padding:.55rem 1rem;
text-decoration:none;color:var(--text);min-height:2.75rem}
nav a:hover{background:var(--raised)}
nav a:focus-visible{outline-offset:-3px}
nav .name{font-weight:600}
nav .becomes{color:var(--muted)}
nav .cost{margin-left:auto;color:var(--muted);font-variant-numeric:tabular-nums;
text-align:right}
.sign{flex:none;display:inline-grid;place-items:center;width:1.6rem;height:1.6rem;
border-radius:6px;border:2px solid var(--muted);color:var(--muted);
font:700 1rem/1 ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.create .sign,.sign.create{background:var(--add);border-color:var(--add);
color:var(--on-sign)}
.update .sign,.sign.update{border-color:var(--other);color:var(--other)}
.delete .sign,.sign.delete{border:2px dashed var(--gone);color:var(--gone)}
.refuse .sign,.sign.refuse{background:var(--stop);border-color:var(--stop);
color:var(--on-sign);border-radius:50%}
.group{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:2rem}
.group>h2{font-size:1.25rem;line-height:1.35;margin:0;display:flex;flex-wrap:wrap;
align-items:center;gap:.35rem .75rem}
.group>h2 .becomes{font-weight:400}
.title,.keys{color:var(--muted);margin:.35rem 0 0}
.keys span{display:inline-block;margin-right:.75em}
.reasons{margin:.75rem 0 0;padding-left:1.25rem}
.next{border-top:1px solid var(--line);margin-top:2.5rem;padding-top:2rem}
.next h2{font-size:1.25rem;margin:0}
.next p{margin:.5rem 0 .25rem;max-width:60rem}
.next ol,.next ul{padding-left:1.5rem;margin:.25rem 0;max-width:60rem}
.next ol>li{margin-top:.75rem}
.next ol>li::marker{font-weight:600}
pre{margin:.15rem 0 0;padding:.3rem .6rem;background:var(--paper);
border:1px solid var(--line);border-radius:6px;white-space:pre-wrap;user-select:all}
pre{overflow-x:auto}
pre span{white-space:nowrap}
h3{font-size:.9375rem;margin:1.5rem 0 .5rem}
.cols{display:grid;grid-template-columns:minmax(0,1fr) minmax(0,26rem);gap:0 2rem;
align-items:start}
.cols.wide{grid-template-columns:minmax(0,1fr)}
.what-changes{min-width:0}
figure{margin:1.5rem 0 0;min-width:0}
@media (min-width:60rem){.cols:not(.wide) figure{position:sticky;top:1rem}}
figure summary{color:var(--muted);font-size:.875rem;margin-bottom:.5rem;cursor:pointer}
.graph{overflow:auto;border:1px solid var(--line);border-radius:8px;
padding:.5rem;text-align:center}
.graph svg{max-width:100%;height:auto}
.graph.tall svg{max-height:85vh}
@media (max-width:40rem){.graph{padding:.25rem}}
input.full{margin:0 .4rem .6rem 0}
.full:checked~.graph{max-height:85vh}
.full:checked~.graph svg{max-width:none;max-height:none}
@media (min-width:40rem){.seldom{display:none}}
.change{border:1px solid var(--line);border-radius:8px;margin:0 0 .75rem;
overflow:hidden}
.change h4{display:flex;flex-wrap:wrap;gap:.25rem 1rem;justify-content:space-between;
align-items:baseline;margin:0;padding:.4rem .75rem;background:var(--raised);
font-size:.875rem}
.change h4 a{font-weight:400;padding:.1rem .25rem}
.change:target{outline:3px solid var(--link)}
svg.flow64 :target .box{stroke-width:5px}
.lines{list-style:none;margin:0;padding:.35rem 0}
.lines li{display:grid;grid-template-columns:1.5rem minmax(0,1fr);padding:.1rem .75rem;
overflow-wrap:anywhere;white-space:pre-wrap}
.lines .s{font-weight:700;color:var(--muted)}
.lines .add{background:var(--add-on)}.lines .add .s{color:var(--add)}
.lines .gone{background:var(--gone-on)}.lines .gone .s{color:var(--gone)}
.lines .other{background:var(--other-on)}.lines .other .s{color:var(--other)}
.lines .in{padding-left:2.25rem}
del{text-decoration:none;background:var(--gone-on);border-bottom:2px dashed var(--gone)}
ins{text-decoration:none;background:var(--add-on);border-bottom:2px solid var(--add)}
.like{margin:0 0 .5rem}
.facts{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.25rem 1.25rem;
margin:1.5rem 0 0}
.facts dt{color:var(--muted)}
.facts dd{margin:0}
.facts ul{margin:0;padding:0;list-style:none}
.spends{font-weight:700}
.source{margin:1.5rem 0 0;border:1px solid var(--line);border-radius:8px}
.source summary{padding:.5rem .75rem;font-weight:600;cursor:pointer}
.codes{list-style:none;margin:0;padding:.35rem 0;border-top:1px solid var(--line)}
.codes li{display:grid;grid-template-columns:1.5rem minmax(0,1fr);padding:0 .75rem;
white-space:pre-wrap}
.codes .s{font-weight:700;color:var(--muted)}
.codes .add{background:var(--add-on)}.codes .add .s{color:var(--add)}
.codes .gone{background:var(--gone-on)}.codes .gone .s{color:var(--gone)}
.codes code{font-size:1em}
.codes .at{display:block;color:var(--muted);background:var(--raised)}
.no-code{color:var(--muted);margin:1.5rem 0 0}
footer{margin-top:3rem;padding-bottom:3rem;color:var(--muted);font-size:.875rem}
footer h2{font-size:1rem;color:var(--text);margin:0 0 .25rem}
footer ul{margin:0 0 1.5rem;padding-left:1.25rem}
@media (max-width:60rem){.cols{grid-template-columns:minmax(0,1fr)}
.facts{grid-template-columns:minmax(0,1fr)}.facts dd{margin-bottom:.5rem}
.summary div{grid-template-columns:minmax(0,1fr)}
header,nav,main,footer{padding-left:1rem;padding-right:1rem}}
@media (forced-colors:active){.sign,.change,.lines li{forced-color-adjust:auto}}
@media print{.graph{max-height:none;overflow:visible}nav,.skip{display:none}}
"""

STYLE: Final = (
    f":root{{color-scheme:light dark;{_LIGHT}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}{_RULES}"
)
