"""Code: lifted workflows as Python source, first as syntax and then as text.

Text of a definition is only ever in literals: it makes up no name, comment or
docstring. The one comment is ours. All code is audited before it is returned.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, Final, TypeAlias, cast

from attrs import frozen

from ..blocks import (
    FILTER_LOGIC,
    FILTER_OPERATORS,
    UNARY_OPERATORS,
    Filter,
    FilterBase,
)
from ..definition import Value, is_number
from ..dsl import RESERVED, UNSET, Block, RawBlock, RowKind
from ._arrange import FlowPart
from ._audit import audit
from ._layout import ACCEPTED, WIDTH, cells, flat, operands, text_of
from ._lift import Lifted
from ._names import Names
from ._own_classes import NO_CLASSES, OwnClasses

LONG: Final = 50
"""Parts of the longest chain that is written as one."""

DEEP: Final = 6
"""Levels of lists and chains that stand inside each other."""

DEEP_VALUE: Final = 40
"""Levels of a value after which an inner one gets a name: Python reads 200."""

SHORT: Final = 60
"""Columns of an expression that may stand in the middle of a line."""


@frozen
class Code:
    """Python source of some workflows.

    Attributes:
        text: The source.
        variables: The name of the variable of each workflow, in their order.
    """

    text: str
    variables: tuple[str, ...]


def as_code(
    workflows: Sequence[Lifted], own: OwnClasses = NO_CLASSES, *, is_open: bool = False
) -> Code:
    """Return the Python source of lifted workflows, as one module.

    Args:
        own: The classes of the user's own that they were lifted with.
        is_open: Whether arguments have a line each, however short they are. Then a
            change of one line does not change the layout of others.

    Raises:
        UnsafeCodeError: The result is not code of workflows.
    """
    module = _Module(own, is_open=is_open)
    variables = tuple(module.add(one) for one in workflows)
    text = text_of(module.groups(), is_open=is_open)
    audit(text, own)
    return Code(text, variables)


def call_of(name: str, given: Mapping[str, Any]) -> str:
    """Return a call with keyword arguments as one line of Python.

    Args:
        given: JSON data of each argument.
    """
    literal = _Module().literal
    made = {argument: literal(value) for argument, value in given.items()}
    return flat(_call(ast.Name(name), given=made))


_Project: TypeAlias = tuple[str, str, tuple[str, ...]]


class _Module:
    """Statements of a module, made one after the other.

    Attributes:
        imports: Names that were used, by module.
        projects: The variable of each project.
        statements: Groups of statements, and of lines that are comments.
        is_open: Whether the length of a line decides nothing.
    """

    def __init__(self, own: OwnClasses = NO_CLASSES, *, is_open: bool = False) -> None:
        self.own = own
        self.is_open = is_open
        self.names = Names()
        self.imports: dict[str, set[str]] = {
            name: set() for name in ("flow64", "flow64.blocks", own.module)
        }
        self.projects: dict[_Project, ast.expr] = {}
        self.statements: list[list[ast.stmt | str]] = []

    def groups(self) -> Iterator[Sequence[ast.stmt | str]]:
        """Yield all statements; imports of the names that they use come first."""
        for modules in (("flow64", "flow64.blocks"), (self.own.module,)):
            imports: list[ast.stmt | str] = [
                ast.ImportFrom(
                    module, [ast.alias(name) for name in sorted(used, key=_by_kind)], 0
                )
                for module in modules
                if (used := self.imports[module])
            ]
            if imports:
                yield imports
        yield from filter(None, self.statements)

    def add(self, lifted: Lifted) -> str:
        """Write a workflow, and return the name of its variable."""
        identity = lifted.identity
        project = self._project(lifted)
        self.statements.append([])
        if lifted.accepted:
            self.statements[-1] += [ACCEPTED, f"# {', '.join(lifted.accepted)}"]
        flows = _Flows(self).write(lifted.parts)
        keys = {"key": identity.key, "was": identity.was, "id": identity.id}
        given = {k: self.literal(v) for k, v in keys.items() if v is not None}
        if project is not None:
            given["project"] = project
        if identity.description:
            given["description"] = self.literal(identity.description)
        if identity.pins:
            given["pins"] = self.literal(identity.pins)
        made = self.call("Workflow", [self.literal(identity.name), *flows], given)
        if identity.segments:
            segments = [
                ast.Tuple([self.literal(part) for part in pair])
                for pair in identity.segments
            ]
            made = _method(made, "varied", [ast.List([*segments])])
        parts = [identity.shown_key, *(name for _, name in identity.segments)]
        self.statements.append([])
        return self.assign(made, *parts, otherwise="workflow").id

    def _project(self, lifted: Lifted) -> ast.expr | None:
        """Return the variable of a project, which is written once."""
        project = lifted.identity.project
        if project is None:
            return None
        key = (project.namespace, project.key, lifted.allow)
        if key not in self.projects:
            given = {"namespace": self.literal(project.namespace)}
            if lifted.allow:
                given["allow"] = self.literal(lifted.allow)
            made = self.call("Project", [self.literal(project.key)], given)
            self.statements.append([])
            named = self.assign(made, project.key, otherwise="project")
            self.projects[key] = named
        return self.projects[key]

    def door_of(self, cls: type[Block]) -> str:
        """Return the module that a class of blocks is imported from."""
        if cls in self.own:
            return self.own.module
        return "flow64" if cls is RawBlock else "flow64.blocks"

    def assign(self, node: ast.expr, *words: str, otherwise: str) -> ast.Name:
        """Give an expression a name, in a statement of its own."""
        return self.assign_to(self.names.free(*words, otherwise=otherwise), node)

    def assign_to(self, name: str, node: ast.expr) -> ast.Name:
        """Give an expression a free name."""
        self.statements[-1].append(ast.Assign([ast.Name(name)], node))
        return ast.Name(name)

    def call(
        self,
        name: str,
        args: Sequence[ast.expr] = (),
        given: Mapping[str, ast.expr] | None = None,
        *,
        module: str = "flow64",
    ) -> ast.Call:
        """Return a call of something, and import it."""
        self.imports[module].add(name)
        return _call(ast.Name(name), args, given)

    def literal(self, value: Any, depth: int = 1) -> ast.expr:
        """Return a value as a literal; a part that nests deep gets a name."""
        if isinstance(value, Mapping):
            members = cast("Mapping[str, Any]", value)
            keys: list[ast.expr | None] = [ast.Constant(key) for key in members]
            inner = [self.literal(item, depth + 1) for item in members.values()]
            return self._shallow(ast.Dict(keys, inner), depth)
        if isinstance(value, list | tuple):
            items = cast("Sequence[Any]", value)
            listed = [self.literal(item, depth + 1) for item in items]
            return self._shallow(ast.List(listed), depth)
        if isinstance(value, Value):
            secret = {"secret": ast.Constant(True)} if value.secret else {}
            return self.call("value", [ast.Constant(value.name)], secret)
        if isinstance(value, RowKind):
            self.imports["flow64"].add(value.name)
            return ast.Name(value.name)
        if is_number(value) and str(value).startswith("-"):
            return ast.UnaryOp(ast.USub(), ast.Constant(-value))
        return ast.Constant(value)

    def _shallow(self, node: ast.expr, depth: int) -> ast.expr:
        if depth % DEEP_VALUE:
            return node
        return self.assign(node, "nested", otherwise="nested")


class _Flows:
    """Writes the flows of one workflow.

    Attributes:
        named: The variables of parts that have one.
        is_grouped: Whether adjacent blocks of one scope are written in one `scoped`.
    """

    def __init__(self, module: _Module) -> None:
        self.module = module
        self.named: dict[FlowPart, ast.Name] = {}
        self.is_grouped = True

    def write(self, parts: Sequence[FlowPart]) -> Sequence[ast.expr]:
        """Return the flows as arguments of a workflow."""
        shared = sorted(_find_shared_parts(parts), key=attrgetter("at"))
        is_deep = any(part.height > DEEP for part in parts)
        self.is_grouped = not shared and not is_deep
        for part in shared:
            self._name_deep(part)
            self._name(part)
        for part in parts:
            self._name_deep(part)
        if len(parts) > 1:
            return [_as_flow(self.module, self.expression(part)) for part in parts]
        made = self.expression(parts[0])
        return [self._assign(made, "flow")]

    def expression(self, part: FlowPart, scope: tuple[str, ...] = ()) -> ast.expr:
        """Return a part as it is written inside a scope."""
        if part in self.named:
            return self.named[part]
        is_scoped = self.is_grouped or part.form == "block"
        if is_scoped and len(part.scope) > len(scope):
            name = part.scope[len(scope)]
            return self._put_in_scope(self.expression(part, (*scope, name)), name)
        if part.form == "list":
            return ast.List([self.expression(one, scope) for one in part.members])
        if part.form == "tap":
            inner = self.expression(part.members[0], scope)
            return self.module.call("tap", [_as_flow(self.module, inner)])
        if part.form == "chain":
            return self._join(self._steps(part.members, scope))
        assert part.block is not None
        return self._block(part.block)

    def _steps(
        self, members: Sequence[FlowPart], scope: tuple[str, ...]
    ) -> Iterator[ast.expr]:
        """Yield the parts of a chain; adjacent ones of the same scope as one."""
        depth = len(scope)
        for names, found in groupby(members, lambda one: one.scope[depth : depth + 1]):
            run = [*found]
            if names and self.is_grouped and len(run) > 1:
                inner = self._join(self._steps(run, (*scope, *names)))
                yield self._put_in_scope(inner, names[0])
            else:
                yield from (self.expression(one, scope) for one in run)

    def _join(self, steps: Iterable[ast.expr]) -> ast.expr:
        """Join parts by `>>`; a long chain continues from a variable."""
        first, *rest = steps
        made = _as_flow(self.module, first)
        for number, step in enumerate(rest, 1):
            if number % LONG == 0:
                made = self._assign(made, "part")
            made = ast.BinOp(made, ast.RShift(), step)
        return made

    def _put_in_scope(self, node: ast.expr, name: str) -> ast.expr:
        """Put a part in a scope; a long part gets a name first."""
        made = _as_flow(self.module, node)
        is_call = isinstance(made, ast.Call) and not self.module.is_open
        is_short = is_call and cells(flat(made)) <= SHORT
        if not isinstance(made, ast.Name) and not is_short:
            made = self._assign(made, name)
        return _method(made, "scoped", [ast.Constant(name)])

    def _assign(self, node: ast.expr, name: str) -> ast.Name:
        """Give a part a name of its own."""
        module = self.module
        made = _as_flow(module, node)
        free = module.names.free(name, otherwise="flow")
        is_long = not module.is_open and cells(f"{free} = {flat(made)}") > WIDTH
        if isinstance(made, ast.BinOp) and len(operands(made)) == 2 and is_long:
            # Two parts that do not fit on one line fit once each has a name.
            left, right = self._short(made.left), self._short(made.right)
            made = ast.BinOp(left, made.op, right)
        return module.assign_to(free, made)

    def _short(self, node: ast.expr) -> ast.expr:
        """Name a part, or each part of a list or call."""
        if isinstance(node, ast.Name | ast.List):
            return node
        names = [one.id for one in ast.walk(node) if isinstance(one, ast.Name)]
        if isinstance(node, ast.Call) and names[0] in ("fan", "tap"):
            return ast.Call(node.func, [*map(self._short, node.args)], [])
        return self._assign(node, _snake(names[0]))

    def _name(self, part: FlowPart) -> None:
        """Give a part a name, which is written in its place from now on."""
        if part not in self.named:
            self.named[part] = self._assign(self.expression(part), _word(part))

    def _name_deep(self, part: FlowPart) -> None:
        """Give names to parts of a part, so that none nests deep."""
        if part.height <= DEEP:
            return
        for one in reversed([*_inside(part)]):
            if one is not part and one.height and one.height % DEEP == 0:
                self._name(one)

    # -- Blocks ------------------------------------------------------------------------

    def _block(self, block: Block) -> ast.expr:
        """Return the call that makes a block."""
        if isinstance(block, FilterBase) and (made := self._filter(block)) is not None:
            return made
        module, cls = self.module, type(block)
        args: list[ast.expr] = []
        given: dict[str, ast.expr] = {}
        order = ["key", *cls.spec_names, "extra", "allow"]
        if isinstance(block, RawBlock):
            order.insert(0, "block_name")
        for name in order:
            value = getattr(block, name)
            is_default = value is UNSET or (name in RESERVED and not value)
            if is_default or (name == "specs" and not value):
                continue
            if name in _PLAIN_ARGUMENTS and cls not in module.own:
                args.append(module.literal(value))
            else:
                given[name] = module.literal(value)
        return module.call(cls.__name__, args, given, module=module.door_of(cls))

    def _filter(self, block: FilterBase[Any]) -> ast.expr | None:
        """Return `Filter.where(...)` if that says all of a filter, and is short."""
        is_own = type(block) in self.module.own
        conditions: Any = getattr(block, "filters", UNSET)
        is_short = block.extra is None and not block.allow and _is_word(block.key)
        if not (is_short and isinstance(conditions, list) and conditions):
            return None
        if not all(
            _is_plain_condition(one, is_first=not at, is_own=is_own)
            for at, one in enumerate(conditions)
        ):
            return None
        made: ast.expr = ast.Name(Filter.__name__)
        key = {} if block.key is None else {"key": ast.Constant(block.key)}
        for at, condition in enumerate(conditions):
            begin = f"{condition['logic']}_" if at else "where"
            column: ast.expr = ast.Constant(condition["column"])
            made = _method(made, begin, [column], {} if at else key)
            operator = condition["operator"]
            values = [condition["value"]] if "value" in condition else []
            args = [self.module.literal(value) for value in values]
            name = "in_" if operator == "in" else operator
            if operator not in FILTER_OPERATORS:
                name, args = "compare", [ast.Constant(operator), *args]
            made = _method(made, name, args)
        self.module.imports[self.module.door_of(type(block))].add(Filter.__name__)
        return made


def _is_plain_condition(condition: Any, *, is_first: bool, is_own: bool) -> bool:
    """Return True if `Filter.where(...)` can say a condition.

    Args:
        condition: The condition, as JSON data.
        is_first: Whether no other one is before it.
        is_own: Whether a class of the user's own knows further operators.
    """
    if not isinstance(condition, dict):
        return False
    operator, column = condition.get("operator"), condition.get("column")
    keys = {"column", "operator"}
    keys |= set[str]() if is_first else {"logic"}
    is_known = operator in FILTER_OPERATORS
    if is_known and operator not in UNARY_OPERATORS:
        keys |= {"value"}
    if not is_known and is_own and isinstance(operator, str) and _is_word(operator):
        is_known = True
        keys |= {"value"} & condition.keys()
    return (
        condition.keys() == keys
        and is_known
        and isinstance(column, str)
        and _is_word(column)
        and (is_first or condition["logic"] in FILTER_LOGIC)
    )


def _is_word(text: str | None) -> bool:
    """Return True if a text is short enough for `Filter.where`."""
    return text is None or cells(flat(ast.Constant(text))) <= _COLUMN


_PLAIN_ARGUMENTS: Final = ("block_name", "dataframe_type")
"""Arguments that read as well without their names."""

_COLUMN: Final = 30


# -- Syntax ---------------------------------------------------------------------------


def _call(
    function: ast.expr,
    args: Sequence[ast.expr] = (),
    given: Mapping[str, ast.expr] | None = None,
) -> ast.Call:
    named: Mapping[str, ast.expr] = {} if given is None else given
    return ast.Call(
        function, [*args], [ast.keyword(name, value) for name, value in named.items()]
    )


def _method(
    owner: ast.expr,
    name: str,
    args: Sequence[ast.expr] = (),
    given: Mapping[str, ast.expr] | None = None,
) -> ast.Call:
    return _call(ast.Attribute(owner, name), args, given)


def _as_flow(module: _Module, node: ast.expr) -> ast.expr:
    """Wrap a list in `fan(...)`, since it has no flow on its left."""
    return module.call("fan", node.elts) if isinstance(node, ast.List) else node


def _by_kind(name: str) -> tuple[int, str]:
    """Sort constants, then classes, then functions, as ruff sorts imports."""
    return 0 if name.isupper() else 1 if name[0].isupper() else 2, name.lower()


def _snake(name: str) -> str:
    """Return a class name with underscores: `Find_Email` for `FindEmail`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)


# -- Parts ----------------------------------------------------------------------------


def _find_shared_parts(parts: Sequence[FlowPart]) -> Iterable[FlowPart]:
    """Return the parts that stand in several places, but not the parts inside them."""
    times: Counter[FlowPart] = Counter()
    todo = [*parts]
    while todo:
        for member in todo.pop().members:
            times[member] += 1
            if times[member] == 1:
                todo.append(member)
    return (part for part in times if times[part] > 1)


def _inside(part: FlowPart) -> Iterator[FlowPart]:
    """Yield a part and all parts inside it."""
    todo = [part]
    while todo:
        one = todo.pop()
        yield one
        todo += one.members


def _word(part: FlowPart) -> str:
    """Return the name of a part: the key of its first block."""
    while part.block is None:
        part = part.members[0]
    return part.block.key or part.block.block_name
