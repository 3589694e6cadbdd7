"""The audit of modules of block classes: everything in them must be on a list.

It reads the text alone, so it also finds mistakes of the generator. Importing a module
that passes defines classes of blocks, and does nothing else.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

from ..blocks import BUILT_IN, FilterBase
from ..compiler import parse_source, refuse_hidden_characters
from ..errors import UnsafeCodeError
from ._print import CATALOGUE, IMPORTS, ROWS, SOURCE
from ._schema_types import TYPES, is_name

_BUILT_IN: Final = frozenset(cls.__name__ for cls in (*BUILT_IN.values(), FilterBase))

_CALLS: Final = {
    "About": {
        *("role", "takes", "gives", "rows", "source", "effects", "perhaps"),
        *("columns", "price"),
    },
    "Column": set[str](),
    "Columns": {"reads", "adds", "drops", "opens", "resets"},
    "Price": {"source"},
}
"""Calls in facts, with the arguments that have names."""

_ROW_KINDS: Final = frozenset({"Company", "Lead", "Start", ROWS})

_GENERIC: Final = frozenset({"Flow", "Generic", "Mapping", "NotRequired", "Sequence"})

_BASES: Final = frozenset({"CatalogueBlock", "Passthrough", "UncheckedBlock"})


def audit(source: str) -> None:
    """Check that source holds only what a module of block classes may hold.

    Raises:
        UnsafeCodeError: It holds something else; the error says what, and where.
    """
    refuse_hidden_characters(source)
    _see_text(source)
    auditor = _ModuleAuditor()
    for statement in parse_source(source).body:
        auditor.see_statement(statement)


def _see_text(source: str) -> None:
    """Refuse comments, and names beyond ASCII."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            is_text = token.type == tokenize.STRING
            if token.type == tokenize.COMMENT:
                raise UnsafeCodeError("a comment", token.start[0])
            if not is_text and not token.string.isascii():
                raise UnsafeCodeError("a name beyond ASCII", token.start[0])
    except (tokenize.TokenError, SyntaxError):
        raise UnsafeCodeError("text that is not Python") from None


