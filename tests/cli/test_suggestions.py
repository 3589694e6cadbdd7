"""Suggestions: a mistyped word never leads to what deletes, overwrites or spends."""

from __future__ import annotations

import re
from importlib import import_module

import pytest

from flow64.cli import COMMANDS, group
from flow64.cli._error_messages import RISKY_COMMANDS, RISKY_OPTIONS
from flow64.cli._main import module_of

HARMLESS = {
    "--accept-any-token",
    "--error",
    "--allow-name",
    "--allow-unproven",
    "--from",
    "--max-bytes",
    "--changed", "--ci", "--exclude", "--select", "--standalone",
    "--against", "--all", "--allow-host", "--api-keys", "--at", "--base", "--block",
    "--blocks", "--check", "--check-columns", "--classes", "--color",
    "--debug", "--dry-run",
    "--env", "--every", "--exit-code", "--fixtures", "--format", "--gives", "--head",
    "--help", "--host", "--intent", "--json", "--like", "--limit", "--manifest",
    "--max-cost", "--max-rows",
    "--namespace", "--no-code", "--no-wait", "--oauth-client", "--output",
    "--parallel", "--plan", "--port", "--processes", "--project", "--quiet",
    "--report", "--role",
    "--safe-csv", "--seed", "--speed", "--status", "--store", "--strict", "--switch",
    "--takes", "--timeout", "--values", "--verbose", "--version", "--wait",
}  # fmt: skip
"""Options by which no more is deleted, overwritten or bought than without them."""

LETTERS = "aeot"


def options_of(command):
    names = {name for one in command.params for name in one.opts + one.secondary_opts}
    return {name for name in names if name.startswith("--")} | {"--help"}


def command_of(name):
    return import_module(f"flow64.cli.{module_of(name)}").command


def near(word):
    """Words one slip away from a word: a letter less, more, other, or moved."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    slips = {head + tail[1:] for head, tail in cuts}
    slips |= {head + tail[1:2] + tail[:1] + tail[2:] for head, tail in cuts}
    slips |= {head + letter + tail[1:] for head, tail in cuts for letter in LETTERS}
    slips |= {head + letter + tail for head, tail in cuts for letter in LETTERS}
    return slips


def suggested(told):
    return set(re.findall(r"'([^']*)'", told.partition("did you mean")[2]))


ALL = {option for name in COMMANDS for option in options_of(command_of(name))}


def test_every_option_is_judged():
    """Each option is known to be risky or harmless, and none is both."""
    assert ALL | options_of(group) == RISKY_OPTIONS | HARMLESS
    assert set() == RISKY_OPTIONS & HARMLESS
    assert set(COMMANDS) >= RISKY_COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_no_slip_leads_to_a_risky_option(name, flow64):
    """No slip of a risky option is answered with a risky one."""
    mine = options_of(command_of(name))
    words = {f"--{slip}" for one in RISKY_OPTIONS & mine for slip in near(one[2:])}
    words |= {*RISKY_OPTIONS, "--target", "--no-color", "--dryrun", "--yse", "--prun"}

    answers = [flow64(name, word) for word in sorted(words - mine - {"--"})]

    assert {code for code, *_ in answers} == {64}
    assert set().union(*(suggested(told) for *_, told in answers)) <= HARMLESS


@pytest.mark.parametrize("name", sorted(RISKY_COMMANDS))
def test_no_slip_leads_to_a_risky_command(name, flow64):
    """No slip of a risky command is answered with a risky one."""
    words = {*near(name), "destroy", "rn", "rollback"} - {*COMMANDS, ""}

    answers = [flow64(word) for word in sorted(words)]

    assert {code for code, *_ in answers} == {64}
    assert set() == RISKY_COMMANDS & set().union(*(suggested(t) for *_, t in answers))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["deploy", "--dry-rnu"], "'--dry-rnu' (did you mean '--dry-run'?)"),
        (["deploy", "--target"], "there is no option '--target' (see flow64 deploy"),
        (["plan", "--no-color"], "'--no-color'; write --color never (see"),
        (["run", "--wait-no"], "'--wait-no' (did you mean '--wait'?)"),
        (["destroy"], "there is no command 'destroy' (see flow64 --help)"),
        (["revieww"], "'revieww' (did you mean 'review'?)"),
        (["--verbos"], "'--verbos' (did you mean '--verbose'?) (see flow64 --help)"),
    ],
    ids=lambda value: value[-1] if isinstance(value, list) else "",
)
def test_suggestion(arguments, problem, flow64):
    """Harmless options are suggested."""
    code, printed, told = flow64(*arguments)

    assert (code, printed) == (64, "")
    assert problem in told
