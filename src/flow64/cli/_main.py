"""The group of commands, and the one place where an error becomes an exit code.

`flow64 --help`, completion and usage errors load click and little else; what a command
needs is loaded with it, and what an error needs with the first error.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Final

import click

from ._codes import FAILED, INTERRUPTED, USAGE
from ._options import Options

COMMANDS: Final[Mapping[str, str]] = {
    "check": "Say what is wrong or doubtful with workflows; nothing is sent.",
    "compile": "Write the JSON of workflows, or see that it is current.",
    "deploy": "Put workflows on the service, after showing what that changes.",
    "run": "Run a workflow with the rows of a file, once for each intent.",
    "watch": "Follow a run until it ends.",
    "results": "Download what a run gave.",
    "cancel": "Cancel a run.",
    "runs": "List the newest runs.",
    "list": "List the workflows that are deployed.",
    "balance": "Show what is left to spend.",
    "serve": "Play the service on this machine, for trying and for tests.",
}
"""What each command is for; its module of the same name has it as `command`."""


class Commands(click.Group):
    """Loads a command when it is asked for: each loads, and needs, what it is about."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click asks so
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of a name."""
        if cmd_name not in COMMANDS:
            from ..errors import did_you_mean  # noqa: PLC0415 - help loads little

            near = did_you_mean(cmd_name, COMMANDS)
            problem = f"there is no command {cmd_name!r}{near}"
            raise click.UsageError(problem, ctx)
        command: click.Command = import_module(f".{cmd_name}", __package__).command
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click asks so
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([*COMMANDS.items()])


def _tell_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version  # noqa: PLC0415 - help loads little

        click.echo(f"flow64 {version('flow64')}")
        context.exit()


@click.group(
    cls=Commands,
    no_args_is_help=False,  # which is an error without a message
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from.")
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_version,
    help="Show the version and exit.",
)
@click.pass_obj
def group(options: Options, debug: bool) -> None:
    """Sixtyfour workflows as Python code.

    Credentials come from the environment: SIXTYFOUR_API_KEY, or an OAuth client. No
    command takes a key.
    """
    options.debug = debug


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says, and give the exit code."""
    for stream in (sys.stdout, sys.stderr):
        careful(stream)
    options = Options()
    try:
        code = group.main(arguments, "flow64", standalone_mode=False, obj=options)
    except click.Abort:
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - nobody is shown a traceback unasked
        return _told(error, options)
    return code if isinstance(code, int) else 0


def careful(stream: object) -> None:
    """Let a stream write what its encoding lacks as escapes, and not fail at it."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None and getattr(stream, "errors", "") == "strict":
        reconfigure(errors="backslashreplace")


def _told(error: Exception, options: Options) -> int:
    """Tell an error, and give its exit code."""
    # All that follows is loaded for an error alone.
    from ..errors import FlowError, MissingExtraError  # noqa: PLC0415 - see above
    from ._outcomes import code_of, way_on  # noqa: PLC0415 - see above

    try:
        from ._report import own_up  # noqa: PLC0415 - see above
        from ._terminal import complain, talk  # noqa: PLC0415 - see above
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "rich":
            raise
        problem = MissingExtraError("the command flow64", "cli")
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 - rich is missing
        return FAILED
    match error:
        case click.UsageError():
            complain(f"{error.format_message()} (see {_help(error)})")
            return USAGE
        case click.ClickException():
            complain(error.format_message())
            return error.exit_code
        case FlowError():
            complain(str(error))
            if advice := way_on(error):
                talk(advice)
            return code_of(error)
        case _:
            own_up(error, debug=options.debug)
            return FAILED


def _help(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "flow64"
    return f"{path} --help"
