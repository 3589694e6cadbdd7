"""Reading: a JSON text becomes a definition, or one error with its place."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any, Final, NoReturn

from attrs import frozen

from ..diagnostics import find_value
from ..errors import BuildError, ReadError, read_error
from ..text import did_you_mean, shortened
from ._stamp import split_stamp
from ._values import VALUE_KEY, Value, as_value
from .freezing import (
    EMPTY,
    MAX_DEPTH,
    FrozenDict,
    Limits,
    Path,
    Problem,
    freeze,
    pointer,
    walk,
)
from .ids import LOCAL, canonical_id, escape_key, id_of, is_uuid, path_of, slug
from .model import Definition, Edge, ListedOrigins, Origin, WireBlock

MAX_BYTES: Final = 32 * 2**20
"""The largest text that is read; a longer one is refused before it is parsed."""

MAX_NESTING: Final = MAX_DEPTH + 8
"""How deep a text may nest: a spec's depth and the levels around it."""

MAX_DIGITS: Final = 400
"""Characters of the longest number that is read."""

MAX_VALUES: Final = 500_000
"""JSON values that are read at most: objects, lists, texts, numbers, true, false, null.

These limits hold for what is read: files and answers of the service. Code that builds a
workflow has none.
"""

MAX_BLOCKS: Final = 20_000
"""Blocks of one workflow that are read at most."""

MAX_EDGES: Final = 50_000
"""Edges of one workflow that are read at most."""

TOO_MANY_VALUES: Final = (
    f"it holds more than {MAX_VALUES:,} JSON values, the most that is read; split the "
    "workflow"
)

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


def decode(text: str | bytes, source: str) -> str:
    """Return the text of JSON in UTF-8.

    Raises:
        ReadError: It is too long, or has another encoding.
        BuildError: It is not text.
    """
    if not isinstance(text, str | bytes):
        message = f"text is {shortened(text)}"
        raise BuildError(message, hint="give the JSON text, or its UTF-8 bytes")
    if len(text) > MAX_BYTES:
        problem = f"it is longer than {MAX_BYTES // 2**20} MiB, the most that is read"
        raise read_error(problem, source, MAX_BYTES)
    if isinstance(text, bytes):
        if text.startswith((b"\xff\xfe", b"\xfe\xff", b"{\x00", b"\x00")):
            raise read_error("not UTF-8: it begins like UTF-16 or UTF-32", source, 0)
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            problem = f"not UTF-8: {error.reason}"
            raise read_error(problem, source, error.start) from None
    if text.startswith("\ufeff"):
        raise read_error("it begins with a byte order mark; save it without", source, 0)
    return text


def parse_json(text: str, source: str) -> Any:
    """Parse a JSON text. A value that JSON does not have becomes a `Problem`.

    Raises:
        ReadError: It is not JSON, or nests too deep.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_as_object,
            parse_int=_as_number,
            parse_float=_as_number,
            parse_constant=_as_constant,
        )
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg}"
        if re.fullmatch(r"[^\n{\[]{1,200}\.json", text):
            problem += " (it looks like a file name; give the text)"
        raise read_error(problem, source, error.pos, error.lineno) from None
    except RecursionError:
        raise too_deep_error(text, source) from None


def load_json(text: str | bytes, default: Any = None) -> Any:
    """Parse a JSON text of any size; return the default if it cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default


def has_more_values(texts: Sequence[bytes], most: int) -> bool:
    """Return True if JSON texts in UTF-8 together hold more values than a limit.

    Separators are counted, since parsing would cost what the limit should save.
    """
    # Those inside of strings count here as well: fast, and nearly always enough.
    if sum(map(_count_separators, texts)) + len(texts) <= most:
        return False
    count = len(texts)
    for text in texts:
        for part in _outside_of_strings(text):
            count += _count_separators(part) - part.count(b"[]") - part.count(b"{}")
            if count > most:
                return True
    return False


