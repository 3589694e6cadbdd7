"""`flow64 help`: the help of a command or topic, or the page of a finding."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import click
from click.shell_completion import CompletionItem

from ._completion import complete_codes
from ._main import COMMANDS, TOPICS, Commands, Context

WIDTH: Final = 80
"""The most columns of prose, also on a wider terminal."""


def _complete(
    context: click.Context, param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete commands and topics, also the second word of a command; else codes."""
    begun = " ".join([*(context.params.get("words") or ()), incomplete])
    found = [
        CompletionItem(
            name.removeprefix(begun[: len(begun) - len(incomplete)]), help=text
        )
        for name, text in {**COMMANDS, **TOPICS}.items()
        if name.startswith(begun)
    ]
    return found or complete_codes(context, param, begun)


@click.command(
    "help",
    epilog="\b\nExample:\n  flow64 help plan\n  flow64 help environments\n"
    "  flow64 help late-filter\n",
)
@click.argument(
    "words", nargs=-1, metavar="[COMMAND|TOPIC|CODE]", shell_complete=_complete
)
@click.pass_context
def command(context: click.Context, *, words: Sequence[str]) -> int:
    """Show the help of a command or topic, or explain a finding.

    CODE is the code of a finding, as `flow64 check` shows it in brackets. Without any
    of these, lists commands and topics.
    """
    root = context.find_root()
    name = " ".join(words)
    match root.command:
        case _ if not name:
            click.echo(root.get_help())
        case Commands() as group if name in COMMANDS:
            chosen = group.get_command(root, name)
            shown = Context(chosen, parent=root, info_name=name)
            click.echo(shown.get_help())
        case _ if name in TOPICS:
            click.echo(_format_topic(context, name))
        case _ if _print_finding(name):
            pass
        case _:
            from ._suggestions import describe_unknown_help  # noqa: PLC0415 - help loads little

            problem = describe_unknown_help(name, {*COMMANDS}, {*TOPICS})
            raise click.UsageError(problem, root)
    return 0


def _print_finding(code: str) -> bool:
    """Print the page of a finding; return False if no finding has this code."""
    from ..analysis import all_pages, explain_finding  # noqa: PLC0415 - loads the rules
    from ._colours import paint_label  # noqa: PLC0415 - loads rich
    from ._terminal import find_width, print_lines  # noqa: PLC0415 - loads rich

    if code not in all_pages():
        return False
    width = min(find_width(sys.stdout) or WIDTH, WIDTH)
    print_lines(explain_finding(code, width), paint_label)
    return True


def _format_topic(context: click.Context, name: str) -> str:
    """Wrap the text of a topic as click wraps that of a command."""
    formatter = context.make_formatter()
    formatter.write_text(import_module(f".topics.{name}", __package__).TEXT)
    return formatter.getvalue().rstrip()
