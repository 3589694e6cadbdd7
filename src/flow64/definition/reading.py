"""Reading: a JSON text becomes a definition, or one error with its place."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any, Final, NoReturn

from attrs import frozen

from ..diagnostics import find_value
from ..errors import read_error
from ..secrets import walk
from ..text import shortened
from .freezing import (
    MAX_DEPTH,
    VALUE_KEY,
    Freezer,
    FrozenDict,
    Path,
    Problem,
    Value,
    pointer,
    unchanged,
)
from .ids import (
    LOCAL,
    canonical_id,
    escape_key,
    id_of,
    is_uuid,
    path_of,
    slug,
    split_stamp,
)
from .model import Definition, Edge, ListedOrigins, Origin, WireBlock

MAX_BYTES: Final = 32 * 2**20
"""The largest text that is read; a longer one is refused before it is parsed."""

MAX_NESTING: Final = MAX_DEPTH + 8
"""How deep a text may nest: a spec's depth and the levels around it."""

MAX_VALUES: Final = 500_000
"""Commas and opening brackets that are read at most: about as many JSON values."""

MAX_DIGITS: Final = 4300
"""Digits of the longest whole number; Python refuses longer ones."""

JSON_TYPE_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "true or false",  # before int, which it is one of
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
"""The types of JSON in words."""


def name_json_type(value: object) -> str:
    """Return the type of a value in words."""
    names = (name for kind, name in JSON_TYPE_NAMES.items() if isinstance(value, kind))
    return next(names, "something else")


# -- JSON as text ----------------------------------------------------------------------


def parse_json(text: str | bytes, source: str) -> Any:
    """Parse JSON in UTF-8. What cannot be kept becomes a `Problem`.

    Raises:
        ReadError: It is too long, holds too many values, has another encoding, is not
            JSON, or nests too deep.
    """
    text = _decode(text, source)
    try:
        return json.loads(text, object_pairs_hook=_as_object, parse_int=_as_number)
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg}"
        raise read_error(problem, source, error.pos, error.lineno) from None
    except RecursionError:
        problem = f"it nests deeper than {MAX_NESTING} levels; flatten it"
        raise read_error(problem, source) from None


