"""The printer of generated code, laid out as ruff would.

An expression that fits stays on one line. Otherwise it is opened: a chain has one block
on each line, and a call, list or mapping has one item on each line, with a trailing
comma. A text of several lines is written as several adjacent literals.
"""

from __future__ import annotations

import ast
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

WIDTH: Final = 88
"""Columns of the longest line, where it can be broken."""

_STEP: Final = 4

# Of one version of Unicode, so that every Python prints the same.
_UNICODE: Final = unicodedata.ucd_3_2_0


def text_of(
    groups: Iterable[Sequence[ast.stmt | str]], *, is_open: bool = False
) -> str:
    """Return statements and comments as source, with an empty line between groups.

    Args:
        groups: The statements and comments.
        is_open: Whether arguments have a line each, however short they are.
    """
    printer = _Printer(is_open=is_open)
    shown = ["\n".join(map(printer.statement, group)) for group in groups]
    return "\n\n".join(shown) + "\n"


def flat(node: ast.AST) -> str:
    """Return an expression on one line."""
    return _Printer().flat(node)


def lines_of(node: ast.expr, indent: int, before: str) -> list[str]:
    """Return an expression behind a text, on as many lines as it needs."""
    return _Printer().lines(node, indent, before, "", is_inside=False)


def quote_text(text: str) -> str:
    """Write a text as a literal on one line, with every odd character escaped.

    The quotes are those that ruff chooses.
    """
    quote = "'" if text.count('"') > text.count("'") else '"'
    inner = _ODD.sub(lambda found: _escape(found[0], quote), text)
    return f"{quote}{inner}{quote}"


def is_shown(character: str) -> bool:
    """Return True if a character is written as it is, since it is visible."""
    if character.isascii():
        return " " <= character <= "~"
    is_mark = "\ufe00" <= character <= "\ufe0f"  # chooses how the one before it looks
    return (
        _UNICODE.category(character)[0] not in "CZ"
        and not is_mark
        and character not in _BLANKS
    )


def cells(text: str) -> int:
    """Return the columns of a text; a very long one is only estimated."""
    if text.isascii() or len(text) > 9 * WIDTH:
        return len(text)
    return sum(map(_cells, text))


_ODD: Final = re.compile(r"""[^ !#-&(-\[\]-~]""")
"""What may need an escape: controls, quotes, backslashes and all beyond ASCII."""

_BLANKS: Final = (
    "\xad\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u2800\u3164\uffa0"
)
"""Characters that count as letters, signs or marks, and are invisible."""

