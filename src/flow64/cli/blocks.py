"""`flow64 blocks`: the catalogue, the service's own list, and classes made from it."""

from __future__ import annotations

import ast
import inspect
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import click
from attrs import frozen
from rich.console import RenderableType

from ..analysis.live import (
    LiveBlock,
    LiveCatalogue,
    describe_field,
    read_fields,
    walk_fields,
)
from ..blocks import (
    CATALOGUE,
    CONFIDENCE,
    CREATE_NEW,
    EFFECT_WORDS,
    OLD_NAMES,
    CatalogueBlock,
    Column,
    Fact,
    Price,
    describe_kind,
    describe_rows,
    describe_words,
    facts_of,
    specs_schema,
)
from ..definition import EMPTY, thaw
from ..environments import load as load_settings
from ..errors import FlowError, missing_extra
from ..generation import (
    FACTS,
    MARK,
    CatalogueChange,
    compare_catalogues,
    read_facts,
    write_blocks,
)
from ..loading import find_saved_catalogue
from ..manifest import read_content, write_all
from ..secrets import clean_text
from ..text import did_you_mean, format_dollars, join_words, pluralize, shortened
from . import params, printing
from .check import WIDTH
from .commands import STATE
from .errors import FAILED
from .service import connect

SAVED: Final = "blocks.json"
"""The usual file for the service's own list of blocks."""

# -- The catalogue ---------------------------------------------------------------------


@frozen
class Field:
    """A field of the specs of a block."""

    name: str
    type: str
    description: str
    source: str


@frozen
class BlockReference:
    """The facts about a kind of block.

    Attributes:
        name: Its class.
        text: What it does.
        evidence: How well it is documented, and where.
        facts: Rows, columns, effects and price, by label.
        fields: Its fields, with those of the records inside.
        specs_schema: The JSON Schema of its specs.
        is_listed: Whether the service's own list has it; None without a list.
    """

    kind: str
    name: str
    text: str
    evidence: str
    facts: Mapping[str, Sequence[str]]
    fields: Sequence[Field]
    specs_schema: Any
    is_listed: bool | None = None

    @classmethod
    def of(
        cls, block: type[CatalogueBlock], live: LiveCatalogue | None
    ) -> BlockReference:
        """Describe a class of blocks. A schema of the service wins over ours."""
        about, listed = block.about, live and live.blocks.get(block.kind)
        own = specs_schema(block)
        schema = listed.specs_schema if listed and listed.specs_schema else own
        facts, needed = facts_of(block), own.get("required", ())
        takes, gives = describe_rows(about.takes), describe_rows(about.gives)
        example = ", ".join(f"{name}=..." for name in needed)
        return cls(
            block.kind,
            block.__name__,
            describe_kind(block),
            f"{CONFIDENCE[about.confidence]} ({about.source})",
            {
                "import": [f"from flow64.blocks import {block.__name__}"],
                "write": [f"{block.__name__}({example})"],
                "rows": [f"takes {takes}, gives {gives} ({CONFIDENCE[about.rows]})"],
                **_describe_columns(block),
                "effects": [
                    "; ".join(EFFECT_WORDS[effect] for effect in block.effects({}))
                    or "none known"
                ],
                "price": [_describe_price(block.price({})), *_list_choices(block, own)],
            },
            [*_list_fields(schema, facts)],
            schema,
            None if live is None else listed is not None,
        )

    @classmethod
    def of_live(cls, block: LiveBlock) -> BlockReference:
        """Describe a kind that only the service lists."""
        needed = [name for name, field in block.fields.items() if field.is_required]
        specs = ", ".join(f"{name!r}: ..." for name in needed) or "..."
        schema = block.specs_schema or EMPTY
        text = schema.get("description")
        return cls(
            block.kind,
            "RawBlock",
            " ".join(text.split()) if isinstance(text, str) else "",
            "on the service's own list",
            {
                "write": [f"RawBlock({block.kind!r}, specs={{{specs}}})"],
                **{key: [shortened(thaw(item))] for key, item in block.extra.items()},
            },
            [*_list_fields(schema, {})],
            thaw(schema),
            is_listed=True,
        )

    @property
    def summary(self) -> str:
        """Its purpose in one sentence."""
        text = self.text.partition("\n\n")[0].replace("\n", " ")
        text = re.split(r"(?<=\.) (?=[A-Z])", text)[0]
        return f"(not listed) {text}" if self.is_listed is False else text

    def matches(self, words: Sequence[str]) -> bool:
        """Return True if all words stand in it."""
        parts = [self.kind, self.name, self.text]
        parts += [text for texts in self.facts.values() for text in texts]
        parts += [f"{field.name} {field.description}" for field in self.fields]
        haystack = " ".join(parts).casefold()
        return all(word.casefold() in haystack for word in words)

    def __rich__(self) -> str:
        lines = [f"{self.kind}  {self.evidence}", ""]
        for paragraph in self.text.split("\n\n"):
            lines += [*_wrap(paragraph), ""]
        for label, texts in self.facts.items():
            heads = [label, *[""] * (len(texts) - 1)]
            for head, text in zip(heads, texts, strict=True):
                lines += _wrap(text, f"{head:<9}", 9)
        lines += ["", "fields:"] if self.fields else []
        for field in self.fields:
            source = f" · {field.source}" if field.source else ""
            lines += _wrap(f"{field.name}: {field.type}{source}", "  ", 6)
            lines += _wrap(field.description, " " * 6, 6)
        return "\n".join(map(clean_text, lines))


