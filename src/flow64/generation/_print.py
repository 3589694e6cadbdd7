"""The printer of modules of block classes, laid out as ruff would."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ..compiler import lines_of
from ._docs import docstring

IMPORTS: Final[Mapping[str, Sequence[str]]] = {
    "collections.abc": ("Mapping", "Sequence"),
    "typing": (
        *("Any", "Final", "Generic", "Literal", "NotRequired"),
        *("TypeAlias", "TypedDict", "TypeVar"),
    ),
    "attrs": ("frozen",),
    "flow64": ("Company", "Flow", "Lead", "Start"),
    "flow64.blocks": (
        *("UNKNOWN_COLUMNS", "About", "CatalogueBlock", "Column", "Columns"),
        *("FieldMap", "Price", "UncheckedBlock"),
    ),
    "flow64.dsl": ("UNSET", "Passthrough", "Unset"),
}
"""Everything that a module may import by its name, in the order of the imports."""

CATALOGUE: Final = "built_in"
"""The name of `flow64.blocks` in a module."""

SOURCE: Final = "SOURCE"
"""The name of the source of all facts in a module."""

ROWS: Final = "A"
"""The name of the type variable for the rows of a source, in a module."""


def print_module(name: str, source: str, statements: Sequence[ast.stmt]) -> str:
    """Return the source of a module with some classes.

    Args:
        name: The name of the catalogue that it is made from.
        source: The source of its facts.
    """
    used = {
        node.id
        for statement in statements
        for node in ast.walk(statement)
        if isinstance(node, ast.Name)
    }
    head = [*docstring((_SUMMARY, _ADVICE.format(name)), 0), ""]
    head += ["from __future__ import annotations", ""]
    if statements:
        used |= {"Final"} if SOURCE in used else set()
        used |= {"TypeVar"} if ROWS in used else set()
        head += _imports(used)
    if SOURCE in used:
        before = f"{SOURCE}: Final = "
        head += [*lines_of(ast.Constant(source), 0, before), _ABOUT_SOURCE, ""]
    if ROWS in used:
        head += [f'{ROWS} = TypeVar("{ROWS}")', ""]
    text = "\n".join(head).rstrip("\n") + "\n"
    after_class = False
    for statement in statements:
        is_class = isinstance(statement, ast.ClassDef)
        gap = "\n\n" if is_class or after_class else "\n"
        text += gap + "\n".join(_statement(statement)) + "\n"
        after_class = is_class
    return text


MARK: Final = "`flow64 blocks generate`"
"""What the docstring of each module has in it."""

USUAL: Final = "blocks.py"
"""The usual name of a module."""

_SUMMARY: Final = "Block classes for what the built-in catalogue of flow64 lacks."
_ADVICE: Final = (
    "Written by " + MARK + " from {}. Do not edit it: write facts that no "
    "schema says into `blocks.toml`, and generate it again."
)
_ABOUT_SOURCE: Final = '"""Where all facts below are from."""'


def _imports(used: set[str]) -> Iterator[str]:
    """Yield the imports of some names, in the groups that linters want."""
    is_standard = True
    for module, names in IMPORTS.items():
        found = [name for name in names if name in used]
        if module == "attrs" and is_standard:
            is_standard = False
            yield ""
        if found:
            line = f"from {module} import {', '.join(found)}"
            if len(line) <= 88:
                yield line
            else:
                yield f"from {module} import ("
                yield from (f"    {name}," for name in found)
                yield ")"
        if module == "flow64" and CATALOGUE in used:
            yield f"from flow64 import blocks as {CATALOGUE}"
    yield ""


def _statement(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef():
            yield from _class(node)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=hint, value=value):
            assert value is not None
            (before,) = lines_of(hint, 0, f"{name}: ")
            yield from lines_of(value, 0, f"{before} = ")


def _class(node: ast.ClassDef) -> Iterator[str]:
    for decorator in node.decorator_list:
        yield from lines_of(decorator, 0, "@")
    bases = ast.Call(ast.Name(node.name), node.bases, [])
    (line,) = lines_of(bases, 0, "class ")
    yield f"{line}:"
    text, *body = node.body
    yield from docstring(_text_of(text).split("\n\n"), 4)
    if body:
        yield ""
    for number, statement in enumerate(body):
        match statement:
            case ast.Expr():
                yield from docstring((_text_of(statement),), 4)
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield from lines_of(value, 4, f"{name} = ")
            case ast.AnnAssign(target=ast.Name(id=name), annotation=hint, value=value):
                if number and isinstance(body[number - 1], ast.Assign):
                    yield ""
                (line,) = lines_of(hint, 4, f"{name}: ")
                yield line if value is None else f"{line} = UNSET"


def _text_of(node: ast.stmt) -> str:
    assert isinstance(node, ast.Expr)
    assert isinstance(node.value, ast.Constant)
    return str(node.value.value)
