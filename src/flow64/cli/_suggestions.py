"""Suggestions for words that flow64 does not have.

Words of other tools have advice of their own. Any other word is compared with the known
ones, and those that differ by one slip are suggested.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Final

import click

from ..text import did_you_mean, join_words
from ._options import OPTIONS

# -- Commands --------------------------------------------------------------------------


def _by_word(rows: Mapping[str, str]) -> Mapping[str, str]:
    return {word: advice for words, advice in rows.items() for word in words.split()}


COMMAND_SYNONYMS: Final[Mapping[str, str]] = _by_word(
    {
        "apply push up": "flow64 deploy shows a plan, asks, and applies it",
        "destroy rm remove delete del": (
            "take the workflow out of the code, then flow64 deploy --prune"
        ),
        "import fetch download": "flow64 pull saves live workflows",
        "status drift preview refresh": "flow64 plan shows what a deploy would change",
        "show get describe inspect": (
            "flow64 list shows what is deployed, and flow64 graph one workflow"
        ),
        "validate lint verify": "flow64 check lists errors and warnings",
        "test": "pytest runs the tests, and flow64 check lists errors and warnings",
        "debug": "flow64 doctor looks at the setup, and --debug shows tracebacks",
        "clean": "flow64 compile -o compiled --prune removes what is stale there",
        "deps install": "flow64 installs nothing: pip does",
        "retry": "flow64 run SOURCE ROWS --retry RUN_ID starts a run again",
        "output outputs": "flow64 results saves the files of a run",
        "state": "flow64 list shows what is deployed",
        "workspace": (
            "name the environment with -e NAME; flow64 help environments says more"
        ),
        "build render export synth": "flow64 compile writes JSON",
        "rollback revert undo": "flow64 restore brings back a replaced workflow",
        "new create scaffold": "flow64 init creates a project",
        "start execute exec trigger": "flow64 run runs a workflow",
        "logs log tail follow": "flow64 watch follows a run",
        "compare": "flow64 diff compares code, files and live workflows",
        "fmt format": "flow64 formats no code",
        "version": "flow64 --version",
        "whoami env config auth account": (
            "flow64 doctor shows the environment, and what its credential may do"
        ),
        "login logout": (
            "set the variable SIXTYFOUR_API_KEY; flow64 help environments says more"
        ),
        "ls": "flow64 list lists the deployed workflows",
        "ps": "flow64 runs lists the newest runs",
        "stop abort kill": "flow64 cancel cancels a run",
        "emulator server dev": "flow64 serve runs an emulator",
        "balance credits usage": "flow64 doctor shows the remaining credits",
        "explain rule": "flow64 help CODE explains a finding",
        "docs doc man": "flow64 help shows the help of a command or topic",
        "upgrade update": "install a newer flow64 as you installed this one",
    }
)
"""What to write for the commands of other tools."""

RISKY_COMMANDS: Final = frozenset({"cancel", "restore", "run"})
"""Commands that overwrite, spend, or end a run. They are not suggested for a mistyped
command. `deploy` is: it shows a plan, and deletes and overwrites nothing unless told
to."""


def describe_unknown_command(name: str, commands: set[str], topics: set[str]) -> str:
    """Describe an unknown command, and suggest a harmless one or a topic if close."""
    near = _suggest(name, COMMAND_SYNONYMS.get(name), commands - RISKY_COMMANDS)
    return f"there is no command {name!r}{near or suggest_topic(name, topics)}"


def describe_unknown_help(name: str, commands: set[str], topics: set[str]) -> str:
    """Describe an unknown command, topic or code of `flow64 help`, and suggest one."""
    from ..analysis import severities_by_code  # noqa: PLC0415 - loads the rules

    advice = COMMAND_SYNONYMS.get(name)
    near = _suggest(name, advice, commands | topics)
    near = near or did_you_mean(name, severities_by_code())
    known = "" if near else f"; the topics are {join_words(sorted(topics))}"
    return f"there is no command, topic or finding {name!r}{near}{known}"


def suggest_topic(name: str, topics: set[str]) -> str:
    """Return ` (did you mean 'help TOPIC'?)` if a topic is close, else nothing."""
    near = find_near(name, topics)
    return f" (did you mean 'help {near}'?)" if near else ""


# -- Options ---------------------------------------------------------------------------

_FORMS: Final[Mapping[str, str]] = _by_word(
    {
        "github gitlab sarif": "flow64 check",
        "markdown html": "flow64 review",
        "mermaid svg": "flow64 graph",
    }
)
"""The command that writes each form."""

_OTHER_FORMS: Final = (
    "flow64 review writes the plan as markdown or html, and flow64 check writes its "
    "findings for github, gitlab and sarif"
)
"""A plan has no findings of its own: they are those of a check."""

_RULES: Final = "[tool.flow64.rules] of pyproject.toml"

OPTION_SYNONYMS: Final[Sequence[tuple[str, str, str]]] = (
    ("--target", "--select", "write flow64 {command} {value}, or use --select"),
    ("-m --model --models --key", "--select", "write --select {value}"),
    ("--target --select -s", "run", "run takes one workflow: name it as SOURCE"),
    ("--limit -n", "--max-rows", "--max-rows N refuses more rows, and does not cut"),
    ("-n -L --max --count --last", "--limit", "write --limit N"),
    ("-n -L --limit", "list", "list prints all of them: flow64 list | head -n 20"),
    ("--watch -w --follow", "run", "run follows it by itself, unless --no-wait"),
    ("-s --shell", "SHELL", "SHELL is an argument: flow64 completion bash"),
    (
        "--input --rows -f --file --csv --data",
        "ROWS",
        "ROWS is an argument: flow64 run leads rows.csv",
    ),
    ("--stage --workspace --profile", "--env", "write --env NAME"),
    ("--var --var-file", "--values", "write --values FILE, which is a JSON object"),
    ("--destroy", "--prune", "take the workflow out of the code, and add --prune"),
    ("--output-format -t -T --type", "--format", "write --format {value}"),
    ("--output-format", "--json", "write --json"),
    ("--ignore --disable", "check", f'write it under {_RULES}: CODE = "ignore"'),
    ("--explain", "check", "write flow64 help {value}"),
    ("--auto-approve --assume-yes --no-input", "--yes", "with --yes nothing is asked"),
    ("--fix --write", "check", "check changes no code"),
    ("--exit-zero", "check", "check exits with 1 for errors only"),
    ("--upgrade --update", "init", "init makes new projects only"),
    ("--detailed-exitcode", "--exit-code", "write --exit-code"),
    ("--out --outfile -O", "--output", "write -o FILE"),
    ("--format", "plan", f"write --json; {_OTHER_FORMS}"),
    ("--format", "deploy", f"write --json; {_OTHER_FORMS}"),
    ("-o --output --format", "--json", "write --json, and > FILE to save it"),
    ("-p", "--port", "write --port N"),
    ("--dry-run", "plan", "plan only reads: leave it out"),
    ("-C --chdir --cwd --directory", "", "cd to the folder first"),
    ("-e --env -s --select -o --json", "--version", "write it after the command"),
    ("--no-color --no-colour", "", "write --color never"),
)
"""Options of other tools, what a command must be called or must have so that the advice
fits, and the advice. The first that fits is taken. `{command}` is the command, and
`{value}` is what was given to the option."""

RISKY_OPTIONS: Final = frozenset(
    {
        "--allow-behind",
        "--allow-spend",
        "--allow-unpriced",
        "--create",
        "--force",
        "--new",
        "--no-check-columns",
        "--overwrite",
        "--prune",
        "--retry",
        "--set",
        "--skip-drifted",
        "--stale",
        "--yes",
    }
)
"""Options with which more is deleted, overwritten or bought than without them. They are
not suggested for a mistyped option."""


def describe_unknown_option(error: click.NoSuchOption) -> str:
    """Describe an unknown option, and suggest a harmless one if it is close."""
    name = _find_whole_word(error.option_name)
    params = [] if error.ctx is None else error.ctx.command.get_params(error.ctx)
    options = [one for one in params if isinstance(one, click.Option)]
    # `-y` is as risky as `--yes`, but `--check-columns` is not `--no-check-columns`.
    spellings = [names for one in options for names in (one.opts, one.secondary_opts)]
    safe = [names for names in spellings if RISKY_OPTIONS.isdisjoint(names)]
    is_long = name.startswith("--") or len(name) > _SHORT
    names = [one for names in safe for one in names if one.startswith("--") == is_long]
    written = name if name.startswith("--") or not is_long else f"-{name}"
    known = {name for names in spellings for name in names}
    known |= {(one.name or "").upper() for one in params} | {"", OPTIONS.command}
    advice = next(
        (
            advice
            for words, fits, advice in OPTION_SYNONYMS
            if written in words.split() and fits in known
        ),
        None,
    )
    if advice is not None:
        value = shlex.quote(_find_value(name))
        advice = advice.format(command=OPTIONS.command, value=value)
    elif written in names:
        advice = f"write {written}"
    return f"there is no option {name!r}{_suggest(written, advice, names)}"


_SHORT: Final = len("-o")


def _find_value(name: str) -> str:
    """Return what was given to an option that is unknown, such as a key."""
    for word, after in pairwise([*OPTIONS.arguments, ""]):
        option, _, value = word.partition("=")
        if option == name:
            return value or after or _VALUE
    return _VALUE


_VALUE: Final = "VALUE"


def _find_whole_word(name: str) -> str:
    """Return the word of the command line that click read as short options: `-target`.

    What follows `=` is left out, and so is a word that may be more than a name.
    """
    if name.startswith("--"):
        return name
    letter = name[1:]
    words = [
        one.partition("=")[0]
        for one in OPTIONS.arguments
        # The letters before may be options, as `-q` of `-quite`.
        if one.startswith("-") and not one.startswith("--") and letter in one
    ]
    letters = words[0].replace("-", "") if words else ""
    return words[0] if letters.isascii() and letters.isalpha() else name


# -- Slips -----------------------------------------------------------------------------


def _suggest(word: str, advice: str | None, known: Iterable[str]) -> str:
    """Return the advice about a word, or what it is close to; else nothing."""
    if advice is not None:
        return f"; {advice}"
    near = find_near(word, known)
    return f" (did you mean {near!r}?)" if near else ""


def find_near(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that a word is a slip, or a longer or shorter form, of.

    About one slip is allowed for every four letters.
    """
    if len(word) > _LONGEST:
        return None
    written = word.strip("-").casefold()
    names = {one.strip("-").casefold(): one for one in sorted(known)}
    near = get_close_matches(written, names, n=1, cutoff=_CUTOFF)
    begun = [one for one in names if _begins(written, one) or _begins(one, written)]
    found = near or (begun if len(begun) == 1 else [])
    return names[found[0]] if found else None


