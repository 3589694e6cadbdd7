"""Parts of pages that are made from the code.

`python docs/_ext/from_code.py` writes the text between `<!-- from code: NAME -->` and
`<!-- end of NAME -->`, for the catalogue and the findings. `make golden` runs it too.
The text is plain Markdown and is committed, so that you can read the pages without a
build. A test compares it with the code. When Sphinx reads a page, it learns the names
in it, and puts commands, guesses and switches at each `<!-- at build: NAME -->`.
"""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import textwrap
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Union, cast

from attrs import NOTHING, fields, fields_dict

from flow64 import blocks
from flow64.analysis.check import findings_reference
from flow64.blocks import (
    CATALOGUE,
    CONFIDENCE,
    CREATE_NEW,
    EFFECT_WORDS,
    CatalogueBlock,
    Column,
    Fact,
    describe_kind,
    describe_rows,
    describe_words,
    facts_of,
    field_docs,
    spec_types,
)
from flow64.cli import COMMANDS, group
from flow64.dsl import RowKind, Unset
from flow64.emulator.service import GUESSES, MARKS, Switches
from flow64.text import format_dollars

if TYPE_CHECKING:
    import click
    from sphinx.application import Sphinx

FAMILIES: Mapping[str, str] = {
    "sources": "Sources",
    "enrichment": "Enrichment",
    "discovery": "Discovery and AI",
    "data": "Data operations",
    "output": "Output and integrations",
}
"""Heading of each module of the catalogue, in the order of the page."""


def catalogue() -> Iterator[str]:
    """Every kind, by family."""
    for module, title in FAMILIES.items():
        yield f"## {title}\n"
        for kind, block in CATALOGUE.items():
            if block.__module__.endswith(f".{module}"):
                yield from _block(kind, block)


def overview() -> Iterator[str]:
    """A table of every kind, in the order of the page."""
    yield "| block | takes | gives | spends | price of a row, at most | rows are |"
    yield "|---|---|---|---|---|---|"
    for module in FAMILIES:
        for kind, block in CATALOGUE.items():
            if block.__module__.endswith(f".{module}"):
                about, price = block.about, block.price({})
                cells = (
                    f"[`{kind}`](#{kind})",
                    _ROWS_SHORT.get(about.takes, about.takes),
                    _ROWS_SHORT.get(about.gives, about.gives),
                    _spending(block),
                    "not known" if price is None else format_dollars(price.dollars),
                    CONFIDENCE[about.rows],
                )
                yield f"| {' | '.join(cells)} |"


def _spending(block: type[CatalogueBlock]) -> str:
    """Say whether a block is documented to spend, may spend, or neither is known."""
    effects = block.effects({})
    if "spends" in effects:
        return "yes"
    return "may" if "may-spend" in effects else "none known"


_ROWS_SHORT: Mapping[str, str] = {
    "none": "nothing",
    "any": "any",
    "same": "the same",
    "dataframe_type": "LEAD or COMPANY",
    "unknown": "unknown",
}


def _block(kind: str, block: type[CatalogueBlock]) -> Iterator[str]:
    facts, docs, types = facts_of(block), field_docs(block), spec_types(block)
    yield f"### {kind}\n"
    yield f"`flow64.blocks.{block.__name__}({_signature(block)})`\n"
    yield describe_kind(block) + "\n"
    yield from _about(block)
    if facts:
        yield "Fields:\n"
    for name, fact in facts.items():
        kind_of_value = _type(types[name])
        known = f"- **`{name}`** · `{kind_of_value}` · {_fact(fact)}"
        yield _item(known, docs.get(name, ""))
    methods = {
        name: made
        for base in reversed(block.__mro__)
        if base.__module__ == block.__module__
        for name, method in vars(base).items()
        if not (name.startswith("_") or hasattr(CatalogueBlock, name))
        and inspect.isfunction(made := getattr(method, "__func__", method))
    }
    if methods:
        yield "\nMethods:\n"
    for name, made in methods.items():
        text = inspect.cleandoc(made.__doc__ or "").partition("\nArgs:")[0]
        yield _item(f"- **`{name}{_parameters(made)}`**", text)
    yield ""


