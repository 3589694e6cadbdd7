"""`flow64 blocks`: search the catalogue of blocks, or show one in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from ..analysis.live import LiveBlock, LiveCatalogue
from ..blocks import OLD_NAMES
from ..errors import did_you_mean, shortened
from ..loading import find_saved_catalogue
from ..text import truncate
from . import _params as params
from ._block_reference import BlockReference, catalogue, reference_lines
from ._colours import paint_label
from ._exit_codes import FAILED
from ._live_reference import (
    describe_live_kind,
    live_field_lines,
    live_kind_data,
    live_reference_lines,
    write_example,
)
from ._tables import print_table
from ._terminal import print_json, print_lines, print_message

ROLES: Final = ("source", "step", "converter", "sink")

ROW_KINDS: Final = ("lead", "company")


@params.command(
    "blocks",
    "flow64 blocks",
    "flow64 blocks phone",
    "flow64 blocks find_email",
    "flow64 blocks --takes company --role step",
)
@click.argument("words", nargs=-1)
@click.option(
    "--takes", type=click.Choice(ROW_KINDS), help="Blocks that take such rows."
)
@click.option(
    "--gives", type=click.Choice(ROW_KINDS), help="Blocks that give such rows."
)
@click.option("--role", type=click.Choice(ROLES), help="Blocks of one role.")
@params.saved_blocks(
    "A saved answer of `GET /workflows/blocks`, to compare the catalogue with. By "
    "default the one that [tool.flow64] names."
)
@params.as_json
def command(
    *,
    words: Sequence[str],
    takes: str | None,
    gives: str | None,
    role: str | None,
    saved: Path | None,
    as_json: bool,
) -> int:
    """List the known blocks, or show one in full. Nothing is sent.

    All WORDS are searched for in names, descriptions, fields and columns. The name of
    one block or class shows everything known about it, and all that the service's own
    list says of it. Exits with 1 if nothing is found.

    The commands `blocks sync` and `blocks generate` work with the service's own list.
    """
    live = find_saved_catalogue(saved)
    known = catalogue()
    one = _find_block(known, words)
    found = [one] if one is not None else _search(known, words)
    found = [
        each
        for each in found
        if _takes(each, takes) and _gives(each, gives) and role in (None, _role(each))
    ]
    is_open = one is None and not (takes or gives or role)
    unknown = _find_unknown(known, words, live if is_open else None)
    if unknown and [*words] == [unknown[0].kind]:
        found = []
    if as_json:
        listed = (_data(each, live) for each in found)
        print_json({"blocks": [*listed, *map(_unknown_data, unknown)]})
    elif one is not None and found:
        print_lines(reference_lines(one), paint_label)
        _print_details(one, live)
    elif live is not None and not found and len(unknown) == len(words) == 1:
        print_lines(live_reference_lines(unknown[0], live.name), paint_label)
    else:
        rows = [
            (new.kind, "RawBlock", truncate(describe_live_kind(new), 80))
            for new in unknown
        ]
        print_table(
            ("KIND", "CLASS", "DESCRIPTION"),
            [*_rows(found, live), *rows],
            least={"CLASS": len("BacklinksReferringDomains"), "DESCRIPTION": 30},
        )
    if found or unknown:
        return 0
    _print_no_match(known, words, live)
    return FAILED


def _find_block(
    known: Sequence[BlockReference], words: Sequence[str]
) -> BlockReference | None:
    """Return the block with this kind or class name."""
    for each in known:
        if [*words] in ([each.block.kind], [each.block.__name__]):
            return each
    return None


def _search(
    known: Sequence[BlockReference], words: Sequence[str]
) -> Sequence[BlockReference]:
    """Return the blocks that match all words. Matches of the name come first."""
    folded = [word.casefold() for word in words]
    found = [one for one in known if all(word in one.haystack for word in folded)]
    return sorted(found, key=lambda one: not any(w in one.block.kind for w in folded))


def _takes(one: BlockReference, rows: str | None) -> bool:
    return rows is None or one.block.about.takes in ("any", rows.upper())


def _gives(one: BlockReference, rows: str | None) -> bool:
    if rows is None:
        return True
    about = one.block.about
    is_same = about.gives == "same" and _takes(one, rows)
    return is_same or about.gives in ("dataframe_type", rows.upper())


def _role(one: BlockReference) -> str:
    return one.block.about.role


def _find_unknown(
    known: Sequence[BlockReference], words: Sequence[str], live: LiveCatalogue | None
) -> Sequence[LiveBlock]:
    """Return the kinds that the service lists and the catalogue lacks."""
    kinds = {one.block.kind for one in known}
    listed: Mapping[str, LiveBlock] = {} if live is None else live.blocks
    new = [block for kind, block in listed.items() if kind not in kinds]
    if exact := [block for block in new if [*words] == [block.kind]]:
        return exact
    folded = [word.casefold() for word in words]
    return [one for one in new if all(word in _haystack(one) for word in folded)]


def _haystack(block: LiveBlock) -> str:
    """Return the text that a search looks into."""
    parts = [block.kind, describe_live_kind(block)]
    parts += [f"{name} {one.description}" for name, one in block.fields.items()]
    return " ".join(parts).casefold()


def _unknown_data(block: LiveBlock) -> dict[str, Any]:
    return {
        "kind": block.kind,
        "class": "RawBlock",
        "example": write_example(block),
        **live_kind_data(block),
    }


def _data(one: BlockReference, live: LiveCatalogue | None) -> dict[str, Any]:
    data = one.as_data()
    if live is not None:
        listed = live.blocks.get(one.block.kind)
        data["is_listed"] = listed is not None
        data |= {"live_schema": None} if listed is None else live_kind_data(listed)
    return data


def _rows(
    found: Sequence[BlockReference], live: LiveCatalogue | None
) -> Sequence[tuple[str, str, str]]:
    return [
        (
            one.block.kind + ("" if _is_listed(one, live) else " (not listed)"),
            one.block.__name__,
            one.summary,
        )
        for one in found
    ]


def _is_listed(one: BlockReference, live: LiveCatalogue | None) -> bool:
    return live is None or one.block.kind in live.blocks


def _print_details(one: BlockReference, live: LiveCatalogue | None) -> None:
    """Print what a saved list of the service says about a block."""
    if live is None:
        return
    listed = live.blocks.get(one.block.kind)
    if listed is None:
        print_message(f"the service does not list {one.block.kind!r}")
        return
    print_lines(live_field_lines(listed, live.name))


def _print_no_match(
    known: Sequence[BlockReference], words: Sequence[str], live: LiveCatalogue | None
) -> None:
    """Print that nothing was found, with the nearest name."""
    if not words:
        print_message("no block matches these options")
        return
    names = [name for one in known for name in (one.block.kind, one.block.__name__)]
    names += [] if live is None else [*live.blocks]
    near = next(filter(None, (did_you_mean(word, names) for word in words)), "")
    if new := next((OLD_NAMES[word] for word in words if word in OLD_NAMES), None):
        near = f"; the block is now {new!r}"
    advice = "; write a new kind as RawBlock, or write a class for it"
    print_message(
        f"no known block matches {shortened(' '.join(words))}{near or advice}"
    )