def _outside_of_strings(text: bytes) -> Iterator[bytes]:
    """Yield a JSON text in pieces, each string in it as one quote."""
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    is_inside = False
    for start in range(0, len(plain), 2**16):
        parts = plain[start : start + 2**16].split(b'"')
        yield b'"'.join(parts[is_inside::2])
        is_inside ^= len(parts) % 2 == 0  # each quote begins or ends a string


def _count_separators(text: bytes) -> int:
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _as_object(pairs: list[tuple[str, Any]]) -> Any:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    keys = [key for key, _ in pairs]
    twice = next(key for at, key in enumerate(keys) if key in keys[:at])
    return _no_json(f"the key {shortened(twice)} stands twice", "keep one of them")


def _as_number(digits: str) -> Any:
    if len(digits) > MAX_DIGITS:
        return _no_json(f"a number of {len(digits)} digits", "write it as text")
    try:
        return int(digits)
    except ValueError:
        number = float(digits)
    if number - number != 0:
        message = f"the number {shortened(digits)} is beyond what a double holds"
        return _no_json(message, "write it as text")
    return number


def _as_constant(name: str) -> Any:
    return _no_json(f"{name} is not JSON", "write null, or leave the field out")


def _no_json(message: str, advice: str) -> Problem:
    return Problem("not-json", (), message, advice)


# A string without an end is taken whole, so that no quote in it is tried again.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


def too_deep_error(text: str, source: str) -> ReadError:
    """Return the error of a text that nests too deep, with the place of the bracket."""
    brackets = (
        (match.start(), 1 if match[1] else -1)
        for match in _BRACKETS.finditer(text)
        if match.lastindex
    )
    depths = accumulate(brackets, lambda outer, here: (here[0], outer[1] + here[1]))
    offset = next((start for start, depth in depths if depth > MAX_NESTING), 0)
    problem = f"it nests deeper than {MAX_NESTING} levels; flatten it"
    return read_error(problem, source, offset, text.count("\n", 0, offset) + 1)


# -- Definitions -----------------------------------------------------------------------

_BODY = Limits(depth=MAX_NESTING, whole=False, integer=None)
_ANSWER = Limits(depth=MAX_NESTING, whole=False, integer=None, literals=True)

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
_EDGE_KEYS = frozenset({"from_block_id", "to_block_id"})


