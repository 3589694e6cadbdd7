"""`flow64 blocks`: search the catalogue of blocks, or show one in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from ..analysis import LiveBlock, LiveCatalogue
from ..blocks import OLD_NAMES
from ..definition import thaw
from ..errors import did_you_mean, shortened
from ..text import printable
from . import _params as params
from ._block_reference import BlockReference, catalogue, reference_lines
from ._exit_codes import FAILED
from ._terminal import print_json, print_lines, print_message, print_table

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
@click.option(
    "--blocks",
    "saved",
    type=params.FILE,
    metavar="FILE",
    help="A saved answer of `GET /workflows/blocks`, to compare the catalogue with.",
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
    one block or class shows everything known about it. Exits with 1 if nothing is
    found.
    """
    live = None if saved is None else LiveCatalogue.read(saved)
    known = catalogue()
    one = _find_block(known, words)
    found = [one] if one is not None else _search(known, words)
    found = [
        each
        for each in found
        if _takes(each, takes) and _gives(each, gives) and role in (None, _role(each))
    ]
    is_open = not (takes or gives or role)
    unknown = _describe_unknown(known, words, live if is_open else None)
    if as_json:
        print_json([*(_data(each, live) for each in found), *unknown])
    elif one is not None and found:
        print_lines(reference_lines(one))
        _print_details(one, live)
    else:
        print_table(
            [*_rows(found, live), *((u["kind"], "RawBlock", "") for u in unknown)]
        )
    if found or unknown:
        return 0
    _print_no_match(known, words)
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


def _describe_unknown(
    known: Sequence[BlockReference], words: Sequence[str], live: LiveCatalogue | None
) -> Sequence[dict[str, Any]]:
    """Describe the kinds that the service lists and the catalogue lacks."""
    kinds = {one.block.kind for one in known}
    listed: Mapping[str, LiveBlock] = {} if live is None else live.blocks
    return [
        {
            "kind": kind,
            "class": "RawBlock",
            "example": f"RawBlock({kind!r}, specs={{...}})",
            "live_schema": thaw(block.specs_schema),
        }
        for kind, block in listed.items()
        if kind not in kinds and all(word.casefold() in kind for word in words)
    ]


def _data(one: BlockReference, live: LiveCatalogue | None) -> dict[str, Any]:
    data = one.as_data()
    if live is not None:
        listed = live.blocks.get(one.block.kind)
        data["is_listed"] = listed is not None
        data["live_schema"] = None if listed is None else thaw(listed.specs_schema)
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
    known: Any = {} if listed.specs_schema is None else listed.specs_schema
    fields: Any = known.get("properties")
    if not isinstance(fields, Mapping):
        return
    names: Sequence[str] = [*map(str, fields)]  # pyright: ignore[reportUnknownArgumentType] - of anything
    more = [name for name in names if name not in one.facts]
    less = [name for name in one.facts if name not in names]
    for label, found in (("and also has", more), ("but does not have", less)):
        if found:
            shown = ", ".join(map(printable, found))
            print_message(f"the service lists it, {label} the fields: {shown}")


def _print_no_match(known: Sequence[BlockReference], words: Sequence[str]) -> None:
    """Print that nothing was found, with suggestions."""
    if not words:
        print_message("no block matches these options")
        return
    for word in words:
        if word in OLD_NAMES:
            print_message(
                f"{word!r} is an old name; the block is now {OLD_NAMES[word]!r}"
            )
            return
    strange = [word for word in words if not _search(known, [word])]
    names: list[str] = []
    for one in known:
        columns = (*one.columns.reads, *one.columns.adds)
        names += [one.block.kind, one.block.__name__, *one.facts]
        names += [column.name for column in columns]
    near = next(filter(None, (did_you_mean(word, names) for word in strange)), "")
    said = " ".join(words)
    print_message(f"no known block matches {shortened(said)}{near}")
    if len(words) == 1 and words[0].isidentifier() and not near:
        print_message(f"write a new kind as RawBlock({words[0]!r}, specs={{...}})")
