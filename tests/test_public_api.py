"""Every public name with its signature: nothing appears, moves or leaves unnoticed.

`python tests/test_public_api.py` writes the expected text anew; review the difference.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import get_args, get_origin, get_overloads, is_typeddict

from typing_extensions import get_original_bases

from flow64.blocks import CatalogueBlock
from flow64.dsl import RESERVED

HIDDEN_BASES = ("flow64.client._core", "flow64.client._handle")
EXPECTED = Path(__file__).with_name("public_api.txt")
DOORS = (
    "flow64",
    "flow64.blocks",
    "flow64.emulator",
    "flow64.environments",
    "flow64.manifest",
    "flow64.client",
    "flow64.testing",
    "flow64.webhooks",
)


def public_api():
    """The public names of the doors as text."""
    return "".join(f"{line}\n" for door in DOORS for line in lines_of(door))


def lines_of(door):
    module = importlib.import_module(door)
    for name in sorted(module.__all__):
        thing = getattr(module, name)
        if inspect.isclass(thing):
            yield from lines_of_class(f"{door}.{name}", thing)
        elif inspect.isfunction(thing):
            yield from lines_of_function(f"{door}.{name}", thing)
        else:
            yield f"{door}.{name}: {described(thing)}"


def lines_of_class(path, cls):
    if is_typeddict(cls):
        yield f"class {path}(TypedDict)"
        yield f"    required: {', '.join(sorted(cls.__required_keys__))}"
        yield f"    optional: {', '.join(sorted(cls.__optional_keys__))}"
        return
    bases = [base for base in get_original_bases(cls) if base is not object]
    yield f"class {path}({', '.join(map(plain, bases))})"
    # Every block of the catalogue takes what their common class takes.
    hidden = RESERVED if CatalogueBlock in cls.__mro__[1:] else ()
    if inspect.isfunction(cls.__init__):
        yield from lines_of_function("    __init__", cls.__init__, hidden)
    members: dict[str, object] = {}
    for base in reversed([cls, *private_bases(cls)]):
        members |= vars(base)
    for name, member in sorted(members.items()):
        if name.startswith("_") and name not in {"__rshift__", "__rrshift__"}:
            continue
        found = getattr(member, "__func__", member)
        if isinstance(found, property):
            yield f"    {name}: {plain(found.fget.__annotations__['return'])}"
        elif inspect.isfunction(found):
            yield from lines_of_function(f"    {name}", found)


def private_bases(cls):
    """Base classes of the client room that no door names: users see their members."""
    return [base for base in cls.__mro__[1:] if base.__module__ in HIDDEN_BASES]


def lines_of_function(path, function, hidden=()):
    """Each overload, or the one signature there is, with an argument a line."""
    for overload in get_overloads(inspect.unwrap(function)) or [function]:
        signature = inspect.signature(overload)
        yield f"{path} -> {plain(signature.return_annotation)}"
        for parameter in signature.parameters.values():
            if parameter.name not in {"self", "cls", *hidden}:
                yield f"        {as_written(parameter)}"


def as_written(parameter):
    kinds = {"VAR_POSITIONAL": "*", "VAR_KEYWORD": "**", "KEYWORD_ONLY": "named "}
    text = kinds.get(parameter.kind.name, "") + parameter.name
    if parameter.annotation is not parameter.empty:
        text += f": {plain(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        default = re.sub(r" at 0x[0-9a-f]+", "", repr(parameter.default))
        text += f" = {default}"
    return text


def plain(annotation):
    """An annotation or a base, without the facts that stand beside it."""
    text = annotation if isinstance(annotation, str) else named(annotation)
    return re.sub(r"^Annotated\[(.+), Fact\(.*\)\]$", r"\1", text, flags=re.DOTALL)


def named(annotation):
    if inspect.isclass(annotation) and not get_args(annotation):
        return annotation.__name__
    inner = ", ".join(map(named, get_args(annotation)))
    origin = get_origin(annotation)
    name = getattr(origin, "__name__", str(annotation))
    return f"{name}[{inner}]" if inner else name


def described(thing):
    """What a value is: an alias by what it stands for, a mapping by its keys."""
    if type(thing).__module__ in {"typing", "types", "typing_extensions"} and get_args(
        thing
    ):
        return str(thing)
    if isinstance(thing, str | int | tuple):
        return repr(thing)
    if isinstance(thing, Mapping):
        return f"{{{', '.join(sorted(map(str, thing)))}}}"
    return type(thing).__name__


def test_public_api():
    """The public names and their signatures are those of the file."""
    assert public_api().splitlines() == EXPECTED.read_text("utf-8").splitlines()


def test_doors_are_sorted():
    """What a door exports is sorted, without repeats, and is there."""
    for door in DOORS:
        names = importlib.import_module(door).__all__
        assert sorted(set(names)) == sorted(names)


if __name__ == "__main__":
    EXPECTED.write_text(public_api(), "utf-8")
