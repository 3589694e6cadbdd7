"""A page for each command, with all its options, made from the code by sphinx-click.

The pages are written into `docs/commands` when Sphinx begins, and are not committed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flow64.cli import GROUPS, group

if TYPE_CHECKING:
    import click
    from sphinx.application import Sphinx

OVERVIEW = """# Commands

Each page lists all options of a command. The page on
[the command line](../cli.md) explains what the commands have in common.
"""

PAGE = """.. click:: commands:{attribute}
   :prog: flow64 {name}
"""


def attribute_of(name: str) -> str:
    """Return the attribute of this module that holds a command."""
    return name.replace(" ", "_") + "_command"


def __getattr__(name: str) -> click.Command:
    """Return a command as users see it: with the options of all commands."""
    for commands in GROUPS.values():
        for command in commands:
            if attribute_of(command) == name:
                with group.make_context(
                    "flow64", [], resilient_parsing=True
                ) as context:
                    found = group.get_command(context, command)
                    assert found is not None
                    return found
    raise AttributeError(name)


def write_pages(app: Sphinx) -> None:
    """Write a page for each command, and one that lists them."""
    folder = Path(app.srcdir) / "commands"
    folder.mkdir(exist_ok=True)
    pages = {"index.md": OVERVIEW}
    for title, commands in GROUPS.items():
        names = [name.replace(" ", "-") for name in commands]
        tree = "\n".join(names)
        pages["index.md"] += f"\n```{{toctree}}\n:caption: {title}\n\n{tree}\n```\n"
        for name, file in zip(commands, names, strict=True):
            pages[f"{file}.rst"] = PAGE.format(name=name, attribute=attribute_of(name))
    for old in folder.iterdir():
        if old.name not in pages:
            old.unlink()
    for file, text in pages.items():
        path = folder / file
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")


def escape(_app: Sphinx, _context: click.Context, lines: list[str]) -> None:
    """Let patterns such as `leads/*` be text, as they are in a terminal."""
    lines[:] = [line.replace("*", "\\*") for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("builder-inited", write_pages)
    for part in ("description", "options", "epilog"):
        app.connect(f"sphinx-click-process-{part}", escape)
    return {"parallel_read_safe": True}
