"""Code: lifted workflows as Python source.

Text of a definition only becomes a literal, by `repr`, and names are computed. So the
source builds workflows and does nothing else. `ruff format` lays it out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from keyword import kwlist
from typing import Any, Final, cast

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
"""Parts of the longest chain in one expression; a longer one is named in parts."""

SHORT: Final = 72
"""Characters of the longest chain on one line."""

DEEP: Final = 3
"""Levels of lists after which an inner one gets a name."""

DEEP_VALUE: Final = 40
"""Levels of a value after which an inner one gets a name. Python reads 200."""

_POSITIONAL: Final = ("block_name", "dataframe_type")
"""Arguments that read as well without their names."""

_GAPS: Final = re.compile(r"[^A-Za-z0-9]+")

_TAKEN: Final = frozenset({*kwlist, "fan", "tap", "value"})


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
        """Yield the imports of the names that were used."""
        for module in sorted(self.imports):
            names = ", ".join(sorted(self.imports[module]))
            yield f"from {module} import {names}"

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
        flows = self._flows(lifted.flows)
        was = identity.was
        own = None if identity.segments else was
        keys = {"key": identity.key, "was": own, "id": identity.id}
        named = {k: repr(text) for k, text in keys.items() if text is not None}
        if project is not None:
            named["project"] = project
        if identity.description:
            named["description"] = repr(identity.description)
        if identity.pins:
            named["pins"] = self.literal(identity.pins)
        if lifted.schedules:
            self.use("Schedule")
            named["schedules"] = repr([*lifted.schedules])
        text = _call(self.use("Workflow"), repr(identity.name), *flows, **named)
        if identity.segments:
            segments = [tuple(segment) for segment in identity.segments]
            old = {} if was is None else {"was": repr(was)}
            text = _call(f"{text}.varied", repr(segments), **old)
        words = [identity.shown_key, *(name for _, name in identity.segments)]
        return self.assign(text, *words, otherwise="workflow")

    def _project(self, lifted: Lifted) -> str | None:
        """Return the variable of a project, which is written once."""
        project = lifted.identity.project
        if project is None:
            return None
        facts = (project.namespace, project.key, str(project.was), *lifted.allow)
        if facts not in self.projects:
            named = {"namespace": repr(project.namespace)}
            if project.was is not None:
                named["was"] = repr(project.was)
            if lifted.allow:
                named["allow"] = repr([*lifted.allow])
            text = _call(self.use("Project"), repr(project.key), **named)
            self.lines.append("")
            name = self.assign(text, project.key, otherwise="project")
            self.projects[facts] = name
        return self.projects[facts]

    def _flows(self, flows: Sequence[Flow[Any, Any]]) -> Sequence[str]:
        """Return flows as arguments of a workflow.

        One that stands in several places, nests deep or is long gets a name.
        """
        ordered, times = _inner_first(flows)
        texts: dict[int, _Text] = {}
        for flow in ordered:
            text = self._text(flow, [texts[id(part)] for part in parts_of(flow)])
            if times[id(flow)] > 1 or text.depth == DEEP or len(text.links) > LONG:
                text = _Text([self._assign_flow(text, text.word)], text.word)
            texts[id(flow)] = text
        if len(flows) == 1:
            return [self._assign_flow(texts[id(flows[0])], "flow")]
        return [" >> ".join(self._links(texts[id(flow)])) for flow in flows]

    def _assign_flow(self, text: _Text, word: str) -> str:
        chain = " >> ".join(links := self._links(text))
        if len(chain) > SHORT and len(links) > 1:
            steps = "\n    >> ".join(links)
            chain = f"(\n    {steps}\n)"
        return self.assign(chain, word, otherwise="flow")

    def _text(self, flow: Flow[Any, Any], parts: Sequence[_Text]) -> _Text:
        depth = max((part.depth for part in parts), default=0)
        match flow:
            case Series():
                links = [link for part in parts for link in part.links]
            case Parallel():
                listed = [" >> ".join(self._links(part)) for part in parts]
                links, depth = [f"[{', '.join(listed)}]"], depth + 1
            case Scoped():  # of a block: lifting gives no other flow a scope
                links = [f"{parts[0].links[0]}.scoped({flow.name!r})"]
            case _:
                block = cast("Block", flow)
                return _Text([self.block(block)], block.key or block.block_name)
        return _Text(links, parts[0].word, depth)

    def _links(self, text: _Text) -> Sequence[str]:
        """Return links of which the first is a flow, since lists know no `>>`."""
        first, *others = text.links
        if first.startswith("["):
            first = f"{self.use('fan')}({first[1:-1]})"
        return [first, *others]

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
            text = f"[{', '.join([self.literal(item, depth + 1) for item in value])}]"
        else:
            return repr(value)
        is_deep = depth % DEEP_VALUE == 0
        return self.assign(text, "nested", otherwise="nested") if is_deep else text

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


def _is_plain_condition(condition: Any, *, is_first: bool) -> bool:
    """Return True if a method of `Filter.where(...)` can say a condition."""
    match condition:
        case {"column": str(), "operator": str(operator), **others}:
            logic = "and" if is_first else others.pop("logic", None)
            values = [] if operator in UNARY_OPERATORS else ["value"]
            is_known = operator in FILTER_OPERATORS and logic in FILTER_LOGIC
            return is_known and [*others] == values
    return False


@frozen
class _Text:
    """A flow as text: the links that `>>` joins, a word for its name, and levels."""

    links: list[str]
    word: str
    depth: int = 0


def _inner_first(
    flows: Sequence[Flow[Any, Any]],
) -> tuple[list[Flow[Any, Any]], Counter[int]]:
    """Return each flow once, behind its parts, and how often it stands, by identity."""
    times: Counter[int] = Counter()
    ordered: list[Flow[Any, Any]] = []
    todo = [(flow, False) for flow in reversed(flows)]
    while todo:
        flow, is_ready = todo.pop()
        if is_ready:
            ordered.append(flow)
            continue
        times[id(flow)] += 1
        if times[id(flow)] == 1:
            todo.append((flow, True))
            todo += [(part, False) for part in reversed(parts_of(flow))]
    return ordered, times
