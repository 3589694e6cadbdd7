"""The group of commands, and the conversion of errors to exit codes.

`flow64 --help`, completion and usage errors load click and little else. A command loads
what it needs, and so does the first error.
"""

from __future__ import annotations

import codecs
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Final

import click

from ._options import OPTIONS, Options, wants_json

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from ..errors import FlowError

GROUPS: Final[Mapping[str, Mapping[str, str]]] = {
    "Write": {
        "init": "Create a project that is ready to push.",
        "check": "List errors, warnings and notes of workflows.",
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
"""The help of each command, in groups. A command is the `command` of the module of its
name."""

COMMANDS: Final[dict[str, str]] = {
    name: text for group in GROUPS.values() for name, text in group.items()
}
"""The help of each command."""

SYNONYMS: Final[Mapping[str, str]] = {
    "apply": "deploy",
    "build": "compile",
    "create": "init",
    "execute": "run --dry-run",
    "explain": "check --explain CODE",
    "fetch": "pull",
    "help": "COMMAND --help",
    "import": "pull",
    "lint": "check",
    "logs": "watch",
    "ls": "list",
    "new": "init",
    "preview": "plan",
    "push": "deploy",
    "validate": "check",
}
"""What to write for words of other tools."""

RISKY: Final = frozenset({"cancel", "restore", "run"})
"""Commands that overwrite, spend or end a run. They are not suggested."""


def module_of(name: str) -> str:
    """Return the module of a command, such as `blocks_sync` of `blocks sync`."""
    return name.replace(" ", "_")


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
        given = [name, *args[2:]] if name in COMMANDS else args
        return super().resolve_command(ctx, given)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Load a command."""
        if cmd_name not in COMMANDS:
            from ..text import did_you_mean  # noqa: PLC0415 - help loads little

            near = did_you_mean(cmd_name, COMMANDS.keys() - RISKY)
            if cmd_name in SYNONYMS:
                near = f" (did you mean 'flow64 {SYNONYMS[cmd_name]}'?)"
            raise click.UsageError(f"there is no command {cmd_name!r}{near}", ctx)
        command: click.Command = import_module(
            f".{module_of(cmd_name)}", __package__
        ).command
        _add_common_options(command)
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
        column = max(map(len, COMMANDS)) + 2
        for title, rows in GROUPS.items():
            with formatter.section(title):
                padded = [(name.ljust(column - 2), text) for name, text in rows.items()]
                formatter.write_dl(padded)


def _set_loudness(
    context: click.Context, param: click.Parameter, is_given: bool
) -> None:
    """Set how much is printed, by an option before or after the command.

    Raises:
        click.UsageError: Both options were given.
    """
    options = context.ensure_object(Options)
    if is_given:
        setattr(options, f"is_{param.name}", True)
    if options.is_quiet and options.is_verbose:
        raise click.UsageError("--quiet and --verbose: leave one of them out", context)


def _set_color(context: click.Context, _: click.Parameter, choice: str | None) -> None:
    """Set whether colours are printed, by the option nearest to the command."""
    if choice is not None:
        context.ensure_object(Options).color = choice


def _common_options() -> list[click.Option]:
    """Return the options that may stand before a command or after it."""
    texts = {
        "--quiet": "Print only results, errors and questions.",
        "--verbose": "Print each request.",
    }
    flags = [
        click.Option(
            [name[1:3], name],
            is_flag=True,
            expose_value=False,
            callback=_set_loudness,
            help=text,
        )
        for name, text in texts.items()
    ]
    color = click.Option(
        ["--color"],
        type=click.Choice(["auto", "always", "never"]),
        metavar="WHEN",
        expose_value=False,
        callback=_set_color,
        help="Print colours: auto (on terminals), always or never.",
    )
    return [*flags, color]


def _add_common_options(command: click.Command) -> None:
    """Add the options that may also precede a command, unless it has its own."""
    known = {name for param in command.params for name in param.opts}
    command.params += [
        option for option in _common_options() if known.isdisjoint(option.opts)
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
    "--debug", is_flag=True, help="Show the traceback of an unexpected error."
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
    options = context.ensure_object(Options)
    options.debug = debug
    options.command = context.invoked_subcommand or ""
    # `serve` has its own option: it prints the requests that it gets.
    context.default_map = {"serve": {"verbose": options.is_verbose}}
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


group.params += _common_options()


def main(arguments: list[str] | None = None) -> int:
    """Run a command line, and return the exit code."""
    for stream in (sys.stdout, sys.stderr):
        escape_unencodable(stream)
    options = OPTIONS
    options.begin()
    options.arguments = sys.argv[1:] if arguments is None else arguments
    has_json = wants_json(options.arguments)
    try:
        code = group.main(arguments, "flow64", standalone_mode=False, obj=options)
    except click.Abort:
        from ._exit_codes import INTERRUPTED  # noqa: PLC0415 - help loads little

        code = INTERRUPTED
    except Exception as error:  # noqa: BLE001 - a traceback is shown only with --debug
        return _print_error(error, options, has_json=has_json)
    if not isinstance(code, int):
        return 0
    if code and has_json:
        from ._failure import print_failure  # noqa: PLC0415 - help loads little

        print_failure(code)
    return code


def escape_unencodable(stream: object) -> None:
    """Let a stream write what its encoding lacks as escapes, and an arrow as `->`."""
    reconfigure = getattr(stream, "reconfigure", None)
    # In the locale C it is `surrogateescape`, which fails for letters too.
    if reconfigure is not None and getattr(stream, "errors", "") in (
        "strict",
        "surrogateescape",
    ):
        codecs.register_error("arrows", _write_arrow)
        reconfigure(errors="arrows")


def _write_arrow(error: UnicodeError) -> tuple[str | bytes, int]:
    """Replace the arrow of a change. Other characters become escapes."""
    if isinstance(error, UnicodeEncodeError) and error.object[error.start] == "→":
        return "->", error.start + 1
    if isinstance(error, UnicodeEncodeError):
        error.end = error.start + 1  # an arrow may come next
    return codecs.backslashreplace_errors(error)


def _print_error(error: Exception, options: Options, *, has_json: bool) -> int:
    """Print an error, also as JSON if asked for, and return its exit code."""
    # These modules are only needed for an error.
    from ..errors import FlowError, missing_extra  # noqa: PLC0415 - see above
    from ._exit_codes import FAILED  # noqa: PLC0415 - see above

    try:
        from ._crash_report import report_crash  # noqa: PLC0415 - see above
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "rich":
            raise
        problem = missing_extra("the command flow64", "cli")
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 - rich is missing
        return FAILED
    match error:
        case click.ClickException():
            code = _print_click_error(error)
        case FlowError():
            code = _print_flow_error(error, options)
        case _:
            report_crash(error, debug=options.debug)
            code = FAILED
    if has_json:
        from ._failure import print_failure  # noqa: PLC0415 - see above

        print_failure(code, error)
    return code


def _print_click_error(error: click.ClickException) -> int:
    from ._exit_codes import USAGE  # noqa: PLC0415 - see above
    from ._terminal import print_error  # noqa: PLC0415 - see above

    problem = error.format_message()
    if not isinstance(error, click.UsageError):
        print_error(problem)
        return error.exit_code
    if OPTIONS.command == "deploy" and "--dry-run" in OPTIONS.arguments:
        problem = "deploy has no --dry-run: flow64 plan shows what it would do"
    # The errors of click's parser have no context.
    path = error.ctx.command_path if error.ctx else f"flow64 {OPTIONS.command}"
    print_error(f"{problem.removesuffix('.')} (see {path.rstrip()} --help)")
    return USAGE


def _print_flow_error(error: FlowError, options: Options) -> int:
    from ..errors import ConfigError, SourceError  # noqa: PLC0415 - see above
    from ._error_messages import describe_error  # noqa: PLC0415 - see above
    from ._exit_codes import FAILED, USAGE, find_exit_code  # noqa: PLC0415 - see above
    from ._terminal import print_error  # noqa: PLC0415 - see above

    match error:
        case SourceError(is_usage=True):
            print_error(f"{error} (see flow64 {options.command} --help)")
            return USAGE
        case SourceError():  # the text of the user's own code is not reworded
            print_error(str(error))
            return FAILED
        case ConfigError(is_usage=True):  # --env is wrong, or missing
            print_error(str(error))
            return USAGE
        case _:
            print_error(describe_error(error))
            return find_exit_code(error)
