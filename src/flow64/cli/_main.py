"""The group of commands, and the one place where an error becomes an exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import version
from typing import Final

import click

from ..errors import FlowError, did_you_mean
from ._codes import FAILED, INTERRUPTED, USAGE, code_of
from ._report import Options, own_up
from ._terminal import careful, complain

COMMANDS: Final[Mapping[str, str]] = {
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


@click.group(
    cls=Commands,
    no_args_is_help=False,  # which is an error without a message
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option("--debug", is_flag=True, help="Show where an unexpected error came from.")
@click.version_option(version("flow64"), message="flow64 %(version)s")
@click.pass_obj
def group(options: Options, debug: bool) -> None:
    """Sixtyfour workflows as Python code."""
    options.debug = debug


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says, and give the exit code."""
    careful(sys.stdout, sys.stderr)
    options = Options()
    try:
        code = group.main(arguments, "flow64", standalone_mode=False, obj=options)
    except click.UsageError as error:
        complain(f"{error.format_message()} (see {_help(error)})")
        return USAGE
    except click.ClickException as error:
        complain(error.format_message())
        return FAILED
    except click.Abort:
        return INTERRUPTED
    except FlowError as error:
        complain(str(error))
        return code_of(error)
    except Exception as error:  # noqa: BLE001 - nobody is shown a traceback unasked
        own_up(error, debug=options.debug)
        return FAILED
    return code if isinstance(code, int) else 0


def _help(error: click.UsageError) -> str:
    path = error.ctx.command_path if error.ctx else "flow64"
    return f"{path} --help"