_SHORT: Final = {"\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\"}


def _escape(character: str, quote: str) -> str:
    if character in _SHORT:
        return _SHORT[character]
    if character in "'\"":
        return f"\\{character}" if character == quote else character
    if is_shown(character):
        return character
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _cells(character: str) -> int:
    if _UNICODE.category(character) in ("Mn", "Me"):
        return 0
    return 2 if _UNICODE.east_asian_width(character) in "WF" else 1


_OPENED: Final = (ast.Call, ast.List, ast.Tuple, ast.Dict, ast.Subscript)
"""Expressions with brackets, which are opened if they do not fit."""


class _Printer:
    """Prints statements, and caches each expression on one line."""

    def __init__(self, *, is_open: bool = False) -> None:
        self._is_open = is_open
        self._opened: dict[ast.AST, bool] = {}
        # By the node itself, so that none is forgotten while its text is known.
        self._flat: dict[ast.AST, str] = {}

    def statement(self, node: ast.stmt | str) -> str:
        """Return an import, an assignment or a comment."""
        if isinstance(node, str):
            return node
        if isinstance(node, ast.ImportFrom):
            return _import(node, is_open=self._is_open)
        assert isinstance(node, ast.Assign)
        before = f"{self.flat(node.targets[0])} = "
        return "\n".join(self.lines(node.value, 0, before, "", is_inside=False))

    def flat(self, node: ast.AST) -> str:
        """Return an expression on one line."""
        known = self._flat.get(node)
        if known is None:
            known = self._flat[node] = self._write(node)
        return known

    def _write(self, node: ast.AST) -> str:
        match node:
            case ast.Constant(value=str(text)):
                return quote_text(text)
            case ast.Constant(value=float(number)):
                return repr(number).replace("e+", "e")
            case ast.UnaryOp(operand=operand):
                return f"-{self.flat(operand)}"
            case ast.Name(id=name):
                return name
            case ast.Attribute(value=value, attr=name):
                return f"{self.flat(value)}.{name}"
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return f"{self.flat(left)} | {self.flat(right)}"
            case ast.BinOp():
                return " >> ".join(map(self.flat, operands(node)))
            case ast.Constant(value=value):
                return repr(value)
            case _:
                pass
        before, items, after = self._open(node)
        return before + ", ".join(f"{b}{self.flat(item)}" for b, item in items) + after

    def _open(self, node: ast.AST) -> tuple[str, Sequence[tuple[str, ast.expr]], str]:
        """Return the brackets of an expression, and the items between them."""
        match node:
            case ast.List(elts=items):
                return "[", [("", item) for item in items], "]"
            case ast.Tuple(elts=items):
                return "(", [("", item) for item in items], ")"
            case ast.Dict(keys=keys, values=values):
                pairs = zip(keys, values, strict=True)
                found = [(f"{self.flat(key)}: ", item) for key, item in pairs if key]
                return "{", found, "}"
            case ast.Subscript(value=value, slice=inner):
                words = inner.elts if isinstance(inner, ast.Tuple) else [inner]
                return f"{self.flat(value)}[", [("", word) for word in words], "]"
            case _:
                pass
        assert isinstance(node, ast.Call)
        named = [(f"{one.arg}=", one.value) for one in node.keywords]
        return (
            f"{self.flat(node.func)}(",
            [*(("", one) for one in node.args), *named],
            ")",
        )

    def lines(
        self, node: ast.expr, indent: int, before: str, after: str, *, is_inside: bool
    ) -> list[str]:
        """Return an expression on as many lines as it needs.

        Args:
            indent: Column of its first line.
            before: Text before it on the first line.
            after: Text behind it on the last line.
            is_inside: Whether brackets are around it, so that lines may end anywhere.
        """
        pad = " " * indent
        line = f"{pad}{before}{self.flat(node)}{after}"
        if cells(line) <= WIDTH and not (self._is_open and self._has_lines(node)):
            return [line]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return _text(node.value, pad, before, after)
        if isinstance(node, ast.BinOp):
            return self._chain(node, indent, before, after, is_inside=is_inside)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if _calls(node) > 1:
                return self._fluent(node, indent, before, after, is_inside=is_inside)
            if _calls(node) == 1:
                return self._after_call(node, indent, before, after)
        if isinstance(node, _OPENED):
            start, items, end = self._open(node)
            if items:
                head, last = f"{pad}{before}{start}", f"{pad}{end}{after}"
                return [head, *self._items(items, indent), last]
        return [line]

    def _has_lines(self, node: ast.AST) -> bool:
        """Return True if there are named arguments, members or arrows in a part."""
        known = self._opened.get(node)
        if known is None:
            is_call = isinstance(node, ast.Call) and bool(node.keywords)
            is_chain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.RShift)
            known = self._opened[node] = (
                is_call
                or is_chain
                or (isinstance(node, ast.Dict) and bool(node.keys))
                or any(map(self._has_lines, ast.iter_child_nodes(node)))
            )
        return known

    def _items(self, items: Iterable[tuple[str, ast.expr]], indent: int) -> list[str]:
        """Return items, each on one line or several of its own."""
        return [
            line
            for before, item in items
            for line in self.lines(item, indent + _STEP, before, ",", is_inside=True)
        ]

    def _chain(
        self, node: ast.BinOp, indent: int, before: str, after: str, *, is_inside: bool
    ) -> list[str]:
        """Return a chain, one part on each line."""
        parts = operands(node)
        pad = " " * indent
        if not is_inside and len(parts) == 2 and isinstance(parts[1], ast.List):
            # Of one arrow ruff opens the list behind it.
            begin = f"{before}{self.flat(parts[0])} >> "
            return self.lines(parts[1], indent, begin, after, is_inside=False)
        if not is_inside:
            inner = self._chain(node, indent + _STEP, "", "", is_inside=True)
            return [f"{pad}{before}(", *inner, f"{pad}){after}"]
        found: list[str] = []
        for number, part in enumerate(parts):
            sign = ">> " if number else before
            end = after if number == len(parts) - 1 else ""
            found += self.lines(part, indent, sign, end, is_inside=True)
        return found

    def _fluent(
        self, node: ast.Call, indent: int, before: str, after: str, *, is_inside: bool
    ) -> list[str]:
        """Return a chain of method calls, one on each line."""
        pad = " " * indent
        if not is_inside:
            inner = self._fluent(node, indent + _STEP, "", "", is_inside=True)
            return [f"{pad}{before}(", *inner, f"{pad}){after}"]
        calls: list[tuple[str, ast.Call]] = []
        at: ast.expr = node
        while isinstance(at, ast.Call) and isinstance(at.func, ast.Attribute):
            calls.append((at.func.attr, at))
            at = at.func.value
        first, *rest = reversed(calls)
        found = self.lines(first[1], indent, before, "", is_inside=True)
        for number, (name, call) in enumerate(rest, 1):
            end = after if number == len(rest) else ""
            # The same call without what it is made on.
            bare = ast.Call(ast.Name(f".{name}"), call.args, call.keywords)
            found += self.lines(bare, indent, "", end, is_inside=True)
        return found

    def _after_call(
        self, node: ast.Call, indent: int, before: str, after: str
    ) -> list[str]:
        """Return a method call on the result of a call, which is opened first."""
        assert isinstance(node.func, ast.Attribute)
        start = f".{node.func.attr}("
        found = self.lines(node.func.value, indent, before, start, is_inside=True)
        _, items, _ = self._open(node)
        inner = ", ".join(f"{b}{self.flat(item)}" for b, item in items)
        line = f"{found[-1]}{inner}){after}"
        if cells(line) <= WIDTH:
            return [*found[:-1], line]
        return [*found, *self._items(items, indent), f"{' ' * indent}){after}"]


