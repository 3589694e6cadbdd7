"""Help: what every command says, what none takes, and what it costs."""

from __future__ import annotations

import re
import subprocess
import sys

import click
import pytest

from flow64 import LEAD, Workflow
from flow64.analysis import all_pages, explain_finding
from flow64.blocks import FindEmail, Search, VerifyEmail, Webhook
from flow64.cli import COMMANDS, GROUPS, TOPICS, group
from flow64.cli._estimate import estimate_run
from flow64.dsl import RawBlock
from flow64.loading import PACKAGE_FOLDER

OFFLINE = {
    "blocks",
    "blocks generate",
    "check",
    "compile",
    "completion",
    "demo",
    "determinism",
    "help",
    "init",
    "schema",
    "serve",
}
# `same` names its two environments as arguments.
ONLINE = [name for name in COMMANDS if name not in {*OFFLINE, "same"}]


def command_of(name):
    return group.get_command(click.Context(group), name)


def options_of(name):
    return {option for param in command_of(name).params for option in param.opts}


@pytest.mark.parametrize("name", sorted({*COMMANDS} - {"serve", "help"}))
def test_help(name, flow64):
    """Each command says what it does, with an example, and can print data."""
    code, printed, told = flow64(name, "--help")

    assert (code, told) == (0, "")
    assert f"Example:\n    flow64 {name}" in printed
    assert max(map(len, printed.splitlines())) <= 80
    assert "--json" in printed


def test_long_option(flow64):
    """It has a line of its own, and the texts of the others begin near them."""
    _, printed, _ = flow64("check", "--help")

    assert "\n  --format [text|json|github|gitlab|sarif]\n      " in printed
    assert "\n  --strict              Exit with 1 for" in printed


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command(name, flow64):
    """`flow64 help CMD` is `flow64 CMD --help`, also for two words."""
    assert flow64("help", *name.split()) == flow64(*name.split(), "--help")


def test_bare_command(flow64):
    """`flow64` alone, and `flow64 help`, print the help and succeed."""
    wanted = flow64("--help")

    assert wanted[0] == 0
    assert [flow64(), flow64("help"), flow64("help", "help")[0]] == [wanted, wanted, 0]


def test_groups(flow64):
    """Commands are listed by what people do, and each is in one group."""
    _, printed, _ = flow64()

    titles = re.findall(r"^(\w+):$", printed, re.MULTILINE)
    assert titles == ["Options", "Write", "Review", "Deploy", "Run", "Look"]
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
    assert max(map(len, printed.splitlines())) <= 80


@pytest.mark.parametrize("name", TOPICS)
def test_topic(name, flow64):
    """A topic is one screen of text, and no command has its name."""
    code, printed, told = flow64("help", name)

    assert (code, told, name in COMMANDS) == (0, "", False)
    assert max(map(len, printed.splitlines())) <= 80
    assert printed.count("\n") < 50
    assert printed.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("help", "environmentz"),
            "no command, topic or finding 'environmentz' (did you mean 'e",
        ),
        (("help", "deplo"), "topic or finding 'deplo' (did you mean 'deploy'?)"),
        (("help", "blocks", "synk"), "'blocks synk' (did you mean 'blocks sync'?)"),
        (("help", "late-filtr"), "finding 'late-filtr' (did you mean 'late-filter'?)"),
        (("help", "zzz"), "no command, topic or finding 'zzz'; the topics are "),
        (
            ("environmentz",),
            "no command 'environmentz' (did you mean 'help environments",
        ),
    ],
)
def test_unknown_topic(arguments, problem, flow64):
    """A mistyped topic, command or code is found in all of them."""
    code, printed, told = flow64(*arguments)

    assert (code, printed) == (64, "")
    assert problem in told


@pytest.mark.parametrize("code", all_pages())
def test_finding(code, flow64):
    """`flow64 help CODE` prints its page; the topic lists it, and no command has it."""
    assert flow64("help", code) == (0, "\n".join(explain_finding(code)) + "\n", "")
    assert code in flow64("help", "findings")[1].split("are about:")[1]
    assert code not in {*COMMANDS, *TOPICS}


def test_finding_in_colours(flow64):
    """The code is bold, and so is the label of what to do."""
    _, printed, _ = flow64("help", "late-filter", "--color", "always")

    assert printed.startswith("\x1b[1mlate-filter\x1b[0m  warning · family cost\n")
    assert "\n\x1b[1mfix\x1b[0m  put it before" in printed
    assert printed.count("\x1b[1m") == 2


@pytest.mark.parametrize("name", ONLINE)
def test_text_of_env(name):
    """What an environment is, is said once, in the topic."""
    command = command_of(name)
    (option,) = [param for param in command.params if "--env" in param.opts]

    assert "environment" in option.help
    assert len(option.help) < 66


@pytest.mark.parametrize("name", COMMANDS)
def test_metavar(name):
    """A metavar is a word for people, not a name in our code."""
    command = command_of(name)
    shown = [param.make_metavar(click.Context(command)) for param in command.params]

    assert [word for word in shown if word and "params." in word] == []


@pytest.mark.parametrize("name", ONLINE)
def test_environment(name):
    """Each command that asks the service takes an environment."""
    assert "--env" in options_of(name)


@pytest.mark.parametrize("name", COMMANDS)
def test_no_key(name):
    """No command takes a credential: a command line is read by others."""
    forbidden = {"--key", "--api-key", "--token", "--secret", "--password"}

    assert not forbidden & options_of(name)


LOADED = """
import sys, types
package = types.ModuleType("flow64")
package.__path__ = [{folder!r}]
sys.modules["flow64"] = package
before = set(sys.modules)  # such as what measures coverage
from flow64.cli import main
code = main(["--help"])
loaded = {{name.partition(".")[0] for name in sys.modules}} - before
heavy = {{"attr", "rich", "httpx", "httpx2", "cattrs", "starlette", "json"}}
print(sorted(loaded & heavy), code)
"""


def test_what_help_loads():
    """Listing the commands loads click and little else."""
    program = LOADED.format(folder=str(PACKAGE_FOLDER))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.stderr, done.stdout.splitlines()[-1]) == ("", "[] 0")


# -- What a run would spend -----------------------------------------------------------


@pytest.mark.parametrize(
    ("flow", "wanted"),
    [
        (
            Webhook(LEAD) >> FindEmail(),
            {
                "rows": "2,000",
                "cost": "up to $100: an estimate by documented prices, before filters",
            },
        ),
        (
            Webhook(LEAD) >> VerifyEmail(),
            {
                "cost": "unknown: no price that can be counted is documented",
                "not counted": "verify_email: no price is documented",
            },
        ),
        (
            Webhook(LEAD) >> RawBlock("new_kind"),
            {
                "cost": "unknown: no price that can be counted is documented",
                "not counted": "new_kind: it is not known whether it charges",
            },
        ),
        (
            Search(LEAD, query="CTOs", auto_execute=False) >> FindEmail(),
            {
                "rows": "as many as its source makes",
                "cost": "unknown: no price that can be counted is documented",
            },
        ),
        (
            Webhook(LEAD) >> FindEmail() >> VerifyEmail(),
            {
                "cost": "unknown; of it up to $100: an estimate by documented "
                "prices, before filters",
                "not counted": "verify_email: no price is documented",
            },
        ),
    ],
    ids=["priced", "unpriced", "unknown", "source", "in part"],
)
def test_estimate(flow, wanted):
    """Known and unknown costs of a run are shown."""
    found = dict(estimate_run(Workflow("w", flow, key="w").compile(), 2000))

    assert {label: found[label] for label in wanted} == wanted