def _wrap(text: str, head: str = "", indent: int = 0) -> Sequence[str]:
    """Return a text as lines that fit any terminal, the first after a head."""
    return wrap(
        text,
        WIDTH,
        initial_indent=head,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _describe_columns(block: type[CatalogueBlock]) -> Mapping[str, Sequence[str]]:
    columns = block.columns({})
    texts = {
        "reads": [", ".join(map(_describe_column, columns.reads))],
        "adds": [", ".join(map(_describe_column, columns.adds))],
        "values": [
            f"{name}: {describe_words(lists)}"
            for name, lists in block.about.column_words.items()
        ],
    }
    if "columns" in vars(block):
        text = inspect.cleandoc(block.columns.__doc__ or "")
        texts["columns"] = [" ".join(text.split())]
    elif columns.opens:
        texts["columns"] = ["it may add unknown ones"]
    return {label: lines for label, lines in texts.items() if any(lines)}


def _describe_column(column: Column) -> str:
    kind = f" {column.type}" if column.type else ""
    return f"{column.name}{kind} ({CONFIDENCE[column.confidence]})"


def _describe_price(price: Price | None) -> str:
    if price is None:
        return "unknown"
    source = f"{CONFIDENCE[price.confidence]}; {price.source}"
    return f"at most {format_dollars(price.dollars)} a row ({source})"


def _list_choices(
    block: type[CatalogueBlock], schema: Mapping[str, Any]
) -> Iterator[str]:
    """Yield the values of fields that change effects or price."""
    usual, price = block.effects({}), block.price({})
    for name, field in schema["properties"].items():
        values: Sequence[Any] = field.get("enum", ())
        if field.get("type") == "boolean":
            values = (True, False)
        elif field.get("type") == "string" and not values:
            values = (CREATE_NEW,)
        for value in values:
            effects = [e for e in block.effects({name: value}) if e not in usual]
            words = [EFFECT_WORDS[effect] for effect in effects]
            other = block.price({name: value})
            words += [] if other == price else [_describe_price(other)]
            if words:
                yield f"with {name}={value!r}: {'; '.join(words)}"


def _list_fields(
    schema: Mapping[str, Any], facts: Mapping[str, Fact]
) -> Iterator[Field]:
    for path, field in walk_fields(read_fields(schema)):
        fact, source = facts.get(path), ""
        if fact is not None:
            default = f"default {fact.default} · " if fact.default else ""
            source = f"{default}{CONFIDENCE[fact.confidence]} ({fact.source})"
        yield Field(path, describe_field(field), field.description or "", source)


@frozen
class BlockList:
    """Kinds of blocks."""

    blocks: Sequence[BlockReference]

    def __rich__(self) -> RenderableType:
        columns = {"KIND": "kind", "DESCRIPTION": "summary"}
        return printing.make_table(self.blocks, columns)


@params.command(
    "blocks", "flow64 blocks", "flow64 blocks phone", "flow64 blocks find_email"
)
@click.argument("words", nargs=-1)
@params.as_json
def command(*, words: Sequence[str]) -> int:
    """List the known blocks, or show one in full. Nothing is sent.

    All WORDS are searched for in names, descriptions, fields and columns. The name of
    one block or class shows everything known about it. If [tool.flow64] names a saved
    list of the service, its kinds and fields are shown. Exits with 1 if nothing is
    found.

    The commands `blocks sync` and `blocks generate` work with the service's own list.
    """
    live = find_saved_catalogue()
    every = [BlockReference.of(block, live) for block in CATALOGUE.values()]
    if live is not None:
        new = (b for kind, b in live.blocks.items() if kind not in CATALOGUE)
        every += map(BlockReference.of_live, new)
    names = {name: block for block in every for name in (block.name, block.kind)}
    exact = names.get(words[0]) if len(words) == 1 and words != ("RawBlock",) else None
    blocks = [exact] if exact else [block for block in every if block.matches(words)]
    # What is sought is rather in a name.
    blocks.sort(key=lambda block: not any(w.casefold() in block.kind for w in words))
    if exact and not STATE.is_json:
        printing.emit(exact)
    else:
        printing.emit(BlockList(blocks))
    if blocks:
        return 0
    near = next(filter(None, (did_you_mean(word, names) for word in words)), "")
    if new_name := next((OLD_NAMES[word] for word in words if word in OLD_NAMES), None):
        near = f"; the block is now {new_name!r}"
    near = near or "; write a new kind as RawBlock, or write a class for it"
    printing.message(f"no known block matches {shortened(' '.join(words))}{near}")
    return FAILED


# -- The service's own list ------------------------------------------------------------


@frozen
class Synced:
    """The saved list of blocks, and what is new in it."""

    file: Path
    date: str | None
    kinds: int
    is_first: bool
    is_written: bool
    changes: Sequence[CatalogueChange]
    problems: Sequence[str]

    def __rich__(self) -> str:
        state = "written" if self.is_written else f"unchanged since {self.date}"
        count = pluralize(self.kinds, "kind")
        last = f"{printing.name_file(self.file)} {state}: {count}"
        return "\n".join([*map(str, self.changes), last])


@params.command("sync", "flow64 blocks sync", "flow64 blocks sync --env prod")
@params.env
@params.as_json
def sync(*, env: str | None) -> int:
    """Save the service's own list of blocks, and show what is new, changed or gone.

    One read is sent. The file is the one that `blocks` in [tool.flow64] names, by
    default blocks.json next to pyproject.toml. From then on all commands go by it: it
    may allow what flow64 does not know, and refuse what it knows. Commit it. If the
    answer is the same as before, the file is left alone. An emulator is only asked if
    --env names it.
    """
    settings = load_settings()
    file = settings.blocks or settings.folder / SAVED
    environment = settings.environment(env)
    if env is None and (environment.store or environment.is_keyless):
        name = environment.name
        problem = f"{name} is an emulator, which answers what flow64 knows"
        raise click.UsageError(f"{problem}: name another --env, or write -e {name}")
    with connect(env) as client:
        answer = client.blocks()
    live = LiveCatalogue.of(answer.as_data())  # without secrets
    before = _read_list(file)
    changes = [] if before is None else compare_catalogues(before, live)
    is_new = before is None or before.blocks != live.blocks
    if is_new:
        write_all(file.parent, {file.name: live.as_text()})
    synced = Synced(
        file,
        live.date if is_new or before is None else before.date,
        len(live.blocks),
        before is None,
        is_new,
        [*changes],
        [*map(clean_text, answer.problems)],
    )
    printing.emit(synced)
    for problem in answer.problems:
        printing.message(clean_text(f"warning: {problem}"))
    if find_spec("jsonschema") is None:
        printing.message(str(missing_extra("checking by it", "schemas")))
    if settings.blocks is None:
        line = f'blocks = "{SAVED}"'
        is_added = settings.file is not None and _add_setting(settings.file, line)
        verb = "added" if is_added else "to add, so that all commands go by it"
        printing.message(f"[tool.flow64] in pyproject.toml: {line} {verb}")
    return 0


def _add_setting(file: Path, line: str) -> bool:
    """Add a setting to `[tool.flow64]`, if the file says nothing else then."""
    head, file = "[tool.flow64]\n", file.resolve()
    try:
        before = file.read_bytes().decode()
        after = before.replace(head, f"{head}{line}\n", 1)
        wanted = tomllib.loads(before)
        wanted["tool"]["flow64"]["blocks"] = SAVED
        if tomllib.loads(after) != wanted:
            return False
        write_all(file.parent, {file.name: after})
    except (OSError, ValueError, FlowError):
        return False
    return True


def _read_list(file: Path) -> LiveCatalogue | None:
    """Read the list of the last sync; None if there is none, or it is damaged."""
    try:
        return LiveCatalogue.read(file)
    except FileNotFoundError:
        return None
    except (OSError, FlowError) as error:
        printing.message(f"what is new is not known: {error}")
        return None


# -- Classes ---------------------------------------------------------------------------


@frozen
class Generated:
    """A module of block classes."""

    file: Path | None
    source: str
    classes: Mapping[str, str]
    is_current: bool

    def __rich__(self) -> str:
        names = join_words(self.classes, 40) or "none; flow64 has all of it"
        return f"{self.file and printing.name_file(self.file)}: {names}"


@params.command(
    "generate",
    "flow64 blocks generate -o blocks.py",
    "flow64 blocks generate -o blocks.py --check",
)
@params.output("FILE", "Write the module into a file.")
@params.option(
    "--check is_check",
    "Write nothing. Exit with 1 if FILE is not current; its layout may differ.",
)
@params.as_json
def generate(*, output: Path | None, is_check: bool) -> int:
    """Write block classes for kinds and fields that flow64 does not have.

    They are made from the service's own list of blocks, which `flow64 blocks sync`
    saves. Facts about new kinds that it does not say, such as row kinds, columns and
    prices, are read from blocks.toml in the folder of FILE. Nothing is sent. Texts of
    the list never become code. Without -o, the module goes to stdout.
    """
    if is_check and output is None:
        raise params.option_error("--check", "name the module to check with -o FILE")
    live = find_saved_catalogue()
    if live is None:
        raise click.ClickException("there is no saved list: run flow64 blocks sync")
    facts = (Path() if output is None else output.parent) / FACTS
    module = write_blocks(live, read_facts(facts, live) if facts.exists() else None)
    current = None
    if output is not None and output.exists():
        current = read_content(output.resolve()).decode("utf-8", "replace")
    is_current = current is not None and _is_same(current, module.text)
    generated = Generated(output, module.text, module.kinds, is_current or not is_check)
    if is_check and not is_current:
        if STATE.is_json:
            printing.emit(generated)
        advice = f"run flow64 blocks generate -o {output}"
        printing.error(f"{output} is not current; {advice}")
        return FAILED
    if output is not None and not is_check:
        if current is not None and MARK not in current:
            problem = "it is there already, and not written by flow64 blocks generate"
            raise FlowError(f"{output} was not written: {problem}")
        write_all(output.parent, {output.name: module.text})
    if output is None and not STATE.is_json:
        printing.write(module.text)
    else:
        printing.emit(generated)
    for problem in live.problems:
        printing.message(clean_text(f"warning: {problem}"))
    return 0


def _is_same(current: str, text: str) -> bool:
    """Return True if two modules say the same, however they are laid out."""
    try:
        return ast.dump(ast.parse(current)) == ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
