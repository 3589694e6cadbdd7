"""The colours and lines of an SVG picture, in light and in dark."""

from __future__ import annotations

from typing import Final

from attrs import frozen


@frozen
class _Palette:
    """Colours by purpose. A mark has one for lines and one to fill with."""

    paper: str
    text: str
    muted: str
    fill: str
    line: str
    edge: str
    frame: str
    added: tuple[str, str]
    removed: tuple[str, str]
    changed: tuple[str, str]
    moved: tuple[str, str]
    broken: tuple[str, str]


_LIGHT: Final = _Palette(
    paper="#ffffff",
    text="#1f2328",
    muted="#59636e",
    fill="#f6f8fa",
    line="#8c959f",
    edge="#818b98",
    frame="#d1d9e0",
    added=("#1a7f37", "#e6f9ea"),
    removed=("#cf222e", "#fff1ef"),
    changed=("#9a6700", "#fff8d6"),
    moved=("#0969da", "#e7f4ff"),
    broken=("#cf222e", "#ffebe9"),
)

_DARK: Final = _Palette(
    paper="#0d1117",
    text="#f0f6fc",
    muted="#a3abb5",
    fill="#171d26",
    line="#6e7681",
    edge="#7d8590",
    frame="#363d47",
    added=("#3fb950", "#11271c"),
    removed=("#f85149", "#2a1619"),
    changed=("#d29922", "#29210f"),
    moved=("#4c9bfa", "#10213a"),
    broken=("#f85149", "#3a1418"),
)

_FONT: Final = 'ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace'

_LINES: Final = (
    f"text{{font-family:{_FONT};text-anchor:middle}}",
    ".title{font-size:16px;font-weight:600;text-anchor:start}",
    ".counts,.words,.frame-name{font-size:11px;text-anchor:start}",
    ".name{font-size:13px;font-weight:600}",
    ".small{font-size:11px}",
    ".rows-name{font-size:10px;font-weight:600;letter-spacing:.4px}",
    ".mark-sign,.spends-sign{font-size:12px;font-weight:700}",
    ".line,.out,.side,.frame{fill:none}",
    ".line{stroke-width:1.5;stroke-linecap:round}",
    ".foot{stroke-width:4}",
    ".out{stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}",
    ".added .line,.added .box,.broken .box{stroke-width:2.5}",
    ".changed .box,.moved .box{stroke-width:2}",
    ".removed .line,.removed .box,.removed .side{stroke-dasharray:6 4}",
    ".removed .name{text-decoration:line-through}",
    ".changed .line{stroke-dasharray:1 5;stroke-width:2.5}",
    ".frame-name{stroke-width:5px;paint-order:stroke;stroke-linejoin:round}",
    "a:focus-visible{outline:none}",
    "a:focus-visible .box,a:hover .box{stroke-width:4}",
)


def _list_colours(palette: _Palette) -> tuple[str, ...]:
    marks = {
        "added": palette.added,
        "removed": palette.removed,
        "changed": palette.changed,
        "moved": palette.moved,
        "broken": palette.broken,
    }
    found = [
        f".paper{{fill:{palette.paper}}}",
        f"text{{fill:{palette.text}}}",
        f".small,.counts,.words,.frame-name,.rows-name{{fill:{palette.muted}}}",
        f".box{{fill:{palette.fill};stroke:{palette.line}}}",
        f".side,.foot{{stroke:{palette.line}}}",
        f".line{{stroke:{palette.edge}}}.tip{{fill:{palette.edge}}}",
        f".frame{{stroke:{palette.frame}}}.frame-name{{stroke:{palette.paper}}}",
        f".rows{{fill:{palette.paper};stroke:{palette.frame}}}",
        f".spends{{fill:{palette.paper};stroke:{palette.line}}}",
        f".spends-sign{{fill:{palette.text}}}.out{{stroke:{palette.text}}}",
        f".mark-sign{{fill:{palette.paper}}}",
    ]
    for mark, (line, fill) in marks.items():
        found += [
            f".{mark} .box{{fill:{fill};stroke:{line}}}",
            f".{mark} .line,.{mark} .foot,.{mark} .side{{stroke:{line}}}",
            f".{mark} .tip,.{mark} .mark{{fill:{line}}}",
        ]
    return tuple(found)


def _limit_rules(rules: tuple[str, ...]) -> str:
    """Limit rules to our pictures, on any page."""
    made: list[str] = []
    for rule in "".join(rules).split("}")[:-1]:
        selectors, _, body = rule.partition("{")
        each = ",".join(f".flow64 {one}" for one in selectors.split(","))
        made.append(f"{each}{{{body}}}")
    return "".join(made)


STYLE: Final = (
    _limit_rules(_LINES)
    + _limit_rules(_list_colours(_LIGHT))
    + f"@media (prefers-color-scheme:dark){{{_limit_rules(_list_colours(_DARK))}}}"
)
"""The style sheet of every picture. Nothing in it comes from a definition."""