class _ModuleAuditor:
    """Checks syntax, and remembers the classes and types that were named so far."""

    def __init__(self) -> None:
        self.types: set[str] = set()

    def see_statement(self, node: ast.stmt) -> None:
        """Check an import, a text, a named type or a class."""
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.ImportFrom(module=str(module), names=names, level=0):
                _see_import(node, module, names)
            case ast.AnnAssign(
                target=ast.Name(id="SOURCE"),
                annotation=ast.Name(id="Final"),
                value=ast.Constant(value=str()),
            ):
                pass
            case ast.AnnAssign(
                target=ast.Name(id=name),
                annotation=ast.Name(id="TypeAlias"),
                value=ast.Subscript() as value,
            ):
                self.see_type(value)
                self._define(node, name)
            case ast.Assign(
                targets=[ast.Name(id="A")],
                value=ast.Call(
                    func=ast.Name(id="TypeVar"),
                    args=[ast.Constant(value="A")],
                    keywords=[],
                ),
            ):
                pass
            case ast.ClassDef():
                self._see_class(node)
            case _:
                _refuse(node)

    def _define(self, node: ast.stmt, name: str) -> None:
        imported = {one for names in IMPORTS.values() for one in names}
        if name in self.types | imported | TYPES | {SOURCE, CATALOGUE, ROWS}:
            _refuse(node, f"another meaning of {name}")
        if not is_name(name):
            _refuse(node, "the name of a class")
        self.types.add(name)

    # -- Classes -----------------------------------------------------------------------

    def _see_class(self, node: ast.ClassDef) -> None:
        match node.decorator_list, node.bases:
            case [], [ast.Name(id="TypedDict")]:
                pass
            case [ast.Call() as decorator], bases:
                if ast.unparse(decorator) != "frozen(eq=False, kw_only=True)":
                    _refuse(decorator)
                for base in bases:
                    self._see_base(base)
            case _:
                _refuse(node)
        if node.keywords:
            _refuse(node)
        # A type may refer to itself.
        self._define(node, node.name)
        for statement in node.body:
            self._see_member(statement)

    def _see_base(self, node: ast.expr) -> None:
        match node:
            case ast.Name(id=name) if name in _BASES:
                pass
            case ast.Subscript(value=ast.Name(id="Flow" | "Generic"), slice=inner):
                self._see_all_types(_items_of(inner))
            case ast.Subscript(value=ast.Attribute() as value, slice=inner):
                _see_built_in(value)
                self.see_type(inner)
            case _:
                _see_built_in(node)

    def _see_member(self, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=ast.Constant(value=str())):
                pass
            case ast.Assign(
                targets=[ast.Name(id="kind")], value=ast.Constant(value=str())
            ):
                pass
            case ast.Assign(
                targets=[ast.Name(id="specs_known")], value=ast.Constant(value=True)
            ):
                pass
            case ast.Assign(
                targets=[ast.Name(id="about")],
                value=ast.Attribute(value=value, attr="about"),
            ):
                _see_built_in(value)
            case ast.Assign(targets=[ast.Name(id="about")], value=value):
                _see_fact(value)
            case ast.AnnAssign(
                target=ast.Name(id=name),
                annotation=hint,
                value=None | ast.Name(id="UNSET"),
            ) if is_name(name):
                self.see_type(hint)
            case _:
                _refuse(node)

    # -- Types -------------------------------------------------------------------------

    def see_type(self, node: ast.expr) -> None:
        """Check a type: names of types, unions of them, and listed words."""
        match node:
            case ast.Name(id=name) if name in self.types | TYPES | _ROW_KINDS:
                pass
            case ast.Constant(value=None):
                pass
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                self._see_all_types([left, right])
            case ast.Subscript(value=ast.Name(id="Literal"), slice=inner):
                for word in _items_of(inner):
                    _see_word(word)
            case ast.Subscript(value=ast.Name(id=name), slice=inner) if (
                name in _GENERIC
            ):
                self._see_all_types(_items_of(inner))
            case _:
                _refuse(node)

    def _see_all_types(self, nodes: Iterable[ast.expr]) -> None:
        for node in nodes:
            self.see_type(node)


def _items_of(node: ast.expr) -> Sequence[ast.expr]:
    """Return the types or words between brackets."""
    return node.elts if isinstance(node, ast.Tuple) else [node]


def _see_import(node: ast.stmt, module: str, names: list[ast.alias]) -> None:
    for one in names:
        found = (module, one.name, one.asname)
        is_fixed = found in (
            ("__future__", "annotations", None),
            ("flow64", "blocks", CATALOGUE),
        )
        if not is_fixed and (one.name not in IMPORTS.get(module, ()) or one.asname):
            _refuse(node, "an import of something else")


def _see_built_in(node: ast.expr) -> None:
    match node:
        case ast.Attribute(value=ast.Name(id="built_in"), attr=name) if (
            name in _BUILT_IN
        ):
            pass
        case _:
            _refuse(node)


def _see_word(node: ast.expr) -> None:
    match node:
        case ast.Constant(value=str() | int()):
            pass
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int())):
            pass
        case _:
            _refuse(node)


def _see_fact(node: ast.expr) -> None:
    match node:
        case ast.Constant(value=str() | int() | float()):
            pass
        case ast.Name(id="SOURCE" | "UNKNOWN_COLUMNS"):
            pass
        case ast.List(elts=items):
            for item in items:
                _see_fact(item)
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if (
            name in _CALLS
        ):
            for keyword in keywords:
                if keyword.arg not in _CALLS[name]:
                    _refuse(node, "an unknown argument")
                _see_fact(keyword.value)
            for item in args:
                _see_fact(item)
        case _:
            _refuse(node)


def _refuse(node: ast.stmt | ast.expr, what: str = "") -> NoReturn:
    text = what or f"syntax of the kind {type(node).__name__}"
    raise UnsafeCodeError(text, node.lineno)