def loads(text: str | bytes, *, source: str = "<text>") -> Definition:
    """Read the definition in a JSON text.

    Create bodies, update bodies and responses of `GET /workflows/{id}` can be read.

    Args:
        text: The JSON text; bytes must be UTF-8 without a byte order mark.
        source: The name of the text in errors, for example its file name.

    Raises:
        ReadError: The text is not JSON, or not a workflow; the error says where.
        BuildError: The argument is not text.
    """
    reader = _Reader(decode(text, source), source)
    if has_more_values([str(reader.text).encode("utf-8", "surrogatepass")], MAX_VALUES):
        reader.fail(TOO_MANY_VALUES)
    return reader.read(parse_json(str(reader.text), source))


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
            offset = find_value(self.text, where)
            line = self.text.count("\n", 0, offset) + 1
        raise read_error(problem, self.source, offset, line, where)

    def read(self, data: Any) -> Definition:
        if isinstance(data, dict):
            self._require_few(data)
        is_answer = isinstance(data, dict) and "workflow_name" not in data
        is_answer = is_answer and "name" in data
        problems: list[Problem] = []
        limits, convert = (_ANSWER, None) if is_answer else (_BODY, _as_value)
        body = freeze(data, (), problems, convert, limits)
        if problems and problems[0].code == "too-deep" and self.text is not None:
            raise too_deep_error(self.text, self.source)
        if problems:
            advice = f"; {problems[0].help}" if problems[0].help else ""
            self.fail(f"{problems[0].message}{advice}", problems[0].path)
        if not isinstance(body, dict):
            self.fail(f"a workflow must be a JSON object, not {_name_type(body)}", ())
        return self._definition(body, is_answer=is_answer)

    def _require_few(self, data: Mapping[str, Any]) -> None:
        """Refuse too many blocks, edges or values before anything is made of them."""
        graph = data.get(_GRAPH)
        for key, most in (("blocks", MAX_BLOCKS), ("edges", MAX_EDGES)):
            items = graph.get(key) if isinstance(graph, dict) else None
            if isinstance(items, list) and len(items) > most:
                self.fail(_too_many(len(items), key, most), (_GRAPH, key))
        if self.text is None and _count_at_least(data, MAX_VALUES + 1):
            self.fail(TOO_MANY_VALUES)

    def _definition(self, body: Mapping[str, Any], *, is_answer: bool) -> Definition:
        graph = body.get(_GRAPH)
        if graph is None:
            words = [did_you_mean(key, (_GRAPH,)) for key in body.keys() - _BODY_KEYS]
            if {"blocks", "edges"} <= body.keys():
                words = [f'; wrap this graph: {{"{_GRAPH}": {{...}}}}']
            near = next(filter(None, words), "; give a create body, or an answer")
            self.fail(f"it has no {_GRAPH}, so there is no graph to read{near}", ())
        name_key, description_key, known = (
            ("name", "description", _ANSWER_KEYS)
            if is_answer
            else ("workflow_name", "workflow_description", _BODY_KEYS)
        )
        if is_answer and "workflow_description" in body:
            problem = "workflow_description belongs beside workflow_name, and not name"
            self.fail(problem, ("workflow_description",))
        name = self._text(body, name_key) or ""
        workflow_id = self._text(body, "id") or None
        text = self._text(body, description_key)
        description, stamp = split_stamp(text or "", workflow_id)
        # Without a path of its own, ids that are computed stand under what names it.
        key = canonical_id(workflow_id) if workflow_id else slug(name) or "workflow"
        owner = path_of((("ns", LOCAL), ("workflow", key)))
        here: Path = (_GRAPH,)
        blocks, origins, ids = self._blocks(self._list(graph, "blocks", here), owner)
        return Definition(
            name=name,
            description=description,
            blocks=blocks,
            edges=self._edges(self._list(graph, "edges", here), ids),
            id=id_of(owner) if workflow_id is None else workflow_id,
            extra=self._others(body, known, ()),
            graph_extra=self._others(graph, _GRAPH_KEYS, here),
            stamp=stamp,
            path=owner if workflow_id is None else None,
            origins=ListedOrigins(origins),
            is_answer=is_answer,
            is_described=is_answer or text is not None,
        )

    def _blocks(
        self, items: Iterable[Any], owner: str
    ) -> tuple[tuple[WireBlock, ...], list[Origin], dict[str, str]]:
        """Return the blocks, their origins, and their ids by those that were read."""
        blocks, origins, ids = [], [], {}
        for position, item in enumerate(items):
            here: Path = (_GRAPH, "blocks", position)
            if not isinstance(item, dict):
                self.fail(f"a block must be an object, not {_name_type(item)}", here)
            kind = self._require(item, "block_name", str, here)
            written = self._text(item, "block_id", here)
            key = None if is_uuid(written) else written or kind
            block_id = written
            if key is not None or block_id is None:
                block_id = id_of(f"{owner}/block:{escape_key(key or kind)}")
            if written is not None:
                ids[written] = block_id
            block = WireBlock(
                id=block_id,
                kind=kind,
                specs=self._require(item, "specs", dict, here),
                label=self._require(item, "block_type", str, here),
                number=self._require(item, "sequence_number", int, here),
                extra=self._others(item, _BLOCK_KEYS, here),
            )
            blocks.append(block)
            where, is_default = pointer(here), not written
            origins.append(Origin(key, key, pointer=where, is_default=is_default))
        return tuple(blocks), origins, ids

    def _edges(self, items: Iterable[Any], ids: Mapping[str, str]) -> tuple[Edge, ...]:
        edges = []
        for position, item in enumerate(items):
            here: Path = (_GRAPH, "edges", position)
            if not isinstance(item, dict):
                self.fail(f"an edge must be an object, not {_name_type(item)}", here)
            source = self._require(item, "from_block_id", str, here)
            target = self._require(item, "to_block_id", str, here)
            extra = self._others(item, _EDGE_KEYS, here)
            if not isinstance(extra.get("condition", ""), str | None):
                self.fail("condition is text or null", (*here, "condition"))
            edges.append(Edge(ids.get(source, source), ids.get(target, target), extra))
        return tuple(edges)

    def _list(self, graph: Any, key: str, here: Path) -> Sequence[Any]:
        if not isinstance(graph, dict):
            self.fail(f"a graph must be an object, not {_name_type(graph)}", here)
        items: Sequence[Any] = self._require(graph, key, list, here)
        return items

    def _require(
        self, data: Mapping[str, Any], key: str, kind: type[Any], here: Path
    ) -> Any:
        if key not in data:
            near = did_you_mean(
                key, data.keys() - _BLOCK_KEYS - _EDGE_KEYS - _GRAPH_KEYS
            )
            self.fail(f"{key} is missing{near}; the service requires it", here)
        value = data[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            problem = f"{key} must be {JSON_TYPE_NAMES[kind]}, not {_name_type(value)}"
            self.fail(problem, (*here, key))
        return value

    def _text(self, data: Mapping[str, Any], key: str, here: Path = ()) -> str | None:
        text = data.get(key)
        if text is not None and not isinstance(text, str):
            self.fail(f"{key} must be text, not {_name_type(text)}", (*here, key))
        return text

    def _others(
        self, data: Mapping[str, Any], known: frozenset[str], here: Path
    ) -> FrozenDict:
        """Return the undocumented members."""
        if data.keys() <= known:
            return EMPTY
        others = FrozenDict({key: data[key] for key in data if key not in known})
        for path, item in walk(others, here):
            if type(item) is Value:
                self.fail("an unbound value can stand in specs alone", path)
        return others


def _name_type(value: Any) -> str:
    if isinstance(value, bool):
        return json.dumps(value)
    return "an unbound value" if type(value) is Value else name_json_type(value)


def _as_value(item: Any) -> Any:
    if not isinstance(item, dict) or VALUE_KEY not in item:
        return item
    example = f'{{"{VALUE_KEY}": "name"}}, with "secret": true for a secret one'
    problem = f"{shortened(dict(item))} is not an unbound value; write {example}"
    return as_value(item) or _no_json(problem, "")


def require_readable(definition: Definition) -> None:
    """Refuse a definition that could not be read back after it was written.

    Raises:
        ReadError: It has too many blocks, edges or values.
    """
    blocks, edges = len(definition.blocks), len(definition.edges)
    limits = (("blocks", blocks, MAX_BLOCKS), ("edges", edges, MAX_EDGES))
    for key, count, most in limits:
        if count > most:
            raise read_error(_too_many(count, key, most), definition.name)
    # A block and an edge have a few more values each than the specs.
    specs = [block.specs for block in definition.blocks]
    if _count_at_least(specs, MAX_VALUES - 9 * (blocks + edges)):
        raise read_error(TOO_MANY_VALUES, definition.name)


def _too_many(count: int, key: str, most: int) -> str:
    problem = f"it has {count:,} {key}, and at most {most:,} are read"
    return f"{problem}; split the workflow"


def _count_at_least(data: Any, least: int) -> bool:
    """Return True if parsed data holds that many values."""
    todo, count = [data], 1
    while todo and count < least:
        item = todo.pop()
        inner = item.values() if isinstance(item, dict) else item
        count += len(item)
        todo += [value for value in inner if isinstance(value, dict | list)]
    return count >= least
