"""Code: lifted workflows as Python source.

Text of a definition only becomes a literal, by `repr`, and names are computed. So the
source builds workflows and does nothing else. `ruff format` lays it out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, TypeAlias, cast

from attrs import field, frozen

from ..blocks import FILTER_LOGIC, FILTER_OPERATORS, UNARY_OPERATORS, FilterBase
from ..definition import Value
from ..dsl import (
    RESERVED,
    UNSET,
    Block,
    Flow,
    Parallel,
    RawBlock,
    RowKind,
    Scoped,
    Series,
    parts_of,
)
from .lifting import Lifted, OwnClasses

LONG: Final = 50
"""Parts of the longest chain in one expression."""

SHORT: Final = 72
"""Characters of the longest chain on one line."""

DEEP: Final = 6
"""Levels of lists and chains after which an inner one gets a name."""

DEEP_VALUE: Final = 40
"""Levels of a value after which an inner one gets a name. Python reads 200."""

ACCEPTED: Final = "# These errors would stop a compile, so allow= accepts them below:"
"""The comment above a workflow that needs `allow=`. The next line has the codes."""

_POSITIONAL: Final = ("block_name", "dataframe_type")
"""Arguments that read as well without their names."""

_GAPS: Final = re.compile(r"[^A-Za-z0-9]+")

# A list of our own: a new release of Python changes no name.
_RESERVED: Final = """
and as assert async await break class continue def del elif else except finally for from
global if import in is lambda nonlocal not or pass raise return try while with yield
match case type true false none fan flow64 tap value
"""
_TAKEN: Final = frozenset(_RESERVED.split())


@frozen
class Code:
    """Python source of some workflows.

    Attributes:
        text: The source.
        variables: The name of the variable of each workflow, in their order.
    """

    text: str
    variables: tuple[str, ...]


def as_code(workflows: Sequence[Lifted], own: OwnClasses | None = None) -> Code:
    """Return the Python source of lifted workflows, as one module.

    Args:
        own: The classes of the user's own that they were lifted with.
    """
    module = _Module(own or OwnClasses())
    variables = tuple(module.add(lifted) for lifted in workflows)
    return Code("\n".join([*module.import_lines(), *module.lines, ""]), variables)


def _call(name: str, *args: str, **named: str) -> str:
    return f"{name}({', '.join([*args, *(f'{k}={v}' for k, v in named.items())])})"


@frozen
class _Module:
    """A module that is written statement by statement."""

    own: OwnClasses
    lines: list[str] = field(factory=list)
    imports: dict[str, set[str]] = field(factory=dict)
    names: set[str] = field(factory=set)
    projects: dict[tuple[str, ...], str] = field(factory=dict)

    def import_lines(self) -> Iterator[str]:
        """Yield the imports of the names that were used: ours first."""
        for module in sorted(self.imports, key=self._place_of_import):
            names = ", ".join(sorted(self.imports[module], key=_order_of_import))
            yield f"from {module} import {names}"

    def _place_of_import(self, module: str) -> tuple[bool, str]:
        return module == self.own.module, module

    def use(self, name: str, module: str = "flow64") -> str:
        """Import a name."""
        self.imports.setdefault(module, set()).add(name)
        return name

    def assign(self, text: str, *words: str, otherwise: str) -> str:
        """Give an expression a name that reads like some words, and return the name."""
        base = _GAPS.sub("_", "_".join(words)[:160]).strip("_").lower()[:40].rstrip("_")
        if not base[:1].isalpha():
            base = f"{otherwise}_{base}".rstrip("_")
        if base in _TAKEN:
            base = f"{base}_{otherwise}"
        name, number = base, 1
        while name in self.names:
            name, number = f"{base}_{number + 1}", number + 1
        self.names.add(name)
        self.lines.append(f"{name} = {text}")
        return name

    def add(self, lifted: Lifted) -> str:
        """Write a workflow, and return the name of its variable."""
        identity = lifted.identity
        project = self._project(lifted)
        self.lines.append("")
        if lifted.accepted:
            self.lines.extend([ACCEPTED, f"# {', '.join(lifted.accepted)}"])
        flows = _Flows(self, lifted.flows).write()
        keys = {"key": identity.key, "was": identity.was, "id": identity.id}
        named = {k: repr(text) for k, text in keys.items() if text is not None}
        if project is not None:
            named["project"] = project
        if identity.description:
            named["description"] = repr(identity.description)
        if identity.pins:
            named["pins"] = self.literal(identity.pins)
        text = _call(self.use("Workflow"), repr(identity.name), *flows, **named)
        if identity.segments:
            text += f".varied({[tuple(segment) for segment in identity.segments]!r})"
        words = [identity.shown_key, *(name for _, name in identity.segments)]
        return self.assign(text, *words, otherwise="workflow")

    def _project(self, lifted: Lifted) -> str | None:
        """Return the variable of a project, which is written once."""
        project = lifted.identity.project
        if project is None:
            return None
        facts = (project.namespace, project.key, *lifted.allow)
        if facts not in self.projects:
            named = {"namespace": repr(project.namespace)}
            if lifted.allow:
                named["allow"] = repr([*lifted.allow])
            text = _call(self.use("Project"), repr(project.key), **named)
            self.lines.append("")
            name = self.assign(text, project.key, otherwise="project")
            self.projects[facts] = name
        return self.projects[facts]

    def literal(self, value: Any, depth: int = 1) -> str:
        """Return a value as a literal. A part that nests deep gets a name."""
        if isinstance(value, Value):
            secret = {"secret": "True"} if value.secret else {}
            return _call(self.use("value"), repr(value.name), **secret)
        if isinstance(value, RowKind):
            return self.use(value.name)
        if isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value).items()
            items = [f"{k!r}: {self.literal(item, depth + 1)}" for k, item in members]
            text = f"{{{', '.join(items)}}}"
        elif isinstance(value, list | tuple):
            inner = [self.literal(item, depth + 1) for item in value]
            text = f"[{', '.join(inner)}]"
        else:
            return repr(value)
        if depth % DEEP_VALUE:
            return text
        return self.assign(text, "nested", otherwise="nested")

    def block(self, block: Block) -> str:
        """Return the call that makes a block."""
        cls = type(block)
        is_own = cls in self.own.by_kind.values()
        room = "flow64" if cls is RawBlock else "flow64.blocks"
        module = self.own.module if is_own else room
        if isinstance(block, FilterBase) and (text := self._filter(block)):
            return self.use(text[: text.index(".")], module) + text[text.index(".") :]
        args: list[str] = []
        named: dict[str, str] = {}
        order = ["key", *cls.spec_names, "extra", "allow"]
        for name in ["block_name", *order] if cls is RawBlock else order:
            value = getattr(block, name)
            is_default = name in (*RESERVED, "specs") and not value
            if value is UNSET or is_default:
                continue
            if name in _POSITIONAL and not is_own:
                args.append(self.literal(value))
            else:
                named[name] = self.literal(value)
        return _call(self.use(cls.__name__, module), *args, **named)

    def _filter(self, block: FilterBase[Any]) -> str:
        """Return `Filter.where(...)` if that says all of a filter, or nothing."""
        conditions: Any = getattr(block, "filters", UNSET)
        is_list = isinstance(conditions, list) and bool(conditions)
        if block.extra or block.allow or not is_list:
            return ""
        text = type(block).__name__
        for at, condition in enumerate(conditions):
            if not _is_plain_condition(condition, is_first=at == 0):
                return ""
            method = f"{condition['logic']}_" if at else "where"
            key = {} if at or block.key is None else {"key": repr(block.key)}
            text += _call(f".{method}", repr(condition["column"]), **key)
            operator = condition["operator"]
            value = [self.literal(condition["value"])] if "value" in condition else []
            text += _call(".in_" if operator == "in" else f".{operator}", *value)
        return text


def _order_of_import(name: str) -> tuple[int, str]:
    """Sort constants, then classes, then functions, as ruff sorts imports."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name.lower()