def _item(head: str, text: str) -> str:
    """Return an entry of a list: its name in one line, its text in the next."""
    body = textwrap.indent(text.strip(), "  ")
    return f"{head}\\\n{body}" if body else head


def _signature(block: type[CatalogueBlock]) -> str:
    known = fields_dict(block)
    texts, is_keyword = [], False
    for name in block.spec_names:
        if known[name].kw_only and not is_keyword:
            is_keyword = True
            texts.append("*")
        texts.append(name if known[name].default is NOTHING else f"{name}=...")
    return ", ".join(texts)


def _parameters(made: Any) -> str:
    found = inspect.signature(made)
    bare = [p.replace(annotation=p.empty) for p in found.parameters.values()]
    return str(inspect.Signature([p for p in bare if p.name not in ("self", "cls")]))


def _about(block: type[CatalogueBlock]) -> Iterator[str]:
    about = block.about
    takes = describe_rows(about.takes)
    gives = describe_rows(about.gives).replace("dataframe_type", "`dataframe_type`")
    role = about.role + (f", perhaps {about.perhaps}" if about.perhaps else "")
    yield f"- **Name:** `{block.kind}`, {CONFIDENCE[about.confidence]} ({about.source})"
    yield f"- **Role:** {role} (sent as `block_type`: `{block.label}`)"
    yield f"- **Rows:** takes {takes}, gives {gives} ({CONFIDENCE[about.rows]})"
    yield f"- **Effects:** {_by_specs(block, _effects) or 'none known'}"
    yield f"- **Price:** {_by_specs(block, _prices) or 'not known'}"
    for word, ask in (("Reads", _reads), ("Adds", _adds), ("Drops", _drops)):
        if text := _by_specs(block, ask):
            yield f"- **{word}:** {text}"
    for name, lists in about.column_words.items():
        yield f"- **Values of `{name}`:** {describe_words(lists)}"
    if "columns" in vars(block):
        yield f"- **Columns:** {inspect.cleandoc(block.columns.__doc__ or '')}"
    if not block.specs_known:
        words = "others" if len(facts_of(block)) > 1 else "them"
        yield f"- **Fields:** no source names {words}; give them as `specs={{...}}`"
    yield ""


_Ask: TypeAlias = Callable[[type[CatalogueBlock], Mapping[str, Any]], list[str]]


def _by_specs(block: type[CatalogueBlock], ask: _Ask) -> str:
    """Return the facts for all specs, then those that single specs add."""
    plain = ask(block, {})
    special: dict[str, list[str]] = {}
    for name, value in _probes(block):
        spec = f"`{name}={value!r}`".replace("Ellipsis", "...")
        if new := [text for text in ask(block, {name: value}) if text not in plain]:
            special.setdefault(", ".join(new), []).append(spec)
    with_specs = [f"with {' or '.join(s)} {text}" for text, s in special.items()]
    return "; ".join([*([", ".join(plain)] if plain else []), *with_specs])


def _probes(block: type[CatalogueBlock]) -> Iterator[tuple[str, Any]]:
    """Yield specs that may change what a block does: words, switches, field maps."""
    for name, hint in spec_types(block).items():
        for member in typing.get_args(hint):
            if member is bool:
                yield name, True
            elif member == type[Any]:
                yield name, {"NAME": ...}
            elif typing.get_origin(member) is Literal:
                yield from ((name, word) for word in typing.get_args(member))
        if name == "notebook_id":
            yield name, CREATE_NEW


def _reads(block: type[CatalogueBlock], specs: Mapping[str, Any]) -> list[str]:
    return [_column(column) for column in block.columns(specs).reads]


