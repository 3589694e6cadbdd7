"""The group of commands: help, errors, exit codes, streams, and how much is printed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from flow64.cli import COMMANDS, commands, errors
from flow64.errors import (
    ConfigError,
    ConsentError,
    FlowError,
    OutcomeUnknownError,
    RunError,
    RunFailedError,
    SourceError,
    StalePlanError,
)
from tests.cli.support import flow64 as program
from tests.cli.support import on_terminal

CANARY = "sk_SENTINEL-0123456789"
LEFT_OUT = {"--help", "--quiet", "--verbose"}


@pytest.fixture
def command(monkeypatch):
    """Add a command `told` that does what a function does."""

    def add(function):
        module = ModuleType("flow64.cli.told")
        module.command = click.command("told")(function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "told", "Do as told.")

    return add


def test_help_lists_every_command(flow64):
    code, printed, _ = flow64("--help")

    listed = re.findall(r"^  (\w+(?: \w+)?)  ", printed, re.MULTILINE)
    assert (code, listed) == (0, [*COMMANDS])


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_and_few_options(name, flow64):
    code, printed, _ = flow64(*name.split(), "--help")
    options = {*re.findall(r"^  (?:-\w, )?(--[a-z-]+)", printed, re.MULTILINE)}

    most = {"run": 16, "deploy": 12}.get(name, 10)
    assert code == 0
    assert len(options - LEFT_OUT) <= most


def test_help_loads_little():
    program = "import sys; from flow64.cli import main; main(['--help']); print(*{})"
    heavy = "{'attrs', 'cattrs', 'httpx', 'rich', 'flask', 'flow64.errors'}"
    printed = subprocess.run(
        [sys.executable, "-c", program.replace("{}", f"{{*sys.modules}} & {heavy}")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert printed.splitlines()[-1] == ""


# -- Errors ----------------------------------------------------------------------------


def test_an_empty_environment_is_a_wrong_use_in_each_command(flow64):
    """The variable that it comes from may not be set."""
    helps = {name: flow64(*name.split(), "--help")[1] for name in COMMANDS}
    names = [name for name, text in helps.items() if "--env" in text]

    codes = [flow64(*name.split(), "-e", "")[0] for name in names]

    assert codes == [64] * len(names) != []


@pytest.mark.parametrize(
    "line",
    [
        "check x.py",
        "determinism x.py",
        "run leads.py x.csv -e local",
        "restore x 2 -e local",
        "pull 2f6c1b7e-3f0a-4c55-9f0e-8c1a5d7b9e21 -e local -o x",
    ],
)
def test_a_name_of_nothing_is_a_wrong_use(line, leads, flow64):
    assert flow64(*line.split())[:2] == (64, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("no key"), 1),
        (click.ClickException("no file"), 1),
        (ConsentError("drifted"), 3),
        (RunError("too many rows"), 3),
        (RunFailedError("it failed before", is_earlier=True), 3),
        (StalePlanError("edited"), 3),
        (errors.NoConsentError("nothing was sent"), 3),
        (OutcomeUnknownError("no answer"), 4),
        (SourceError("there is no file", is_usage=True), 64),
        (click.UsageError("no such option"), 64),
        (KeyboardInterrupt(), 130),
        (ZeroDivisionError(), 1),
    ],
    ids=lambda value: f"{type(value).__name__}-{value}".replace(" ", "-"),
)
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_exit_code_and_json_of_an_error(error, code, options, command, flow64):
    @click.option("--json", is_flag=True)
    def told(json):
        raise error

    command(told)
    found, printed, _ = flow64("told", *options)

    assert found == code
    if options:
        failure = json.loads(printed)["error"]
        assert failure["exit_code"] == code
        assert failure["type"] in (type(error).__name__, "Failed", "Interrupted")
    else:
        assert printed == ""


def test_error_says_what_to_write_on_the_command_line(command, flow64):
    def told():
        raise FlowError("no \x1b[31mkey", hint="key=...", option="set KEY")

    command(told)

    assert flow64("told") == (1, "", "error: no \\x1b[31mkey; set KEY\n")


@pytest.mark.parametrize("options", [[], ["--debug"]])
def test_unexpected_error_is_told_without_its_text(command, flow64, options):
    """The text may hold a secret; the line of the code does not."""

    def told():
        try:
            {}[CANARY]
        except KeyError as error:
            raise RuntimeError(CANARY) from error

    command(told)
    code, printed, told_of = flow64(*options, "told")

    assert (code, printed) == (1, "")
    assert "failed with RuntimeError" in told_of
    assert f"{Path(__file__).name}:" in told_of
    assert "SENTINEL" not in told_of
    assert told_of.count("\n") == 1 or options


@pytest.mark.parametrize("word", ["graphh", *commands.HABITS])
def test_unknown_command_says_what_to_write(flow64, word):
    command, *options = word.split()
    code, printed, told = flow64(command, *options)

    assert (code, printed, told.count("\n")) == (64, "", 1)
    assert commands.HABITS.get(word, "did you mean 'graph'?") in told


def test_errors_of_workflows_are_data_too(leads, flow64):
    text = leads.read_text("utf-8").replace("Webhook(LEAD", "Webhook('COMPANY'")
    leads.write_text(text, "utf-8")

    code, printed, _ = flow64("compile", "leads.py", "--json")

    error = json.loads(printed)["error"]
    (fault,) = error["workflows"]
    assert (code, error["type"], fault["key"]) == (1, "CompileError", "inbound")
    assert {one["severity"] for one in fault["findings"]} == {"error"}


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("click", ["serve"], "cli"),
        ("rich", ["srve"], "cli"),
        ("flask", ["serve"], "emulator"),
    ],
)
def test_missing_package_is_one_line(missing, arguments, extra):
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments}; "
        "from flow64.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"with the extra {extra}" in done.stderr


# -- Streams ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "variables",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii:strict"},
        {"NO_COLOR": "1", "COLUMNS": "20", "TERM": "xterm-256color"},
        {"TERM": "dumb"},
    ],
    ids=["locale", "ascii", "narrow", "dumb"],
)
def test_any_terminal_gets_one_line(variables):
    done = program("sérve", env={"PATH": "/usr/bin:/bin", **variables}, text=False)

    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr.startswith(b"error: there is no command 's")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("closed", ["1", "2"])
def test_closed_stream_leaves_the_exit_code(closed):
    done = subprocess.run(
        f'"{sys.executable}" -m flow64 srve {closed}>&-',
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "Traceback" in done.stderr) == (64, False)


def test_json_steers_no_terminal(leads):
    """It is the same data."""
    name = "é→\x9b31m\u202e𝄞\x1b"
    text = leads.read_text("utf-8").replace('"Inbound leads"', repr(name))
    leads.write_text(text, "utf-8")

    shown = on_terminal(80, "compile", "leads.py")

    assert json.loads(shown)["workflow_name"] == name
    assert shown.replace("\n", "").isprintable()


# -- How much --------------------------------------------------------------------------


def test_quiet_prints_the_result_and_what_it_asks_about(
    service, leads, flow64, answering
):
    answering("n\n")
    asked = flow64("-q", "deploy", "leads.py")
    code, printed, told = flow64("deploy", "leads.py", "--yes", "--quiet")

    assert (asked[0], "default: 1 new" in asked[2]) == (3, True)
    assert (code, printed.split()[:2], told) == (0, ["created", "inbound"], "")


def test_verbose_prints_each_request_without_its_query(service, leads, flow64):
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound", "New"), "utf-8")

    code, _, told = flow64("plan", "leads.py", "-v")

    assert code == 0
    assert told.splitlines()[0].startswith("200 GET /workflows")
    assert ("?" in told, "sk_test" in told) == (False, False)