def _is_plain_condition(condition: Any, *, is_first: bool) -> bool:
    """Return True if a method of `Filter.where(...)` can say a condition."""
    if not isinstance(condition, dict):
        return False
    operator = condition.get("operator")
    members = {"column", "operator", *([] if is_first else ["logic"])}
    members |= set() if operator in UNARY_OPERATORS else {"value"}
    return (
        condition.keys() == members
        and operator in FILTER_OPERATORS
        and isinstance(condition["column"], str)
        and (is_first or condition["logic"] in FILTER_LOGIC)
    )


Position: TypeAlias = Literal["top", "item", "operand"]
"""Where an expression stands: alone, between commas, or beside `>>` and `.`."""


class _Flows:
    """Writes the flows of one workflow.

    A flow that stands in several places, or nests deep, gets a name.
    """

    def __init__(self, module: _Module, flows: Sequence[Flow[Any, Any]]) -> None:
        self.module = module
        self.flows = flows
        self.times = Counter(map(id, flows))
        self.names: dict[int, str] = {}  # by the identity of the flow
        todo = [*flows]
        while todo:
            for part in parts_of(todo.pop()):
                self.times[id(part)] += 1
                if self.times[id(part)] == 1:
                    todo.append(part)

    def write(self) -> Sequence[str]:
        """Return the flows as arguments of a workflow."""
        heights: dict[int, int] = {}
        for flow in self._inner_first():
            inner = [heights[id(part)] for part in self._members(flow)]
            is_level = bool(inner) and not isinstance(flow, Scoped)
            height = max(inner, default=0) + is_level
            if self.times[id(flow)] > 1 or height == DEEP:
                self.names[id(flow)] = self._assign(flow, _first_key(flow))
                height = 0
            heights[id(flow)] = height
        if len(self.flows) > 1:
            return [self._text(flow, "item") for flow in self.flows]
        (flow,) = self.flows
        return [self.names.get(id(flow)) or self._assign(flow, "flow")]

    def _assign(self, flow: Flow[Any, Any], word: str) -> str:
        return self.module.assign(self._text(flow, "top"), word, otherwise="flow")

    def _inner_first(self) -> Iterator[Flow[Any, Any]]:
        """Yield each flow once, after its members."""
        seen: set[int] = set()
        todo = [(flow, False) for flow in reversed(self.flows)]
        while todo:
            flow, is_ready = todo.pop()
            if is_ready:
                yield flow
            elif id(flow) not in seen:
                seen.add(id(flow))
                todo.append((flow, True))
                todo += [(part, False) for part in reversed(self._members(flow))]

    def _members(self, flow: Flow[Any, Any]) -> Sequence[Flow[Any, Any]]:
        """Return the parts of a flow: of a chain all that are joined by `>>`."""
        if not isinstance(flow, Series):
            return parts_of(flow)
        links: list[Flow[Any, Any]] = []
        todo: list[Flow[Any, Any]] = [flow.right, flow.left]
        while todo:
            part = todo.pop()
            if isinstance(part, Series) and self.times[id(part)] == 1:
                todo += [part.right, part.left]
            else:
                links.append(part)
        return links

    def _text(self, flow: Flow[Any, Any], position: Position) -> str:
        if (name := self.names.get(id(flow))) is not None:
            return name
        match flow:
            case Series():
                return self._chain(self._members(flow), position)
            case Parallel():
                listed = ", ".join([self._text(part, "item") for part in flow.members])
                is_list = position == "operand"
                return (
                    f"[{listed}]" if is_list else f"{self.module.use('fan')}({listed})"
                )
            case Scoped():
                return f"{self._text(flow.flow, position)}.scoped({flow.name!r})"
            case _:
                return self.module.block(cast("Block", flow))

    def _chain(self, links: Sequence[Flow[Any, Any]], position: Position) -> str:
        """Join links by `>>`."""
        # Of two lists beside an arrow, the first has to be a flow.
        texts = [
            self._text(link, "operand" if at else "item")
            for at, link in enumerate(links)
        ]
        while len(texts) > LONG:
            head = self.module.assign(_in_lines(texts[:LONG]), "part", otherwise="part")
            texts = [head, *texts[LONG:]]
        text = " >> ".join(texts)
        if position == "top" and len(text) > SHORT:
            return _in_lines(texts)
        return f"({text})" if position == "operand" else text


def _in_lines(texts: Sequence[str]) -> str:
    steps = "\n    >> ".join(texts)
    return f"(\n    {steps}\n)"


def _first_key(flow: Flow[Any, Any]) -> str:
    """Return the key of the first block of a flow."""
    while parts := parts_of(flow):
        flow = parts[0]
    block = cast("Block", flow)
    return block.key or block.block_name
