"""The list of commands, which are loaded when they are used, and `main`.

`flow64 --help`, completion and usage errors load click and little else. `STATE` is the
running command line: its options, and what it has done.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class CommandLine:
    """One command line.

    A plain class: attrs would take half the time of `flow64 --help`.

    Attributes:
        arguments: Its words.
        command: The command that is carried out.
        debug: Whether to show where an unexpected error came from.
        is_quiet: Whether to print only results, errors and questions.
        is_verbose: Whether to print each request, and notes.
        is_json: Whether to print the data of a result instead of its text.
        has_read_stdin: Whether stdin was read, so that it holds no answer.
        console: The console on stderr; None before the first message.
        has_result: Whether the JSON of a result was printed.
        problems: The errors that were printed.
        faults: The name and the error of each workflow that has errors.
        is_done: Whether anything was written to the service. The exit code is about
            that, even if stdout fails afterwards.
    """

    def __init__(self) -> None:
        self.begin(())

    def begin(self, arguments: Sequence[str]) -> None:
        """Reset everything for another command line."""
        self.arguments = arguments
        self.command = ""
        self.debug = False
        self.is_quiet = False
        self.is_verbose = False
        self.is_json = False
        self.has_read_stdin = False
        self.console: Any = None
        self.has_result = False
        self.problems: list[str] = []
        self.faults: list[tuple[str, Exception]] = []
        self.is_done = False

    @property
    def wants_json(self) -> bool:
        """Whether the command line asks for JSON, even if it is wrong otherwise."""
        words = [*self.arguments]
        words = words[: words.index("--")] if "--" in words else words
        pairs = {f"{name}={value}" for name, value in pairwise(words)}
        return not {*words, *pairs}.isdisjoint({"--json", "--format=json"})


STATE: Final = CommandLine()
"""The running command line, also for other threads."""


GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Write": {
        "init": "Create a project: a pipeline and its test.",
        "check": "List errors and warnings of workflows.",
        "compile": "Write the JSON of workflows, or check that it is current.",
        "graph": "Draw a workflow as text, Mermaid or SVG.",
        "blocks": "List the known blocks, or show one in full.",
        "blocks sync": "Save the service's list of blocks, and show what is new.",
        "blocks generate": "Write block classes for what flow64 does not have.",
        "code": "Write workflows as Python code, from JSON or live ones.",
        "determinism": "Check that workflows compile to the same bytes everywhere.",
        "serve": "Run an emulator of the service on this machine.",
    },
    "Review": {
        "plan": "Show what a deploy would change.",
        "diff": "Compare code, files and live workflows.",
    },
    "Deploy": {
        "deploy": "Show a plan, ask, and apply exactly this plan.",
        "pull": "Save live workflows as JSON files.",
        "restore": "List replaced workflows, or bring one back.",
    },
    "Run": {
        "run": "Run a workflow with the rows of a file, once per intent.",
        "watch": "Follow a run until it ends.",
        "results": "Download the results of a run.",
        "cancel": "Cancel a run.",
    },
    "Look": {
        "list": "List the deployed workflows.",
        "runs": "List the newest runs.",
        "doctor": "Check the setup, the credential and the balance.",
    },
}
"""The help of each command, in groups: `command` in the module of its name, or the
second word in the module of the first."""

COMMANDS: Final[dict[str, str]] = {
    name: text for group in GROUPS.values() for name, text in group.items()
}
"""The help of each command."""

_RENAME: Final = 'give the new key, and was="OLD_KEY" beside it, which keeps the id'

HABITS: Final[Mapping[str, str]] = {
    "apply": "write flow64 deploy",
    "check --watch": "let your editor or `watch flow64 check` repeat it",
    "cost": "write flow64 run --dry-run, or flow64 plan",
    "deploy --dry-run": "write flow64 plan",
    "destroy": "take the workflow out of the code, then flow64 deploy --prune=1",
    "explain": "write flow64 check --explain CODE",
    "import": "write flow64 pull, then flow64 code",
    "lint": "write flow64 check",
    "logs": "write flow64 watch RUN_ID",
    "mv": _RENAME,
    "new": "write flow64 init",
    "push": "write flow64 deploy",
    "rename": _RENAME,
    "schedule": "write Workflow(..., schedules=[...]); see docs/schedules.md",
    "validate": "write flow64 check",
}
"""What to write for words of other tools."""

RISKY: Final = frozenset({"cancel", "restore", "run"})
"""Commands that overwrite, spend or end a run. They are not suggested."""


class Commands(click.Group):
    """A group that loads a command when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        """Return the names of all commands."""
        return list(COMMANDS)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command of one word, or of two."""
        name = " ".join(args[:2])
        words = [name, *args[2:]] if name in COMMANDS else args
        return super().resolve_command(ctx, words)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Load a command."""
        if cmd_name not in COMMANDS:
            from ..text import did_you_mean  # noqa: PLC0415 - help loads little

            near = did_you_mean(cmd_name, COMMANDS.keys() - RISKY)
            if cmd_name in HABITS:
                near = f": {HABITS[cmd_name]}"
            raise click.UsageError(f"there is no command {cmd_name!r}{near}", ctx)
        module, _, attribute = cmd_name.partition(" ")
        loaded = import_module(f".{module}", __package__)
        command: click.Command = getattr(loaded, attribute or "command")
        names = {name for param in command.params for name in param.opts}
        # They may stand after a command too, without a line in each help.
        command.params += [
            option for option in _loudness() if names.isdisjoint(option.opts)
        ]
        return command

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Complete commands without loading them."""
        from click.shell_completion import CompletionItem  # noqa: PLC0415 - help loads little

        commands = [
            CompletionItem(name, help=text)
            for name, text in COMMANDS.items()
            if name.startswith(incomplete) and " " not in name
        ]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click asks so
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands in groups, without loading them."""
        width = max(map(len, COMMANDS))
        for title, rows in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), rows[name]) for name in rows])