def operands(node: ast.expr) -> list[ast.expr]:
    """Return the parts of a chain, in order."""
    found: list[ast.expr] = []
    while isinstance(node, ast.BinOp):
        found.append(node.right)
        node = node.left
    return [node, *reversed(found)]


def _calls(node: ast.expr) -> int:
    """Count the method calls on results of calls."""
    found = 0
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        node = node.func.value
        found += isinstance(node, ast.Call)
    return found


def _text(text: str, pad: str, before: str, after: str) -> list[str]:
    """Return a text that does not fit on its line: in brackets, or as several."""
    whole = f"{pad}{' ' * _STEP}{quote_text(text)}"
    pieces = [f"{pad}{' ' * _STEP}{quote_text(piece)}" for piece in _pieces(text)]
    if cells(whole) <= WIDTH:
        pieces = [whole]
    elif not pieces[1:]:
        return [f"{pad}{before}{quote_text(text)}{after}"]
    return [f"{pad}{before}(", *pieces, f"{pad}){after}"]


def _pieces(text: str) -> list[str]:
    """Return the lines of a text, each with its end."""
    found = [f"{line}\n" for line in text.split("\n")]
    found[-1] = found[-1][:-1]
    return found if found[-1] else found[:-1]


def _import(node: ast.ImportFrom, *, is_open: bool) -> str:
    names = [one.name for one in node.names]
    head = f"from {node.module} import "
    line = head + ", ".join(names)
    if len(line) <= WIDTH and not (is_open and names[1:]):
        return line
    return "\n".join([f"{head}(", *(f"    {name}," for name in names), ")"])