def _adds(block: type[CatalogueBlock], specs: Mapping[str, Any]) -> list[str]:
    columns = block.columns(specs)
    others = ["perhaps others, without documented names"] if columns.opens else []
    return [*(_column(column) for column in columns.adds), *others]


def _drops(block: type[CatalogueBlock], specs: Mapping[str, Any]) -> list[str]:
    resets = block.columns(specs).resets
    return ["perhaps those that came in"] if resets else []


def _column(column: Column) -> str:
    return f"`{column.name}` ({CONFIDENCE[column.confidence]})"


def _effects(block: type[CatalogueBlock], specs: Mapping[str, Any]) -> list[str]:
    return [EFFECT_WORDS[effect] for effect in block.effects(specs)]


def _prices(block: type[CatalogueBlock], specs: Mapping[str, Any]) -> list[str]:
    if (price := block.price(specs)) is None:
        return ["not known"] if block.price({}) else []
    text = f"at most {format_dollars(price.dollars)} a row"
    return [f"{text} ({CONFIDENCE[price.confidence]}; {price.source})"]


def _fact(fact: Fact) -> str:
    """`required · default: low · in seconds · documented (PW)`."""
    parts = ["*required*"] if fact.required else []
    if fact.default is not None:
        parts.append(f"default: {fact.default}")
    if fact.unit is not None:
        parts.append(f"in {fact.unit}")
    parts.append(f"{CONFIDENCE[fact.confidence]} ({fact.source})")
    return " · ".join(parts)


