"""Read JSON strictly: a text becomes a definition, or one error with a place."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NoReturn

from attrs import frozen

from ..errors import ReadError
from ..text import did_you_mean, shortened
from ._frozen import EMPTY, FrozenDict
from ._ids import LOCAL, canonical_id, escape_key, id_of, is_uuid, path_of, slug
from ._json import Limits, Path, Problem, freeze, pointer, walk
from ._json_text import (
    JSON_TYPE_NAMES,
    MAX_NESTING,
    decode,
    find_offset,
    has_more_values,
    name_json_type,
    parse_json,
    too_deep_error,
)
from ._model import Definition, Edge, ListedOrigins, Origin, WireBlock
from ._stamp import split_stamp
from ._values import VALUE_KEY, Value, as_value

MAX_VALUES: Final = 500_000
"""JSON values that are read at most: objects, lists, texts, numbers, true, false, null.

These three limits hold for what is read: files and answers of the service. Code that
builds a workflow has none.
"""

MAX_BLOCKS: Final = 20_000
"""Blocks of one workflow that are read at most."""

MAX_EDGES: Final = 50_000
"""Edges of one workflow that are read at most."""

_BODY = Limits(depth=MAX_NESTING, whole=False, integer=None)
_ANSWER = Limits(depth=MAX_NESTING, whole=False, integer=None, literals=True)

_BODY_KEYS = frozenset(
    {"workflow_name", "workflow_description", "workflow_definition", "id"}
)
_ANSWER_KEYS = frozenset(
    {
        "id", "name", "description", "workflow_definition", "user_uuid", "org_id",
        "status", "step", "created_at", "updated_at", "last_run_date",
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
        ArgumentError: The argument is not text.
    """
    reader = _DefinitionReader(decode(text, source), source)
    return reader.definition(reader.parse())


def from_data(data: Any, *, source: str = "<answer>") -> Definition:
    """Read a definition from parsed data, such as the body of a response.

    Raises:
        ReadError: The data is not a workflow; the error says where.
    """
    return _DefinitionReader(None, source).definition(data)


