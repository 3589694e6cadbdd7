"""The audit of generated code: everything in it must be on a list.

It reads the text alone, so it also finds mistakes of the generator. Importing code that
passes builds workflows, and does nothing else.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Mapping, Sequence
from types import FunctionType
from typing import Final, NoReturn

from ..blocks import BUILT_IN, Condition, Filter
from ..errors import UnsafeCodeError
from ..text import shortened
from ._layout import ACCEPTED, is_shown
from ._own_classes import NO_CLASSES, OwnClasses

CONSTANTS: Final = frozenset({"COMPANY", "LEAD"})
"""What may be imported and stands for itself."""

CALLS: Final[Mapping[str, frozenset[str]]] = {
    "Project": frozenset({"namespace", "allow"}),
    "RawBlock": frozenset({"specs", "key", "extra", "allow"}),
    "Workflow": frozenset({"key", "was", "id", "pins", "project", "description"}),
    "fan": frozenset(),
    "tap": frozenset(),
    "value": frozenset({"secret"}),
}
"""What of `flow64` may be called, with the arguments that have names."""

BLOCKS: Final[Mapping[str, frozenset[str]]] = {
    cls.__name__: frozenset(cls.arguments) for cls in BUILT_IN.values()
}
"""The same of `flow64.blocks`."""

METHODS: Final[Mapping[str, frozenset[str]]] = {
    "scoped": frozenset(),
    "varied": frozenset(),
    "where": frozenset({"key", "was"}),
    "and_": frozenset(),
    "or_": frozenset(),
    **{
        name: frozenset()
        for name in vars(Condition)
        if isinstance(vars(Condition)[name], FunctionType) and not name.startswith("_")
    },
}
"""The same of what blocks, flows, workflows and conditions have."""

_MODULES: Final[Mapping[str, frozenset[str]]] = {
    "flow64": CONSTANTS | CALLS.keys(),
    "flow64.blocks": frozenset(BLOCKS),
}


def audit(source: str, own: OwnClasses = NO_CLASSES) -> None:
    """Check that source holds only what generated code may hold.

    Args:
        own: Classes of the user's own that it may also use.

    Raises:
        UnsafeCodeError: It holds something else; the error says what, and where.
    """
    refuse_hidden_characters(source)
    _see_text(source)
    auditor = _Auditor(own)
    for statement in parse_source(source).body:
        auditor.see_statement(statement)


def refuse_hidden_characters(source: str) -> None:
    """Check that no character of source hides something.

    Raises:
        UnsafeCodeError: One does.
    """
    for character in sorted(set(source)):
        if character != "\n" and not is_shown(character):
            raise UnsafeCodeError(f"the character {character!a}")


def parse_source(source: str) -> ast.Module:
    """Return the syntax tree of source.

    Raises:
        UnsafeCodeError: It is not Python.
    """
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise UnsafeCodeError(
            f"text that is not Python ({type(error).__name__})"
        ) from None


def _see_text(source: str) -> None:
    """Refuse comments other than ours, and all but ASCII beside literals."""
    # Names of other letters may read like ours, and Python folds some of them to these.
    bare = _LITERAL.sub("", _COMMENT.sub("\n", source))
    if (odd := _ODD.search(bare)) is not None:
        line = bare.count("\n", 0, odd.start()) + 1
        raise UnsafeCodeError(f"the character {odd[0]!a} beside literals", line)


_LITERAL: Final = re.compile(
    r"""
    (?<!\\)"[^"\\\n]*(?:\\.[^"\\\n]*)*"
    | (?<!\\)'[^'\\\n]*(?:\\.[^'\\\n]*)*'
    """,
    re.VERBOSE,
)
"""A text on one line, as the printer writes them: nothing stands before its quote.

No escaped quote begins one. So a text without an end is read once.
"""

_COMMENT: Final = re.compile(
    rf"^{ACCEPTED}\n# [a-z]+(-[a-z]+)*(, [a-z]+(-[a-z]+)*)*$", re.MULTILINE
)
"""The one comment that code may have: fixed words, and codes of findings."""

_ODD: Final = re.compile(r"""[#'"\\]|[^ -~\n]""")
"""What begins a comment or another kind of literal, and what is beyond ASCII."""


class _Auditor:
    """Checks syntax, and remembers what was imported and named so far."""

    def __init__(self, own: OwnClasses) -> None:
        classes = own.by_kind.values()
        calls = {cls.__name__: frozenset(cls.arguments) for cls in classes}
        self.calls = {**BLOCKS, **CALLS, **calls}
        self.modules = {**_MODULES, own.module: frozenset(calls)}
        self.imported: set[str] = set()
        self.variables: set[str] = set()

    def see_statement(self, node: ast.stmt) -> None:
        """Check an import, or the assignment of one new variable."""
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                self._see_import(node, module, names)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self.see(value)
                if name in self.imported | self.variables or name.startswith("_"):
                    _refuse(node, f"another meaning of {name}")
                self.variables.add(name)
            case _:
                _refuse(node, _name_syntax(node))

    def _see_import(
        self, node: ast.stmt, module: str, names: Sequence[ast.alias]
    ) -> None:
        known = self.modules.get(module, frozenset())
        for one in names:
            if one.name not in known or one.asname is not None:
                _refuse(node, f"an import of {shortened(one.name)}")
        if self.variables:
            _refuse(node, "an import behind other statements")
        self.imported |= {one.name for one in names}

    def see(self, node: ast.expr) -> None:
        """Check an expression: a literal, a variable, a chain, or an allowed call."""
        match node:
            case ast.Constant(value=str() | int() | float() | None):
                pass
            case ast.UnaryOp(
                op=ast.USub(), operand=ast.Constant(value=int() | float())
            ):
                pass
            case ast.Name(id=name) if name in self.variables | (
                self.imported & CONSTANTS
            ):
                pass
            case ast.List(elts=items) | ast.Tuple(elts=items):
                self._see_all(items)
            case ast.Dict(keys=keys, values=items):
                if not all(_is_text(key) for key in keys):
                    _refuse(node, "a mapping with a key that is not a literal")
                self._see_all(items)
            case ast.BinOp(op=ast.RShift()):
                self._see_all(_ends(node))
            case ast.Call():
                self._see_call(node)
            case _:
                _refuse(node, _name_syntax(node))

    def _see_all(self, nodes: Iterable[ast.expr]) -> None:
        for node in nodes:
            self.see(node)

    def _see_call(self, node: ast.Call) -> None:
        match node.func:
            case ast.Name(id=name) if name in self.imported - CONSTANTS:
                known = self.calls.get(name, frozenset())
            case ast.Attribute(value=owner, attr=name) if name in METHODS:
                if not (name == "where" and self._is_filter(owner)):
                    self.see(owner)
                known = METHODS[name]
            case _:
                _refuse(node, "a call of something else")
        for keyword in node.keywords:
            if keyword.arg not in known:
                _refuse(node, f"the argument {shortened(keyword.arg)}")
        self._see_all(node.args)
        self._see_all(keyword.value for keyword in node.keywords)

    def _is_filter(self, node: ast.expr) -> bool:
        """Return True for the class in `Filter.where`."""
        name = Filter.__name__
        return isinstance(node, ast.Name) and node.id == name in self.imported


def _ends(node: ast.expr) -> Iterable[ast.expr]:
    """Yield the parts of a chain, the last first."""
    while isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift):
        yield node.right
        node = node.left
    yield node


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _name_syntax(node: ast.AST) -> str:
    return f"syntax of the kind {type(node).__name__}"


def _refuse(node: ast.stmt | ast.expr, what: str) -> NoReturn:
    raise UnsafeCodeError(what, node.lineno)
