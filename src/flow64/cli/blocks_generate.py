"""`flow64 blocks generate`: write block classes for what flow64 does not have."""

from __future__ import annotations

import ast
from pathlib import Path

import click

from ..analysis.live import LiveCatalogue
from ..environments import load as load_settings
from ..errors import FlowError
from ..files import relative_path
from ..generation import FACTS, MARK, BlocksModule, read_facts, write_blocks
from ..manifest import write_all
from ..text import join_words, printable
from . import _params as params
from ._exit_codes import FAILED
from ._output_options import output_file
from ._terminal import (
    print_error,
    print_json,
    print_line,
    print_message,
    print_paths,
    print_text,
)
from .blocks_sync import SAVED, print_problems


@params.command(
    "generate",
    "flow64 blocks generate -o blocks.py",
    "flow64 blocks generate -o blocks.py --check",
)
@output_file("Write the module into a file.", ".py")
@params.saved_blocks(
    "A saved answer of `GET /workflows/blocks`. By default `blocks` in settings."
)
@click.option(
    "--check",
    "is_check",
    is_flag=True,
    help="Write nothing. Exit with 1 if FILE is not current; its layout may differ.",
)
@params.as_json
def command(
    *, output: Path | None, saved: Path | None, is_check: bool, as_json: bool
) -> int:
    """Write block classes for kinds and fields that flow64 does not have.

    They are made from the service's own list of blocks, which `flow64 blocks sync`
    saves. Facts about new kinds that it does not say, such as row kinds, columns and
    prices, are read from blocks.toml beside FILE. Nothing is sent. Texts of the list
    never become code. Without -o, the module goes to stdout.
    """
    if is_check and output is None:
        raise params.option_error("--check", "name the module to check with -o FILE")
    live = LiveCatalogue.read(_find_list(saved))
    facts = (Path() if output is None else output.parent) / FACTS
    module = write_blocks(live, read_facts(facts, live) if facts.exists() else None)
    current = None
    if output is not None and output.exists():
        current = output.read_text("utf-8", "replace")
    if is_check and output is not None:
        return _check(output, current, module, as_json=as_json)
    if output is not None:
        if current is not None and MARK not in current:
            problem = "it is there already, and not written by flow64 blocks generate"
            raise FlowError(f"{output} was not written: {problem}")
        write_all(output.parent, {output.name: module.text})
    if as_json:
        result = {
            "file": None if output is None else str(output),
            "source": module.text,
            "classes": [
                {"class": name, "kind": kind} for name, kind in module.kinds.items()
            ],
        }
        print_json(result)
    elif output is None:
        print_text(module.text)
    else:
        print_paths([output], as_json=False)
    print_problems(live.problems)
    if output is not None:
        names = join_words(module.kinds, 40) or "none; flow64 has all of it"
        print_message(f"classes: {names}")
    return 0


def _find_list(saved: Path | None) -> Path:
    """Return the file with the service's list of blocks.

    Raises:
        click.UsageError: None was named, and there is none.
    """
    settings = load_settings()
    file = saved or settings.blocks or settings.folder / SAVED
    if not file.exists():
        problem = f"{relative_path(file)} is not there"
        raise params.option_error(
            "--blocks", f"{problem}; run flow64 blocks sync, or name another FILE"
        )
    return file


def _check(
    output: Path, current: str | None, module: BlocksModule, *, as_json: bool
) -> int:
    is_current = current is not None and _is_same(current, module.text)
    if as_json:
        print_json({"file": str(output), "is_current": is_current})
    elif is_current:
        print_line(f"{printable(relative_path(output))} is current")
    else:
        what = "is not there" if current is None else "is not current"
        advice = f"run flow64 blocks generate -o {output}"
        print_error(printable(f"{relative_path(output)} {what}; {advice}"))
    return 0 if is_current else FAILED


def _is_same(current: str, text: str) -> bool:
    """Return True if two modules say the same, however they are laid out."""
    try:
        return ast.dump(ast.parse(current)) == ast.dump(ast.parse(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