def _begins(whole: str, start: str) -> bool:
    return len(start) >= _FEWEST and whole.startswith(start)


_LONGEST: Final = 40  # a longer word is not a slip
_FEWEST: Final = 3
_CUTOFF: Final = 0.75


# -- Wrong use, in our words -----------------------------------------------------------


def describe_usage(error: click.UsageError) -> str:
    """Describe a wrong use. Texts of click are reworded."""
    command = OPTIONS.command
    match error:
        case click.MissingParameter():
            return f"{_name_param(error)} is missing{_explain_missing(error)}"
        case click.BadParameter():
            name = _name_param(error)
            other = _suggest_form(error) if name == "--format" else ""
            revision = _advise_revision() if name in ("--base", "--head") else ""
            problem = f"{_reword(error.message)}{other}{revision}"
            return f"{name}: {problem}" if name else error.message
        case click.BadOptionUsage():
            return _reword(error.message).replace(
                "requires an argument", "needs a value"
            )
        case _ if error.message.startswith(_EXTRA):
            extra = error.message[len(_EXTRA) :].partition("(")[2].removesuffix(")")
            return f"{command} has no use for {extra!r}{_explain_extra(error, extra)}"
        case _:
            return error.format_message()


def _suggest_form(error: click.BadParameter) -> str:
    """Return which command writes a form that this one does not have."""
    word = error.message.partition("'")[2].partition("'")[0]
    command = _FORMS.get(word)
    return f"; {command} writes {word}" if command else ""


