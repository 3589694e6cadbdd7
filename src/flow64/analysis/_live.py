"""The service's own list of its blocks: the response of `GET /workflows/blocks`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Final, NoReturn

from attrs import field, frozen

from ..definition import (
    MAX_BYTES,
    FrozenDict,
    Limits,
    Problem,
    decode,
    freeze,
    parse_json,
    pointer,
)
from ..errors import ArgumentError, ReadError
from ..text import shortened

MAX_LEVELS: Final = 64
"""How deep a schema may nest; one that nests deeper is kept apart and not used."""

MOST_ERRORS: Final = 20
"""Mismatches of one block that are listed."""

_LIMITS: Final = Limits(depth=MAX_LEVELS, whole=False, integer=None, literals=True)


@frozen
class LiveBlock:
    """A kind as the service lists it.

    Attributes:
        kind: Its name (`block_name`).
        specs_schema: The JSON Schema of its specs; None for one that nests too deep.
        extra: Undocumented keys, as they came.
    """

    kind: str
    specs_schema: FrozenDict | None
    extra: FrozenDict


@frozen
class LiveCatalogue:
    """The kinds that the service lists, with the schemas of their specs.

    It is made from the response of `GET /workflows/blocks`. `check(blocks=...)` takes
    it, and it outranks the built-in catalogue.
    """

    blocks: Mapping[str, LiveBlock] = field(repr=lambda blocks: f"<{len(blocks)}>")
    """Each kind by its name, in the order of the answer."""

    @classmethod
    def of(cls, data: Any, *, source: str = "<answer>") -> LiveCatalogue:
        """Return the catalogue in a response.

        Args:
            data: The result of `client.blocks()`, or a parsed list of objects.
            source: Its name in errors.

        Raises:
            ReadError: The data is not such a response; the error says where.
        """
        if not isinstance(data, list | tuple):
            advice = "give the list that GET /workflows/blocks answers"
            raise ReadError(f"it is not a list; {advice}", source, pointer="")
        blocks: dict[str, LiveBlock] = {}
        for position, item in enumerate(data):
            as_data = getattr(item, "as_data", None)  # of a typed answer
            block = _block(as_data() if as_data else item, position, source)
            if block.kind in blocks:
                problem = f"the kind {shortened(block.kind)} stands twice"
                raise ReadError(problem, source, pointer=f"/{position}/block_name")
            blocks[block.kind] = block
        return cls(FrozenDict(blocks))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> LiveCatalogue:
        """Return the catalogue in a file: the JSON text of a response, in UTF-8.

        Raises:
            ReadError: The text is not such a response; the error says where.
            OSError: The file cannot be read.
        """
        file = Path(path)
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
        return cls.of(parse_json(decode(text, str(file)), str(file)), source=str(file))

    @cached_property
    def memo(self) -> dict[str, Any]:
        """A cache of facts about each schema, for the lifetime of the catalogue."""
        return {}


def as_catalogue(blocks: Any) -> LiveCatalogue:
    """Return the argument `blocks=` if it is a `LiveCatalogue`.

    Raises:
        ArgumentError: It is something else.
    """
    if not isinstance(blocks, LiveCatalogue):
        advice = "write LiveCatalogue.read(path), or LiveCatalogue.of(answer)"
        problem = f"blocks is of type {type(blocks).__name__}; {advice}"
        raise ArgumentError("check", problem)
    return blocks


def _block(item: Any, position: int, source: str) -> LiveBlock:
    """Return one entry, frozen, or raise an error with the place of the fault."""

    def fail(problem: str, *path: str | int) -> NoReturn:
        raise ReadError(problem, source, pointer=pointer((position, *path)))

    problems: list[Problem] = []
    made = freeze(item, (position,), problems, None, _LIMITS)
    others = [found for found in problems if not _is_deep_schema(found)]
    if others:
        raise ReadError(others[0].message, source, pointer=pointer(others[0].path))
    if not isinstance(made, dict):
        fail(f"an entry is an object, not {shortened(made)}")
    kind, schema = made.get("block_name"), made.get("specs_schema")
    if not isinstance(kind, str) or not kind:
        fail("block_name is the name of a kind", "block_name")
    if not isinstance(schema, FrozenDict):
        fail(f"specs_schema of {shortened(kind)} is an object", "specs_schema")
    known = ("block_name", "specs_schema")
    extra = FrozenDict({key: made[key] for key in made if key not in known})
    return LiveBlock(kind, None if problems else schema, extra)


def _is_deep_schema(problem: Problem) -> bool:
    return problem.code == "too-deep" and problem.path[1:2] == ("specs_schema",)