@frozen
class _DefinitionReader:
    text: str | None
    source: str

    def fail(self, problem: str, path: Path | None = None) -> NoReturn:
        """Raise an error with a path: its pointer, and its offset in the text."""
        offset = line = None
        if path is not None and self.text is not None:
            offset = find_offset(self.text, path)
            line = self.text.count("\n", 0, offset) + 1
        where = None if path is None else pointer(path)
        raise ReadError(problem, self.source, offset, line, where)

    def parse(self) -> Any:
        text = self.text or ""
        if has_more_values([text.encode("utf-8", "surrogatepass")], MAX_VALUES):
            self.fail(TOO_MANY_VALUES)
        return parse_json(text, self.source)

    def definition(self, data: Any) -> Definition:
        if isinstance(data, Problem):
            self.fail(_describe(data), ())
        if not isinstance(data, dict):
            self.fail(f"a workflow must be a JSON object, not {_json_type(data)}", ())
        self._require_few(data)
        is_answer = "name" in data and "workflow_name" not in data
        problems: list[Problem] = []
        limits, convert = (_ANSWER, None) if is_answer else (_BODY, _as_value)
        body = freeze(data, (), problems, convert, limits)
        if problems and problems[0].code == "too-deep" and self.text is not None:
            raise too_deep_error(self.text, self.source)
        if problems:
            self.fail(_describe(problems[0]), problems[0].path)
        if not isinstance(body, dict):
            self.fail(f"a workflow must be a JSON object, not {_json_type(body)}", ())
        return self._definition(body, is_answer=is_answer)

    def _require_few(self, data: dict[str, Any]) -> None:
        """Refuse too many blocks, edges or values before anything is made of them."""
        graph = data.get("workflow_definition")
        for key, most in (("blocks", MAX_BLOCKS), ("edges", MAX_EDGES)):
            items = graph.get(key) if isinstance(graph, dict) else None
            if isinstance(items, list) and len(items) > most:
                problem = f"it has {len(items):,} {key}, and at most {most:,} are read"
                self.fail(f"{problem}; {_SPLIT}", ("workflow_definition", key))
        if self.text is None and _count_at_least(data, MAX_VALUES + 1):
            self.fail(TOO_MANY_VALUES)

    def _definition(self, body: Mapping[str, Any], *, is_answer: bool) -> Definition:
        graph = body.get("workflow_definition")
        if graph is None:
            self.fail(self._no_graph(body), ())
        if is_answer and "workflow_description" in body:
            self.fail(
                "workflow_description belongs to a create body, and name to an answer; "
                "write workflow_name, or description",
                ("workflow_description",),
            )
        name_key, description_key, known = (
            ("name", "description", _ANSWER_KEYS)
            if is_answer
            else ("workflow_name", "workflow_description", _BODY_KEYS)
        )
        name = self._text(body, name_key, "")
        workflow_id = self._text(body, "id", None) or None
        text = self._text(body, description_key, "")
        description, stamp = split_stamp(text, workflow_id)
        path = None
        # Without a path of its own, ids that are computed stand under what names it.
        named = canonical_id(workflow_id) if workflow_id else slug(name) or "workflow"
        owner = path_of((("ns", LOCAL), ("workflow", named)))
        if workflow_id is None:
            path, workflow_id = owner, id_of(owner)
        here: Path = ("workflow_definition",)
        blocks, origins, ids = self._blocks(self._list(graph, "blocks", here), owner)
        edges = self._edges(self._list(graph, "edges", here), ids)
        return Definition(
            name=name,
            description=description,
            blocks=blocks,
            edges=edges,
            id=workflow_id,
            extra=self._others(body, known, ()),
            graph_extra=self._others(graph, _GRAPH_KEYS, here),
            stamp=stamp,
            path=path,
            origins=ListedOrigins(origins),
            is_answer=is_answer,
        )

    def _no_graph(self, body: Mapping[str, Any]) -> str:
        if "blocks" in body and "edges" in body:
            return (
                "this is a graph alone; wrap it: "
                '{"workflow_name": ..., "workflow_description": ..., '
                '"workflow_definition": {"blocks": ..., "edges": ...}}'
            )
        unknown = (key for key in body if key not in _BODY_KEYS)
        words = (did_you_mean(key, ("workflow_definition",)) for key in unknown)
        near = next(filter(None, words), "")
        return (
            f"it has no workflow_definition, so there is no graph to read{near}; lists "
            "of workflows and bodies that change a name alone carry none"
        )

    def _blocks(
        self, items: Sequence[Any], owner: str
    ) -> tuple[tuple[WireBlock, ...], list[Origin], dict[str, str]]:
        blocks, origins, ids = [], [], {}
        for position, item in enumerate(items):
            here: Path = ("workflow_definition", "blocks", position)
            if not isinstance(item, dict):
                self.fail(f"a block must be an object, not {_json_type(item)}", here)
            kind = self._require(item, "block_name", str, here)
            written = self._text(item, "block_id", None, here)
            key = None if is_uuid(written) else written or kind
            block_id = written
            if key is not None or block_id is None:
                block_id = id_of(f"{owner}/block:{escape_key(key or kind)}")
            if written is not None:
                ids[written] = block_id
            blocks.append(
                WireBlock(
                    id=block_id,
                    kind=kind,
                    specs=self._require(item, "specs", dict, here),
                    label=self._require(item, "block_type", str, here),
                    number=self._require(item, "sequence_number", int, here),
                    extra=self._others(item, _BLOCK_KEYS, here),
                )
            )
            origins.append(
                Origin(
                    key=key,
                    path=key,
                    pointer=pointer(here),
                    is_default=written is None or not written,
                )
            )
        return tuple(blocks), origins, ids

    def _edges(self, items: Sequence[Any], ids: Mapping[str, str]) -> tuple[Edge, ...]:
        edges = []
        for position, item in enumerate(items):
            here: Path = ("workflow_definition", "edges", position)
            if not isinstance(item, dict):
                self.fail(f"an edge must be an object, not {_json_type(item)}", here)
            source = self._require(item, "from_block_id", str, here)
            target = self._require(item, "to_block_id", str, here)
            extra = self._others(item, _EDGE_KEYS, here)
            if not isinstance(extra.get("condition", ""), str | None):
                self.fail("condition is text or null", (*here, "condition"))
            edges.append(Edge(ids.get(source, source), ids.get(target, target), extra))
        return tuple(edges)

    def _list(self, graph: Any, key: str, here: Path) -> Sequence[Any]:
        if not isinstance(graph, dict):
            self.fail(f"a graph must be an object, not {_json_type(graph)}", here)
        found: Sequence[Any] = self._require(graph, key, list, here)
        return found

    def _require(
        self, data: Mapping[str, Any], key: str, kind: type[Any], here: Path
    ) -> Any:
        if key not in data:
            near = did_you_mean(
                key, data.keys() - _BLOCK_KEYS - _EDGE_KEYS - _GRAPH_KEYS
            )
            self.fail(f"{key} is missing{near}; the service requires it", here)
        if not isinstance(data[key], kind) or isinstance(data[key], bool):
            wanted = JSON_TYPE_NAMES[kind]
            self.fail(
                f"{key} must be {wanted}, not {_json_type(data[key])}", (*here, key)
            )
        return data[key]

    def _text(
        self, data: Mapping[str, Any], key: str, default: Any, here: Path = ()
    ) -> Any:
        found = data.get(key)
        if found is not None and not isinstance(found, str):
            self.fail(f"{key} must be text, not {_json_type(found)}", (*here, key))
        return default if found is None else found

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


def _describe(problem: Problem) -> str:
    return "; ".join(filter(None, (problem.message, problem.help)))


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return json.dumps(value)
    return "an unbound value" if type(value) is Value else name_json_type(value)


def _as_value(item: Any) -> Any:
    if isinstance(item, dict) and VALUE_KEY in item:
        return as_value(item) or Problem(
            "not-json",
            (),
            f"{shortened(dict(item))} is not an unbound value; write "
            f'{{"{VALUE_KEY}": "name"}}, with "secret": true for a secret one',
            "",
        )
    return item


def require_readable(definition: Definition) -> None:
    """Refuse a definition that could not be read back after it was written.

    Raises:
        ReadError: It has too many blocks, edges or values.
    """
    specs = [block.specs for block in definition.blocks]
    for key, count, most in (
        ("blocks", len(definition.blocks), MAX_BLOCKS),
        ("edges", len(definition.edges), MAX_EDGES),
    ):
        if count > most:
            problem = f"it has {count:,} {key}, and at most {most:,} are read back"
            raise ReadError(f"{problem}; {_SPLIT}", definition.name)
    # A block and an edge have a few more values each than the specs.
    if _count_at_least(specs, MAX_VALUES - 9 * (len(specs) + len(definition.edges))):
        raise ReadError(TOO_MANY_VALUES, definition.name)


def _count_at_least(data: Any, least: int) -> bool:
    """Return True if parsed data holds that many values."""
    todo, count = [data], 1
    while todo and count < least:
        item = todo.pop()
        inner = item.values() if isinstance(item, dict) else item
        count += len(item)
        todo += [one for one in inner if isinstance(one, dict | list)]
    return count >= least


_SPLIT: Final = "split the workflow"

TOO_MANY_VALUES: Final = (
    f"it holds more than {MAX_VALUES:,} JSON values, the most that is read; {_SPLIT}"
)
