"""`flow64 help`: the help of a command, or of a topic."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from ._main import COMMANDS, TOPICS, Commands


def _complete(
    context: click.Context, _: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Complete commands and topics, also the second word of a command."""
    begun = " ".join([*(context.params.get("words") or ()), incomplete])
    return [
        CompletionItem(
            name.removeprefix(begun[: len(begun) - len(incomplete)]), help=text
        )
        for name, text in {**COMMANDS, **TOPICS}.items()
        if name.startswith(begun)
    ]


@click.command(
    "help",
    epilog="\b\nExample:\n  flow64 help plan\n  flow64 help environments\n",
)
@click.argument("words", nargs=-1, metavar="[COMMAND|TOPIC]", shell_complete=_complete)
@click.pass_context
def command(context: click.Context, *, words: Sequence[str]) -> int:
    """Show the help of a command, or about a topic.

    Without either, lists both.
    """
    root = context.find_root()
    name = " ".join(words)
    match root.command:
        case _ if not name:
            click.echo(root.get_help())
        case Commands() as group if name in COMMANDS:
            chosen = group.get_command(root, name)
            shown = click.Context(chosen, parent=root, info_name=name)
            click.echo(shown.get_help())
        case _ if name in TOPICS:
            click.echo(_format_topic(context, name))
        case _:
            from ._suggestions import describe_unknown_help  # noqa: PLC0415 - help loads little

            problem = describe_unknown_help(name, {*COMMANDS}, {*TOPICS})
            raise click.UsageError(problem, root)
    return 0


def _format_topic(context: click.Context, name: str) -> str:
    """Wrap the text of a topic as click wraps that of a command."""
    formatter = context.make_formatter()
    formatter.write_text(import_module(f".topics.{name}", __package__).TEXT)
    return formatter.getvalue().rstrip()