def _type(hint: Any) -> str:
    """Return a type for readers: without the sentinel of unset fields."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        members = [_type(a) for a in arguments if a is not Unset]
        return " | ".join(members)
    if origin is Literal:
        return f"Literal[{', '.join(repr(word) for word in arguments)}]"
    if origin is RowKind:
        return "RowKind"
    if hint is Any or isinstance(hint, typing.TypeVar):
        return "Any"
    name = getattr(origin or hint, "__name__", str(hint)).lstrip("_")
    inner = ", ".join(_type(argument) for argument in arguments)
    return f"{name}[{inner}]" if inner else name


def constants() -> Iterator[str]:
    """Constants that `flow64.blocks` exports."""
    folder = Path(inspect.getfile(blocks)).parent
    for path in sorted(folder.glob("[a-z]*.py")):
        body = ast.parse(path.read_text("utf-8")).body
        for statement, following in itertools.pairwise([*body, ast.Pass()]):
            match statement:
                case ast.AnnAssign(target=ast.Name(id=name)) if name in blocks.__all__:
                    yield f"`flow64.blocks.{name}`\n"
                    texts = (_text_of(following), _values(getattr(blocks, name)))
                    yield from (f"{text}\n" for text in texts if text)


def _text_of(statement: ast.stmt) -> str:
    match statement:
        case ast.Expr(value=ast.Constant(value=str(text))):
            return inspect.cleandoc(text)
    return ""


def _values(value: Any) -> str:
    """The words of a `Literal`, or the entries of a table of words."""
    if typing.get_origin(value) is Literal:
        return ", ".join(f"`{word}`" for word in typing.get_args(value))
    is_table = isinstance(value, Mapping) and all(
        isinstance(v, str) for v in value.values()
    )
    return ", ".join(f"`{k}`: {v}" for k, v in value.items()) if is_table else ""


def guesses() -> Iterator[str]:
    """Guesses: what the emulator does if no document says."""
    for guess in GUESSES:
        switch = f" `Switches({guess.switch}=...)` changes it." if guess.switch else ""
        yield _item(
            f"- **{guess.name}** ({MARKS[guess.mark]})",
            f"{guess.evidence}\nThe emulator: {guess.assumed}{switch}",
        )


def switches() -> Iterator[str]:
    """Every switch, what it takes, and its default."""
    hints = typing.get_type_hints(Switches)
    yield "| switch | values | default | by default |\n|---|---|---|---|"
    assumed = {guess.switch: guess.assumed for guess in GUESSES}
    for field in fields(Switches):
        values = ", or ".join(_takes(hints[field.name]))
        default = json.dumps(field.default)
        row = f"`{field.name}` | {values} | `{default}` | {assumed[field.name]}"
        yield f"| {row} |"


def _takes(hint: Any) -> list[str]:
    """Return the values that a type takes, in words."""
    if typing.get_origin(hint) is Literal:
        *words, last = [f"`{word}`" for word in typing.get_args(hint)]
        return [f"{', '.join(words)} or {last}"]
    if members := typing.get_args(hint):
        return [words for member in members for words in _takes(member)]
    return [_WORDS[hint]]


_WORDS: Mapping[type, str] = {
    bool: "`true` or `false`",
    int: "a whole number, 0 or more",
    float: "a number, 0 or more",
    types.NoneType: "`null`",
}


def findings() -> Iterator[str]:
    """Findings of `check()`. The tests of the rules run the examples."""
    yield "<!-- skip: start -->\n"
    yield findings_reference()
    yield "<!-- skip: end -->"


def commands() -> Iterator[str]:
    """Every command with its options, by sphinx-click."""
    for name in COMMANDS:
        yield "```{eval-rst}"
        yield f".. click:: from_code:{name.replace(' ', '_')}_command"
        yield f"   :prog: flow64 {name}\n```\n"


def __getattr__(name: str) -> click.Command:
    """Return a command as users see it, with the options of all commands."""
    for command in COMMANDS:
        if name == f"{command.replace(' ', '_')}_command":
            with group.make_context("flow64", [], resilient_parsing=True) as context:
                return cast("click.Command", group.get_command(context, command))
    raise AttributeError(name)


TEXTS: Mapping[str, Callable[[], Iterator[str]]] = {
    "catalogue": catalogue,
    "overview": overview,
    "findings": findings,
    "constants": constants,
}
"""The committed texts."""

BUILT: Mapping[str, Callable[[], Iterator[str]]] = {
    "commands": commands,
    "guesses": guesses,
    "switches": switches,
}
"""The texts that are made when the pages are built."""

_AT_BUILD = re.compile(r"^<!-- at build: (\w+) -->$", re.MULTILINE)

_MADE = re.compile(
    r"^<!-- from code: (\w+) -->$.*?^<!-- end of \1 -->$", re.MULTILINE | re.DOTALL
)
_NAME = re.compile(r"^`flow64\.blocks\.(\w+)(\(.*\))?`$", re.MULTILINE)


def current(page: str) -> str:
    """Return a page with the current text of the code between its marks."""
    return _MADE.sub(_made, page)


def _made(found: re.Match[str]) -> str:
    text = "\n".join(TEXTS[found[1]]()).strip()
    return f"<!-- from code: {found[1]} -->\n\n{text}\n\n<!-- end of {found[1]} -->"


def main() -> None:
    """Write every marked page again."""
    for path in sorted(Path(__file__).parent.parent.glob("*.md")):
        path.write_text(current(path.read_text("utf-8")), "utf-8", newline="\n")


def describe(_app: Sphinx, _name: str, source: list[str]) -> None:
    """Add what is made now, and tell Sphinx which names a generated text describes."""
    source[0] = _AT_BUILD.sub(lambda mark: "\n".join(BUILT[mark[1]]()), source[0])
    source[0] = _MADE.sub(lambda found: _NAME.sub(_directive, found[0]), source[0])


def _directive(found: re.Match[str]) -> str:
    name, arguments = found.groups()
    role = "data" if arguments is None else "class"
    module = ":module: flow64.blocks"
    return f":::{{py:{role}}} {name}{arguments or ''}\n{module}\n:::"


def escape(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    """Let patterns such as `leads/*` be text, as they are in a terminal."""
    lines[:] = [line.replace("*", "\\*") for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("source-read", describe)
    for part in ("description", "options", "epilog"):
        app.connect(f"sphinx-click-process-{part}", escape)
    return {"parallel_read_safe": True}


if __name__ == "__main__":
    main()
