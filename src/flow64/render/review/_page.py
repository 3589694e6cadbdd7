"""A review as an HTML page without scripts, which loads nothing.

Graphs and changes are joined by plain links, so a keyboard is enough. All
data is text, so none of it has an effect.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import Final

from ...analysis import Estimate, format_kind_changes
from ...plan import Review
from ...text import pluralize
from .._style import STYLE as GRAPH_STYLE
from ._grouping import Group, group_review
from ._headline import describe_verdict, list_facts
from ._notes import NoteStyle, list_notes
from ._options import (
    Option,
    list_decisions,
    list_next,
)
from ._page_changes import (
    GroupGraph,
    PageRoom,
    draw_group,
    escape_text,
    limit_lines,
    write_changes,
    write_code,
    write_figure,
)
from ._page_style import STYLE
from ._source import compare_source
from ._versions import list_other_edits
from ._words import (
    EDITED,
    NO_DIFFERENCE,
    describe_action,
    describe_rename,
    format_changes_title,
    format_group_cost,
    format_share,
    is_breaking,
    list_changes,
    list_other_renames,
    name_group,
    name_view,
    sign_group,
    title_listed_kinds,
    title_source,
)

MOST_BLOCKS: Final = 2_000
"""The most blocks of all graphs of a page. Further graphs are left out."""

MOST_CODE: Final = 400
"""The most lines of code of one group."""

ALL_LINES: Final = 10_000
"""The most lines of changes of a page."""

MOST_NAMED: Final = 12
"""The most workflows of one group that are named without a click."""

NARROW: Final = 420
"""A graph of at most so many pixels stands beside the changes. Others come below."""


def as_html(review: Review) -> str:
    """Return a review as an HTML page in one file.

    It loads nothing and runs nothing, and its policy says so to the browser.
    Differences are shown by signs and shapes, and not by colour alone.
    """
    groups = group_review(review)
    room = PageRoom(MOST_BLOCKS, ALL_LINES)
    parts = [
        *_write_head(review, groups),
        *_write_index(groups),
        "<main id=main>",
        *(
            line
            for number, group in enumerate(groups, 1)
            for line in _write_group(group, number, groups, room)
        ),
        *_write_next(review, groups),
        "</main>",
        *_write_foot(review, room),
        "</body>",
        "</html>",
    ]
    return "\n".join(parts) + "\n"


def _hash(style: str) -> str:
    return f"'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'"


# -- The page --------------------------------------------------------------------------


def _write_head(review: Review, groups: Sequence[Group]) -> Iterator[str]:
    policy = (
        f"default-src 'none'; style-src {_hash(STYLE)} {_hash(GRAPH_STYLE)}; "
        "base-uri 'none'; form-action 'none'"
    )
    about = "of two folders" if review.env is None else f"for {write_code(review.env)}"
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
    yield f"<h1>flow64 review {about}: {describe_verdict(groups)}</h1>"
    yield '<dl class="summary">'
    needs_action = any(group.one.action != "none" for group in groups)
    facts = list_facts(review, groups, write_code, escape_text)
    for fact, style in zip(facts, ("asked", "what", "", "", ""), strict=True):
        label = fact.label[:1].upper() + fact.label[1:]
        texts = [f"<p>{text}</p>" for text in fact.texts]
        for at, is_break in enumerate(fact.breaks):
            loss = "bad" if is_break else "lost"
            texts[at] = f'<p class="{loss}">{fact.texts[at]}</p>'
        if style == "asked" and needs_action:
            texts[0] = f'<p><a href="#next">{fact.texts[0]}</a></p>'
        opening = f'<div class="{style}">' if style else "<div>"
        yield f"{opening}<dt>{label}</dt><dd>{''.join(texts)}</dd></div>"
    yield "</dl>"
    yield "</header>"


def _write_index(groups: Sequence[Group]) -> Iterator[str]:
    if len(groups) <= 1:  # the first lines say the same
        return
    yield '<nav aria-labelledby="index"><h2 id="index">Workflows</h2><ul>'
    for number, group in enumerate(groups, 1):
        costs = [format_group_cost(one, Estimate.brief) for one in group.by_cost]
        cost = costs[0] if len(costs) == 1 else f"{len(costs):,} different costs"
        money = f'<span class="cost">{escape_text(cost)}</span>' if cost else ""
        yield (
            f'<li class="{_style(group)}"><a href="#g{number}">{_sign(group)}'
            f'<span class="name">{name_group(group, write_code)}</span>'
            f'<span class="becomes">{describe_action(group, advice="")}</span>'
            f"{money}</a></li>"
        )
    yield "</ul></nav>"


def _style(group: Group) -> str:
    return "refuse" if is_breaking(group) else group.one.action


def _sign(group: Group) -> str:
    return f'<span class="sign" aria-hidden="true">{sign_group(group)}</span>'


def _write_foot(review: Review, room: PageRoom) -> Iterator[str]:
    yield "<footer>"
    if renames := list_other_renames(review):
        yield "<h2>Possibly renamed</h2><ul>"
        for rename in renames:
            yield f"<li>{describe_rename(rename, write_code)}</li>"
        yield "</ul>"
    if review.listed_kinds:
        lines = "\n".join(format_kind_changes(review.listed_kinds))
        yield f"<h2>{title_listed_kinds(review)}</h2>"
        yield f"<details><summary>Kind by kind</summary><pre>{escape(lines)}</pre>"
        yield "</details>"
    if review.not_checked:
        yield "<h2>Not checked</h2><ul>"
        yield from (f"<li>{escape_text(doubt)}</li>" for doubt in review.not_checked)
        yield "</ul>"
    cut = [pluralize(room.undrawn, "graph")] if room.undrawn else []
    cut += [f"{pluralize(room.unsaid, 'line')} of changes"] if room.unsaid else []
    if cut:
        yield f"<p>Not shown here, for lack of space: {' and '.join(cut)}.</p>"
    yield "</footer>"


def _write_next(review: Review, groups: Sequence[Group]) -> Iterator[str]:
    """Write what to decide, or what to do next. A click selects a whole command."""
    yield '<section class="next" id="next" aria-labelledby="next-name">'
    yield '<h2 id="next-name">Next</h2>'
    for decision in list_decisions(review, groups, write_code, escape_text):
        yield f"<h3>To decide: {decision.question}</h3><ol>"
        yield from (f"<li>{_write_option(one)}</li>" for one in decision.options)
        yield "</ol>"
    yield from map(_write_option, list_next(review, groups, write_code))
    yield "</section>"


def _write_option(option: Option) -> str:
    words = option.words[:1].upper() + option.words[1:]
    lost = "".join(f"<li>{line}</li>" for line in option.lines)
    commands = "".join(map(_write_command, option.commands))
    lost = f"<ul>{lost}</ul>" if lost else ""
    return f"<p>{words}{':' if commands else '.'}</p>{lost}{commands}"


def _write_command(command: str) -> str:
    """Write a command. A line breaks between its words, and not after a hyphen."""
    words = (f"<span>{escape_text(word)}</span>" for word in command.split(" "))
    return f"<pre><code>{' '.join(words)}</code></pre>"


# -- A group ---------------------------------------------------------------------------


def _write_group(
    group: Group, number: int, groups: Sequence[Group], room: PageRoom
) -> Iterator[str]:
    yield (
        f'<section class="group {_style(group)}" id="g{number}" '
        f'aria-labelledby="g{number}-name">'
    )
    yield (
        f'<h2 id="g{number}-name">{_sign(group)}{name_group(group, write_code)} '
        f'<span class="becomes">{describe_action(group)}</span></h2>'
    )
    yield from _write_names(group)
    yield from _write_reasons(group)
    # Those of a group that is like another one are only its differences.
    found = list_changes(group)
    if group.like is not None:
        found = [*group.without, *group.besides]
    drawn = draw_group(group, number, found, room)
    is_beside = drawn.is_open and drawn.size[0] <= NARROW
    wide = "" if is_beside else " wide"
    yield f'<div class="cols{wide}"><div class="what-changes">'
    if group.like is not None:
        yield from _write_difference(group, 1 + groups.index(group.like), drawn, room)
    elif found:
        yield f"<h3>{format_changes_title(group).capitalize()}</h3>"
        yield from write_changes(limit_lines(found, room), drawn)
    elif group.first.differences is not None:
        yield f"<p>{NO_DIFFERENCE.capitalize()}.</p>"
    if edits := list_other_edits(group.first):
        yield f"<h3>{EDITED.capitalize()}</h3>"
        yield from write_changes(limit_lines(edits, room))
    if group.follows:
        yield f"<h3>What {'also ' if group.like else ''}follows</h3>"
        yield from write_changes(limit_lines(group.follows, room), drawn)
    yield from _write_notes(group)
    if group.has_source:
        yield from _write_source(group, room)
    yield "</div>"
    yield from write_figure(group, drawn)
    yield "</div></section>"


def _write_names(group: Group) -> Iterator[str]:
    if len(group.views) == 1:
        if group.one.name:
            yield f'<p class="title">{escape_text(group.one.name)}</p>'
        return
    names = [f"<span>{name_view(view, write_code)}</span>" for view in group.views]
    yield f'<p class="keys">{"".join(names[:MOST_NAMED])}</p>'
    if more := names[MOST_NAMED:]:
        rest = "".join(more)
        yield f"<details><summary>{len(more):,} more</summary>"
        yield f'<p class="keys">{rest}</p></details>'


def _write_reasons(group: Group) -> Iterator[str]:
    if group.reasons:
        yield '<ul class="reasons">'
        for reason, number in group.reasons:
            yield f"<li>{escape_text(reason)}{format_share(number, group)}</li>"
        yield "</ul>"


def _write_difference(
    group: Group, number: int, drawn: GroupGraph, room: PageRoom
) -> Iterator[str]:
    """Write the difference from another group, which has that number."""
    assert group.like is not None  # otherwise all changes are shown
    other = f'<a href="#g{number}">{name_group(group.like, write_code)}</a>'
    title = format_changes_title(group).capitalize()
    like = f"The same as {other}"
    yield f"<h3>{title}</h3>"
    if not group.without and not group.besides:
        yield f'<p class="like">{like}</p>'
    for words, found in (("without", group.without), ("and also", group.besides)):
        if found:
            yield f'<p class="like">{f"{like}, {words}" if like else "And also"}:</p>'
            yield from write_changes(limit_lines(found, room), drawn)
            like = ""


_NOTE_STYLE: Final = NoteStyle(
    write_code, escape_text, lambda line: write_code(line.strip()), 40
)


def _write_notes(group: Group) -> Iterator[str]:
    notes = list_notes(group, _NOTE_STYLE)
    if not notes:
        return
    yield '<dl class="facts">'
    for note in notes:
        items = "".join(f"<li>{text}</li>" for text in note.texts)
        text = note.texts[0] if len(note.texts) == 1 else f"<ul>{items}</ul>"
        style = ' class="spends"' if note.is_warning else ""
        label = note.label[:1].upper() + note.label[1:]
        yield f"<dt>{label}</dt><dd{style}>{text}</dd>"
    yield "</dl>"


def _write_source(group: Group, room: PageRoom) -> Iterator[str]:
    """Write the changes as code, behind a click."""
    found = compare_source(group.first)
    if not found.lines:
        text = "As flow64 code nothing differs"
        if found.problem is not None:
            text = f"Not shown as code: {escape_text(found.problem)}"
        yield f'<p class="no-code">{text}.</p>'
        return
    lines = found.lines[: min(MOST_CODE, room.lines)]
    room.lines -= len(lines)
    first = "" if len(group.views) == 1 else f", of {write_code(group.first.step.key)}"
    title = title_source(group).capitalize()
    yield f'<details class="source"><summary>{title}{first}</summary>'
    yield '<ul class="codes">'
    for line in lines:
        if line.startswith("@"):
            yield f'<li class="at"><code>{escape_text(line)}</code></li>'
            continue
        style, spoken = _CODE[line[:1]]
        yield (
            f'<li class="{style}"><span class="s"><span aria-hidden="true">'
            f'{line[:1]}</span><span class="hidden">{spoken}</span></span>'
            f"<code>{escape_text(line[1:])}</code></li>"
        )
    if more := len(found.lines) - len(lines):
        yield f"<li>… and {pluralize(more, 'more line')}</li>"
    yield "</ul></details>"


_CODE: Final = {
    "+": ("add", "added"),
    "-": ("gone", "removed"),
    " ": ("as-is", "unchanged"),
}
"""The style of a line of code, and how its sign is read aloud."""
