"""The service's own list of its blocks: the response of `GET /workflows/blocks`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ..definition import (
    EMPTY,
    MAX_BYTES,
    FrozenDict,
    Limits,
    Problem,
    decode,
    freeze,
    is_plain,
    name_json_type,
    parse_json,
    thaw,
)
from ..errors import BuildError, read_error
from ..secrets import mask
from ..text import shortened
from .live_fields import LiveField, read_fields

MAX_LEVELS: Final = 64
"""How deep a schema may nest; one that nests deeper is kept apart and not used."""

_LIMITS: Final = Limits(depth=MAX_LEVELS, whole=False, integer=None, literals=True)


@frozen
class LiveBlock:
    """A kind as the service lists it.

    Attributes:
        kind: Its name (`block_name`).
        specs_schema: The JSON Schema of its specs. None if the service gives no usable
            one; then its fields are unknown.
        extra: Undocumented keys, as they came.
    """

    kind: str
    specs_schema: FrozenDict | None
    extra: FrozenDict = EMPTY

    @property
    def says_fields(self) -> bool:
        """Whether its schema names fields, or says that there are none."""
        schema = self.specs_schema or EMPTY
        return bool(self.fields) or schema.get("additionalProperties") is False

    @cached_property
    def fields(self) -> Mapping[str, LiveField]:
        """Each field by its name, with references and null understood."""
        return read_fields(self.specs_schema or EMPTY)


@frozen
class LiveCatalogue:
    """The kinds that the service lists, with the schemas of their specs.

    It is made from the response of `GET /workflows/blocks`. As `Project(blocks=...)`,
    or with `blocks` in `[tool.flow64]`, it outranks the built-in catalogue.

    Attributes:
        date: The day of the response, as `2026-11-28`; None if it is unknown.
        problems: Entries that could not be used, or only in part, in words.
    """

    blocks: Mapping[str, LiveBlock] = field(repr=lambda blocks: f"<{len(blocks)}>")
    """Each kind by its name, in the order of the answer."""
    date: str | None = None
    problems: Sequence[str] = field(default=(), repr=False)

    @classmethod
    def of(
        cls, data: Any, *, date: str | None = None, source: str = "<answer>"
    ) -> LiveCatalogue:
        """Return the catalogue in a response.

        An entry that cannot be understood is left out, or used without its schema, and
        is one of the `problems`.

        Args:
            data: The parsed JSON of the response, or of a file that `as_data` wrote.
            date: The day of the response. By default that of the file.
            source: Its name in errors.

        Raises:
            ReadError: The data is not such a response, or no entry can be used.
        """
        entries = data
        if isinstance(data, Mapping) and isinstance(data.get("blocks"), list | tuple):
            entries = data["blocks"]
            written = data.get("date")
            is_date = isinstance(written, str) and _DATE.fullmatch(written)
            date = date or (written if is_date else None)
        if not isinstance(entries, list | tuple):
            advice = "give the list that GET /workflows/blocks answers"
            problem = f"it is {_name_type(data)}, and not a list of blocks"
            raise read_error(f"{problem}; {advice}", source, pointer="")
        blocks: dict[str, LiveBlock] = {}
        problems: list[str] = []
        for position, item in enumerate(entries):
            block = _read_block(item, f"entry {position + 1}", problems)
            if block is not None and block.kind in blocks:
                problems.append(f"{shortened(block.kind)} is listed twice")
            elif block is not None:
                blocks[block.kind] = block
        if entries and not blocks:
            problem = f"none of its entries can be used: {problems[0]}"
            raise read_error(problem, source, pointer="")
        return cls(FrozenDict(blocks), date, tuple(problems))

    @classmethod
    def read(cls, path: str | PathLike[str]) -> LiveCatalogue:
        """Return the catalogue in a file: a response, or what `as_data` gave, as JSON.

        Raises:
            ReadError: The text is not such a response; the error says where.
            OSError: The file cannot be read.
        """
        file = Path(path)
        with file.open("rb") as opened:
            text = opened.read(MAX_BYTES + 1)
        return cls.of(parse_json(decode(text, str(file)), str(file)), source=str(file))

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data to keep: kinds by name, without texts like secrets."""
        entries: list[Any] = [
            {
                **thaw(block.extra),
                "block_name": kind,
                "specs_schema": None
                if block.specs_schema is None
                else thaw(block.specs_schema),
            }
            for kind, block in sorted(self.blocks.items())
        ]
        return {"date": self.date, "blocks": mask(entries)}

    def as_text(self) -> str:
        """Return it as canonical JSON to keep in a file: sorted, without secrets."""
        data = self.as_data()
        return json.dumps(data, indent=2, sort_keys=True, ensure_ascii=False) + "\n"

    @property
    def name(self) -> str:
        """Its name in messages: the live catalogue, with its day if that is known."""
        of = f" of {self.date}" if self.date else ""
        return f"the live catalogue{of}"


_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}")


def as_catalogue(blocks: Any, callee: str = "check") -> LiveCatalogue:
    """Return the argument `blocks=` if it is a `LiveCatalogue`.

    Raises:
        BuildError: It is something else.
    """
    if not isinstance(blocks, LiveCatalogue):
        advice = "write LiveCatalogue.read(path), or LiveCatalogue.of(answer)"
        message = f"{callee}: blocks is of type {type(blocks).__name__}"
        raise BuildError(message, hint=advice)
    return blocks


def _read_block(item: Any, name: str, problems: list[str]) -> LiveBlock | None:
    """Return one entry, frozen; None if it names no kind. Problems are appended."""
    if not isinstance(item, Mapping):
        problems.append(f"{name} is {_name_type(item)}, and not an object")
        return None
    kind = item.get("block_name")
    if not isinstance(kind, str) or not kind or not is_plain(kind):
        problems.append(f"{name} has the block_name {shortened(kind)}")
        return None
    schema = item.get("specs_schema")
    found = _freeze(schema) if isinstance(schema, Mapping) else None
    if found is None:
        what = "no" if schema is None else "an unusable"
        problem = f"{shortened(kind)} has {what} specs_schema"
        problems.append(f"{problem}, so nothing is known of its fields")
    known = ("block_name", "specs_schema")
    extra = _freeze({key: item[key] for key in item if key not in known})
    if extra is None:
        problems.append(f"{shortened(kind)} has other keys that are not JSON")
    return LiveBlock(kind, found, EMPTY if extra is None else extra)


def _freeze(data: Any) -> FrozenDict | None:
    """Return frozen JSON data; None if it is not JSON, or nests too deep."""
    problems: list[Problem] = []
    made = freeze(data, (), problems, None, _LIMITS)
    return made if isinstance(made, FrozenDict) and not problems else None


def _name_type(value: Any) -> str:
    return "invalid JSON" if isinstance(value, Problem) else name_json_type(value)
