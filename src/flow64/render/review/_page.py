"""A review as a page of its own: HTML without a script, which asks for nothing.

Its graphs and its changes lead to each other by plain links, so a keyboard does, and
nothing in the data has a place where it could act: all of it is text.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import Final

from attrs import define, frozen

from ...definition import canonical_id
from ...diff import Estimate, Line, Section
from ...plan import Review
from ...redaction import redact_keys
from ...text import pluralize, printable
from .._graph import Graph, Node, graph_between
from .._style import STYLE as GRAPH_STYLE
from .._svg import anchors, picture
from ._facts import Writing, list_facts
from ._grouping import Group, group_alike
from ._page_style import STYLE
from ._source import source_of
from ._words import (
    SIGNS,
    becomes,
    changes_title,
    cost_change,
    headline,
    keeps_ids,
    of_them,
    ways_on,
)

MOST_BLOCKS: Final = 2_000
"""Blocks that all graphs of a page have together; further graphs are left out."""

MOST_LINES: Final = 500
"""Lines of changes that are shown of one group in one list."""

MOST_CODE: Final = 400
"""Lines of code that are shown of one group."""

ALL_LINES: Final = 10_000
"""Lines of changes that a page shows."""

MOST_NAMED: Final = 12
"""Workflows of one group that are named without a click."""

WIDE: Final = 9
"""Blocks from which on a graph has the whole width."""


def as_html(review: Review) -> str:
    """A review as an HTML page, whole in one file.

    It loads nothing and runs nothing, and says so to the browser as well. What differs
    is told by sign and by shape, and not by colour alone.
    """
    groups = group_alike(review.notable)
    room = _Room(MOST_BLOCKS, ALL_LINES)
    parts = [
        *_head(review, groups),
        *_index(groups),
        "<main id=main>",
        *(
            line
            for number, group in enumerate(groups, 1)
            for line in _group(group, number, room)
        ),
        *([] if groups else ["<p class=empty>Nothing here needs a decision.</p>"]),
        "</main>",
        *_foot(review, room),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


@define
class _Room:
    """Blocks and lines that may still be shown, and graphs and lines left out."""

    blocks: int
    lines: int
    undrawn: int = 0
    unsaid: int = 0


# -- Text ------------------------------------------------------------------------------


def _text(found: object) -> str:
    """Text of data as text of a page, and as nothing else."""
    return escape(printable(redact_keys(str(found))))


def _code(found: str) -> str:
    return f"<code>{_text(found)}</code>"


def _hash(style: str) -> str:
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


# -- The page --------------------------------------------------------------------------


def _head(review: Review, groups: Sequence[Group]) -> Iterator[str]:
    line = headline(review, groups, _code)
    policy = (
        f"default-src 'none'; style-src {_hash(STYLE)} {_hash(GRAPH_STYLE)}; "
        "base-uri 'none'; form-action 'none'"
    )
    about = "of two folders" if review.env is None else f"for {_code(review.env)}"
    yield "<!doctype html>"
    yield '<html lang="en">'
    yield "<head>"
    yield '<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    yield '<meta name="referrer" content="no-referrer">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<title>flow64 review</title>"
    yield f"<style>{STYLE}</style>"
    yield f"<style>{GRAPH_STYLE}</style>"
    yield "</head>"
    yield "<body>"
    yield '<a class="skip" href="#main">Skip to the changes</a>'
    yield "<header>"
    yield f"<h1>flow64 review {about}</h1>"
    yield f'<p class="what">{line.what}</p>'
    if line.facts:
        parts = "".join(f"<li>{fact}</li>" for fact in line.facts)
        yield f'<ul class="more">{parts}</ul>'
    yield "</header>"


def _index(groups: Sequence[Group]) -> Iterator[str]:
    if not groups:
        return
    yield '<nav aria-labelledby="index"><h2 id="index">Workflows</h2><ul>'
    for number, group in enumerate(groups, 1):
        cost = cost_change(group, Estimate.brief)
        money = f'<span class="cost">{_text(cost)}</span>' if cost else ""
        yield (
            f'<li class="{group.one.action}"><a href="#g{number}">{_sign(group)}'
            f'<span class="name">{_called(group)}</span>'
            f'<span class="becomes">{becomes(group)}</span>{money}</a></li>'
        )
    yield "</ul></nav>"


def _sign(group: Group) -> str:
    return f'<span class="sign" aria-hidden="true">{SIGNS[group.one.action]}</span>'


def _called(group: Group) -> str:
    number = len(group.views)
    return _code(group.label) + (f" ({number:,})" if number > 1 else "")


def _foot(review: Review, room: _Room) -> Iterator[str]:
    yield "<footer>"
    if review.renames:
        yield "<h2>Possibly renamed</h2><ul>"
        for rename in review.renames:
            was = keeps_ids(rename)
            keeps = f": {_code(was)} keeps its ids" if was else ""
            yield f"<li>{_code(rename.orphan)} → {_code(rename.key)}{keeps}</li>"
        yield "</ul>"
    if review.not_checked:
        yield "<h2>Not checked</h2><ul>"
        yield from (f"<li>{_text(doubt)}</li>" for doubt in review.not_checked)
        yield "</ul>"
    cut = [pluralize(room.undrawn, "graph")] if room.undrawn else []
    cut += [f"{pluralize(room.unsaid, 'line')} of changes"] if room.unsaid else []
    if cut:
        yield f"<p>Not shown here, for want of room: {' and '.join(cut)}.</p>"
    yield "</footer>"


# -- A group ---------------------------------------------------------------------------


@frozen
class _Drawn:
    """The graph of a group, and where its blocks and its changes are on the page.

    Attributes:
        number: Which group.
        svg: The picture; nothing where there is none.
        blocks: How many blocks it has.
        places: The name of a block in the picture, by its id.
    """

    number: int
    svg: str = ""
    blocks: int = 0
    places: dict[str, str] | None = None

    def change(self, block: str) -> str | None:
        """The name of the place where the changes of a block stand."""
        place = (self.places or {}).get(block)
        return None if place is None else f"change-{place}"


def _group(group: Group, number: int, room: _Room) -> Iterator[str]:
    one = group.one
    yield (
        f'<section class="group {one.action}" id="g{number}" '
        f'aria-labelledby="g{number}-name">'
    )
    yield (
        f'<h2 id="g{number}-name">{_sign(group)}{_called(group)} '
        f'<span class="becomes">{becomes(group)}</span></h2>'
    )
    yield from _who(group)
    yield from _why(group)
    changes = _with_room(group.first.change_sections, room)
    drawn = _drawn(group, number, changes, room)
    wide = " wide" if drawn.blocks >= WIDE or not drawn.svg else ""
    yield f'<div class="cols{wide}"><div class="what-changes">'
    if one.edits:
        yield "<h3>Edited on the service</h3>"
        yield from _changes(_with_room(group.first.edit_sections, room))
    yield from _like(group)
    if one.changes:
        yield f"<h3>{changes_title(group).capitalize()}</h3>"
        yield from _changes(changes, drawn)
    if group.first.follow_sections:
        yield "<h3>What follows</h3>"
        yield from _changes(_with_room(group.first.follow_sections, room))
    yield from _facts(group)
    if group.has_source:
        yield from _source(group, room)
    yield "</div>"
    if drawn.svg:
        first = "" if len(group.views) == 1 else f" of {_code(group.first.step.key)}"
        leads = "" if group.first.is_new else "; its marked blocks lead to the changes"
        yield (
            f'<figure id="graph-{number}"><figcaption>The graph{first}{leads}'
            '</figcaption><div class="graph" tabindex="0" role="group" '
            f'aria-label="The graph of group {number}">'
        )
        yield drawn.svg
        yield "</div></figure>"
    yield "</div></section>"


def _who(group: Group) -> Iterator[str]:
    keys = group.keys
    if len(keys) == 1:
        if group.one.name:
            yield f'<p class="title">{_text(group.one.name)}</p>'
        return
    named = "".join(_code(key) for key in keys[:MOST_NAMED])
    yield f'<p class="keys">{named}</p>'
    if more := keys[MOST_NAMED:]:
        rest = "".join(_code(key) for key in more)
        yield f"<details><summary>{len(more):,} more</summary>"
        yield f'<p class="keys">{rest}</p></details>'


def _why(group: Group) -> Iterator[str]:
    one = group.one
    if group.reasons:
        yield '<ul class="reasons">'
        for reason, number in group.reasons:
            yield f"<li>{_text(reason)}{of_them(number, group)}</li>"
        yield "</ul>"
    if one.action != "refuse":
        return
    yield '<div class="ways"><h3>Ways on</h3><ul>'
    for words, text in ways_on(group):
        yield f"<li>{words}{f': {_code(text)}' if text else ''}</li>"
    yield "</ul></div>"


def _like(group: Group) -> Iterator[str]:
    """What is otherwise than in most workflows; below it all changes are told."""
    if group.like is None:
        return
    yield f'<div class="like">It changes what {_called(group.like)} change.'
    for words, found in (("Not so:", group.without), ("Besides:", group.besides)):
        if found:
            yield f"{words}<ul>"
            for section in found:
                about = f"{_text(section.title)}: " if section.title else ""
                lines = "; ".join(_said(line) for line in section.lines)
                yield f"<li>{about}{lines}</li>"
            yield "</ul>"
    yield "</div>"


_WRITING: Final = Writing(_code, _text, lambda line: _code(line.strip()), 40)


def _facts(group: Group) -> Iterator[str]:
    facts = [*list_facts(group, _WRITING)]
    if not facts:
        return
    yield '<dl class="facts">'
    for fact in facts:
        text = fact.texts[0] if len(fact.texts) == 1 else _listed(fact.texts)
        style = ' class="spends"' if fact.is_warning else ""
        label = fact.label[:1].upper() + fact.label[1:]
        yield f"<dt>{label}</dt><dd{style}>{text}</dd>"
    yield "</dl>"


def _source(group: Group, room: _Room) -> Iterator[str]:
    """What changes as code, behind a click."""
    found = source_of(group.first)
    if not found.lines:
        told = "As flow64 code nothing differs"
        if found.problem is not None:
            told = f"Not shown as code: {_text(found.problem)}"
        yield f'<p class="no-code">{told}.</p>'
        return
    lines = found.lines[: min(MOST_CODE, room.lines)]
    room.lines -= len(lines)
    first = "" if len(group.views) == 1 else f", of {_code(group.first.step.key)}"
    yield f'<details class="source"><summary>As flow64 code{first}</summary>'
    yield '<ul class="codes">'
    for line in lines:
        if line.startswith("@"):
            yield f'<li class="at"><code>{_text(line)}</code></li>'
            continue
        style, spoken = _CODE[line[:1]]
        yield (
            f'<li class="{style}"><span class="s"><span aria-hidden="true">'
            f'{line[:1]}</span><span class="hidden">{spoken}</span></span>'
            f"<code>{_text(line[1:])}</code></li>"
        )
    if more := len(found.lines) - len(lines):
        yield f"<li>… and {pluralize(more, 'more line')}</li>"
    yield "</ul></details>"


_CODE: Final = {
    "+": ("add", "added"),
    "-": ("gone", "removed"),
    " ": ("as-is", "unchanged"),
}
"""How a line of code looks, and how its sign is read aloud."""


def _listed(found: Iterable[str]) -> str:
    return f"<ul>{''.join(f'<li>{one}</li>' for one in found)}</ul>"


# -- Changes and the graph -------------------------------------------------------------


def _drawn(group: Group, number: int, found: Sequence[Section], room: _Room) -> _Drawn:
    """The graph of a group, whose blocks lead to their changes as far as shown."""
    view, one = group.first, group.one
    if one.details.after is None or not (view.is_new or view.is_drawn):
        return _Drawn(number)
    changes = None if view.is_new else one.changes
    graph = graph_between(one.details.before, one.details.after, changes)
    if len(graph.nodes) > room.blocks:
        room.undrawn += 1
        return _Drawn(number)
    room.blocks -= len(graph.nodes)
    prefix = f"{number}-"
    names = [f"{prefix}{name}" for name in anchors(graph)]
    ids = [canonical_id(node.id) for node in graph.nodes]
    places = dict(zip(ids, names, strict=True))
    told = {canonical_id(one.block) for one in found if one.block is not None}
    ends = _ends_of_edges(graph) if any(map(_is_wiring, found)) else set[str]()

    def linked(node: Node) -> str | None:
        block = canonical_id(node.id)
        if block in told:
            return f"change-{places[block]}"
        return f"edges-{number}" if block in ends else None

    svg = picture(graph, has_heading=False, linked=linked, prefix=prefix)
    svg = redact_keys(svg.replace(f"<style>{GRAPH_STYLE}</style>\n", "", 1))
    return _Drawn(number, svg, len(graph.nodes), places)


def _ends_of_edges(graph: Graph) -> set[str]:
    """Blocks at which an edge came or went."""
    return {
        canonical_id(graph.nodes[end].id)
        for link in graph.links
        if link.mark != "unchanged"
        for end in (link.source, link.target)
    }


def _with_room(found: Sequence[Section], room: _Room) -> Sequence[Section]:
    """The lines that are shown; the others are counted."""
    left = min(MOST_LINES, room.lines)
    shown: list[Section] = []
    for section in found:
        lines = section.lines[:left]
        room.unsaid += len(section.lines) - len(lines)
        left -= len(lines)
        room.lines -= len(lines)
        if lines:
            shown.append(Section(section.title, lines, section.block))
    return shown


def _changes(found: Sequence[Section], drawn: _Drawn | None = None) -> Iterator[str]:
    for section in found:
        yield f'<div class="change"{_place(section, drawn)}>'
        title = _text(section.title or "workflow")
        yield f"<h4>{title}{_back(section, drawn)}</h4>"
        yield '<ul class="lines">'
        yield from map(_line, section.lines)
        yield "</ul></div>"


def _is_wiring(section: Section) -> bool:
    return section.title == "edges" and section.block is None


def _place(section: Section, drawn: _Drawn | None) -> str:
    """The name of the place where changes stand, by which the graph finds them."""
    if drawn is None:
        return ""
    if _is_wiring(section):
        return f' id="edges-{drawn.number}"'
    place = None if section.block is None else drawn.change(canonical_id(section.block))
    return "" if place is None else f' id="{place}"'


def _back(section: Section, drawn: _Drawn | None) -> str:
    """The link to the block in the graph, or to the graph."""
    if drawn is None or not drawn.svg:
        return ""
    target, words = f"graph-{drawn.number}", "to the graph"
    if section.block is not None and drawn.places is not None:
        place = drawn.places.get(canonical_id(section.block))
        if place is not None:
            target, words = f"block-{place}", "in the graph"
    about = f'<span class="hidden"> ({_text(section.title)})</span>'
    return f'<a href="#{target}">{words}{about}</a>'


_KINDS: Final = {
    "+": ("add", "added"),
    "-": ("gone", "removed"),
    "~": ("other", "changed"),
    ">": ("other", "moved"),
    "?": ("left", "not managed"),
}
"""How a line looks, and how its sign is read aloud."""


def _line(line: Line) -> str:
    style, spoken = _KINDS[line.sign]
    inside = " in" if line.depth else ""
    return (
        f'<li class="{style}{inside}"><span class="s"><span aria-hidden="true">'
        f'{escape(line.sign)}</span><span class="hidden">{spoken}</span></span>'
        f"<span>{_said(line)}</span></li>"
    )


def _said(line: Line) -> str:
    if line.before is None:
        return _text(line.text)
    return (
        f"{_text(line.text)}: <del>{_text(line.before)}</del> → "
        f"<ins>{_text(line.after)}</ins>"
    )