def note_flag(_: click.Context, param: click.Parameter, is_given: bool) -> None:
    """Note in `STATE` that `--quiet`, `--verbose` or `--json` was given."""
    if is_given:  # it may stand before the command, or after it
        setattr(STATE, f"is_{param.name}", True)


def _loudness(*, hidden: bool = True) -> list[click.Option]:
    """Return the options for how much is printed."""
    texts = {
        "--quiet": "Print only results, errors and questions.",
        "--verbose": "Print each request, notes and details.",
    }
    return [
        click.Option(
            [name[1:3], name],
            is_flag=True,
            expose_value=False,
            callback=note_flag,
            hidden=hidden,
            help=text,
        )
        for name, text in texts.items()
    ]


def _print_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version  # noqa: PLC0415 - help loads little

        click.echo(f"flow64 {version('flow64')}")
        context.exit()


@click.group(
    cls=Commands,
    invoke_without_command=True,  # click would print the help to stderr, as an error
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--debug", is_flag=True, help="Show where an unexpected error comes from."
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def group(context: click.Context, debug: bool) -> None:
    """Sixtyfour workflows as Python code.

    Credentials come from the environment: SIXTYFOUR_API_KEY, or an OAuth client. No
    command takes a key.
    """
    STATE.debug = debug
    STATE.command = context.invoked_subcommand or ""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


group.params += _loudness(hidden=False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        escape_unencodable(stream)
    STATE.begin(sys.argv[1:] if arguments is None else arguments)
    try:
        code = group.main(STATE.arguments, "flow64", standalone_mode=False)
    except click.Abort:
        code = 130
    except Exception as error:  # noqa: BLE001 - a traceback is shown only with --debug
        return _report(error)
    if not isinstance(code, int):
        return 0
    if code and STATE.wants_json:
        from . import printing  # noqa: PLC0415 - help loads little

        printing.report_failure(code)
    return code


def _report(error: Exception) -> int:
    option = error.option_name if isinstance(error, click.NoSuchOption) else ""
    if habit := HABITS.get(f"{STATE.command} {option}"):
        error = click.UsageError(f"{STATE.command} has no {option}: {habit}")
    from . import printing  # noqa: PLC0415 - help loads little

    return printing.report(error)


def escape_unencodable(stream: object) -> None:
    """Let a stream write what its encoding lacks as escapes."""
    reconfigure = getattr(stream, "reconfigure", None)
    # In the locale C it is `surrogateescape`, which fails for letters too.
    if reconfigure is not None and getattr(stream, "errors", "") in (
        "strict",
        "surrogateescape",
    ):
        reconfigure(errors="backslashreplace")