_EXTRA: Final = "Got unexpected extra argument"


def _name_param(error: click.BadParameter) -> str:
    """Return the name of an option or argument that is wrong; empty if unknown."""
    if isinstance(error.param_hint, str):
        return error.param_hint.strip("'")
    if isinstance(error.param, click.Argument):
        return (error.param.metavar or (error.param.name or "").upper()).strip("[].")
    return "" if error.param is None else max(error.param.opts, key=len)


def _reword(text: str) -> str:
    """Begin a text of click as a clause, and end it as one."""
    first, space, rest = text.partition(" ")
    is_capital = first in ("File", "Path", "Directory", "Option", "Value")
    return f"{first.lower() if is_capital else first}{space}{rest}".removesuffix(".")


def _explain_missing(error: click.MissingParameter) -> str:
    command = OPTIONS.command
    if command == "diff" and (found := _advise_revision()):
        return found
    match error.param:
        case click.Argument(type=click.Choice(choices=choices)):
            return f": write one of {', '.join(map(str, choices))}"
        case click.Argument():
            return _MISSING.get(command, "")
        case click.Option(metavar=str(metavar)) as option:
            return f": write {option.opts[0]} {metavar}"
        case _:
            return ""


def _advise_revision() -> str:
    """Return how to compare with a revision of git, if an argument is one."""
    from ..loading import advise_revision  # noqa: PLC0415 - loads the language

    return next(filter(None, map(advise_revision, OPTIONS.arguments)), "")


_RUNS: Final = "; flow64 runs lists the newest runs"

_MISSING: Final[Mapping[str, str]] = {
    "cancel": _RUNS,
    "diff": ": diff takes two addresses, as in: flow64 diff leads prod:leads",
    "restore": "; flow64 history lists what can be restored",
    "results": _RUNS,
    "run": ": run takes one workflow, as in: flow64 run leads rows.csv",
    "same": ": same takes two environments, as in: flow64 same staging prod",
    "watch": _RUNS,
}
"""What to write, or where to look, if an argument of a command is missing."""


def _explain_extra(error: click.UsageError, extra: str) -> str:
    params = [] if error.ctx is None else error.ctx.command.params
    arguments = [one for one in params if isinstance(one, click.Argument)]
    if OPTIONS.command == "serve" and extra.isdigit():
        return f"; write --port {extra}"
    if OPTIONS.command == "review":
        return "; to compare two folders, write --base OLD --head NEW"
    if OPTIONS.command == "diff":
        second = "B" if error.ctx is None else error.ctx.params.get("after", "B")
        return f": a key follows a colon, so write {shlex.quote(f'{second}:{extra}')}"
    if any("--select" in param.opts for param in params):
        several = "use --select for each key, as in -s leads/us -s 'leads/eu*'"
        return f"; name one address, such as a folder, or {several}"
    if not arguments:
        return ": it takes options only"
    return ""