def load_json(text: str | bytes, default: Any = None) -> Any:
    """Parse a JSON text of any size; return the default if it cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default


def _decode(text: str | bytes, source: str) -> str:
    if len(text) > MAX_BYTES:
        problem = f"it is longer than {MAX_BYTES // 2**20} MiB, the most that is read"
        raise read_error(problem, source, MAX_BYTES)
    if not isinstance(text, str):
        try:
            text = str(text, "utf-8")  # which says what is wrong with another type
        except UnicodeDecodeError as error:
            problem = f"not UTF-8: {error.reason}"
            raise read_error(problem, source, error.start) from None
    # They are counted, since parsing would cost what the limit should save.
    bare = text.replace("\\\\", "").replace('\\"', "")
    plain = "".join(bare.split('"')[::2])
    if sum(map(plain.count, ",[{")) > MAX_VALUES:
        problem = f"it holds more than {MAX_VALUES:,} JSON values, the most that is"
        raise read_error(f"{problem} read; split the workflow", source)
    return text


def _as_object(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    keys = [key for key, _ in pairs]
    twice = next(key for at, key in enumerate(keys) if key in keys[:at])
    return Problem(f"the key {shortened(twice)} stands twice", "keep one of them")


def _as_number(digits: str) -> Any:
    """Return a whole number. One of too many digits becomes a `Problem`."""
    if len(digits) <= MAX_DIGITS:
        return int(digits)
    return Problem(f"a number has {len(digits):,} digits", "write it as text")


# -- Definitions -----------------------------------------------------------------------

_GRAPH: Final = "workflow_definition"
_BODY_KEYS = frozenset({"workflow_name", "workflow_description", _GRAPH, "id"})
_ANSWER_KEYS = frozenset(
    {
        "id", "name", "description", _GRAPH, "user_uuid", "org_id", "status", "step",
        "created_at", "updated_at", "last_run_date",
    }
)  # fmt: skip
_BLOCK_KEYS = frozenset(
    {"block_id", "sequence_number", "block_type", "block_name", "specs"}
)
_GRAPH_KEYS = frozenset({"blocks", "edges"})
_EDGE_KEYS = ("from_block_id", "to_block_id")


def loads(text: str | bytes, *, source: str = "<text>") -> Definition:
    """Read the definition in a JSON text.

    Create bodies, update bodies and responses of `GET /workflows/{id}` can be read.

    Args:
        text: The JSON text; bytes must be UTF-8 without a byte order mark.
        source: The name of the text in errors, for example its file name.

    Raises:
        ReadError: The text is not JSON, or not a workflow; the error says where.
    """
    data = parse_json(text, source)
    return _Reader(text if isinstance(text, str) else text.decode(), source).read(data)


def from_data(data: Any, *, source: str = "<answer>") -> Definition:
    """Read a definition from parsed data, such as the body of a response.

    Raises:
        ReadError: The data is not a workflow; the error says where.
    """
    return _Reader(None, source).read(data)


@frozen
class _Reader:
    text: str | None
    source: str

    def fail(self, problem: str, path: Path | None = None) -> NoReturn:
        """Raise an error with a path: its pointer, and its offset in the text."""
        where = None if path is None else pointer(path)
        offset = line = None
        if where is not None and self.text is not None:
            offset, _ = find_value(self.text, where)
            line = self.text.count("\n", 0, offset) + 1
        raise read_error(problem, self.source, offset, line, where)

    def read(self, data: Any) -> Definition:
        keys = data.keys() if isinstance(data, dict) else ()
        is_answer = "name" in keys and "workflow_name" not in keys
        problems: list[Problem] = []
        # In an answer, what looks like an unbound value is data of a stranger.
        read = unchanged if is_answer else _as_value
        freezer = Freezer(problems.append, read, depth=MAX_NESTING, is_code=False)
        body = freezer.freeze(data)
        if problems:
            self.fail(f"{problems[0].message}; {problems[0].help}", problems[0].path)
        prefix = "" if is_answer else "workflow_"
        documented = _ANSWER_KEYS if is_answer else _BODY_KEYS
        graph = self._get(body, _GRAPH, dict, ())
        name = self._find(body, f"{prefix}name") or ""
        workflow_id = self._find(body, "id") or None
        text = self._find(body, f"{prefix}description")
        description, stamp = split_stamp(text or "", workflow_id)
        # Without a path of its own, ids that are computed stand under what names it.
        key = canonical_id(workflow_id) if workflow_id else slug(name) or "workflow"
        owner = path_of((("ns", LOCAL), ("workflow", key)))
        blocks, origins, ids = self._blocks(graph, owner)
        return Definition(
            name=name,
            description=description,
            blocks=blocks,
            edges=self._edges(graph, ids),
            id=id_of(owner) if workflow_id is None else workflow_id,
            extra=self._others(body, documented, ()),
            graph_extra=self._others(graph, _GRAPH_KEYS, (_GRAPH,)),
            stamp=stamp,
            path=owner if workflow_id is None else None,
            origins=ListedOrigins(origins.__getitem__),
            is_answer=is_answer,
            is_described=is_answer or text is not None,
        )

    def _blocks(
        self, graph: Mapping[str, Any], owner: str
    ) -> tuple[tuple[WireBlock, ...], list[Origin], dict[str, str]]:
        """Return the blocks, their origins, and their ids by those that were read."""
        blocks, origins, ids = [], [], {}
        for at, item in enumerate(self._get(graph, "blocks", list, (_GRAPH,))):
            here: Path = (_GRAPH, "blocks", at)
            kind = self._get(item, "block_name", str, here)
            written = self._find(item, "block_id", here) or ""
            key = None if is_uuid(written) else written or kind
            block_id = written
            if key is not None:
                block_id = id_of(f"{owner}/block:{escape_key(key)}")
            if written:
                ids[written] = block_id
            block = WireBlock(
                id=block_id,
                kind=kind,
                specs=self._get(item, "specs", dict, here),
                label=self._get(item, "block_type", str, here),
                number=self._get(item, "sequence_number", int, here),
                extra=self._others(item, _BLOCK_KEYS, here),
            )
            blocks.append(block)
            path = key and key.replace("/", "%2F")
            place, is_default = pointer(here), not written
            origins.append(Origin(key, path, pointer=place, is_default=is_default))
        return tuple(blocks), origins, ids

    def _edges(
        self, graph: Mapping[str, Any], ids: Mapping[str, str]
    ) -> tuple[Edge, ...]:
        edges = []
        for at, item in enumerate(self._get(graph, "edges", list, (_GRAPH,))):
            here: Path = (_GRAPH, "edges", at)
            ends = [self._get(item, key, str, here) for key in _EDGE_KEYS]
            source, target = [ids.get(end, end) for end in ends]
            edges.append(Edge(source, target, self._others(item, _EDGE_KEYS, here)))
        return tuple(edges)

    def _get(self, data: Any, key: str, kind: type[Any], here: Path) -> Any:
        """Return a member that the service requires, of a type."""
        if not isinstance(data, dict):
            self.fail(f"an object must stand here, not {name_json_type(data)}", here)
        if key not in data:
            self.fail(f"{key} is missing; the service requires it", here)
        value = data[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            wanted, actual = JSON_TYPE_NAMES[kind], name_json_type(value)
            self.fail(f"{key} must be {wanted}, not {actual}", (*here, key))
        return value

    def _find(self, data: Mapping[str, Any], key: str, here: Path = ()) -> str | None:
        """Return a text that may be missing or null."""
        return None if data.get(key) is None else str(self._get(data, key, str, here))

    def _others(
        self, data: Mapping[str, Any], documented: Collection[str], here: Path
    ) -> FrozenDict:
        """Return the undocumented members."""
        others = FrozenDict({k: data[k] for k in data if k not in documented})
        for path, item in walk(others, here):
            if type(item) is Value:
                self.fail("an unbound value can stand in specs alone", path)
        return others


def _as_value(item: Any) -> Any:
    """Return the unbound value that an object means."""
    match {"secret": False, **item}:
        case {"flow64:value": str(name), "secret": bool(secret), **others}:
            if name and not others:
                return Value(name, secret)
    example = f'{{"{VALUE_KEY}": "name"}}, with "secret": true for a secret one'
    problem = f"{shortened(dict(item))} is not an unbound value"
    return Problem(problem, f"write {example}")
