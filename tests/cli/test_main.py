"""The group of commands: help, errors, exit codes, reports."""

from __future__ import annotations

import base64
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import click
import pytest

from flow64.cli import COMMANDS, main
from flow64.cli._main import escape_unencodable, module_of
from flow64.cli._terminal import print_error, print_json, print_line, print_message
from flow64.errors import (
    ConfigError,
    ConsentError,
    OutcomeUnknownError,
    RunError,
    RunFailedError,
    StalePlanError,
)
from tests.cli.support import flow64

SENTINEL = "sk_SENTINEL-0123456789"


@pytest.fixture
def command(monkeypatch):
    """Add a command `told` that does what a function does."""

    def added(function):
        module = ModuleType("flow64.cli.told")
        module.command = click.command("told")(function)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(COMMANDS, "told", "Do as told.")

    return added


@pytest.mark.parametrize("asked", ["--help", "-h"])
def test_help_lists_commands(asked, capsys):
    """Help names every command, and goes to stdout."""
    code = main([asked])

    listed = re.findall(r"^  (\w+(?: \w+)?)  ", capsys.readouterr().out, re.MULTILINE)
    assert (code, listed) == (0, [*COMMANDS])


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(option):
    """The command says which flow64 it is."""
    done = flow64(option)

    assert re.fullmatch(r"flow64 \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ["srve"],
            "there is no command 'srve' (did you mean 'serve'?) (see flow64 --help)",
        ),
    ],
    ids=["unknown"],
)
def test_wrong_command_line(arguments, problem, capsys):
    """A wrong command line is one line on stderr, and exit code 64."""
    code = main(arguments)

    assert (code, *capsys.readouterr()) == (64, "", f"error: {problem}\n")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("no key"), 1),
        (RunFailedError("run r failed"), 1),
        (ConsentError("found"), 3),
        (RunFailedError("run r failed", is_earlier=True), 3),
        (RunError("the code has changed"), 3),
        (StalePlanError("found: edited"), 3),
        (OutcomeUnknownError("starting: no answer"), 4),
    ],
    ids=str,
)
def test_code_of_an_error(error, code, command):
    """Failed, refused and unknown have exit codes of their own."""

    def told():
        raise error

    command(told)

    assert main(["told"]) == code


def test_error_on_purpose(command, capsys):
    """An error of flow64 is its message alone, with control characters escaped."""

    def told():
        raise ConfigError("no \x1b[31mkey\u202e [link=x]at all[/]")

    command(told)

    code = main(["told"])

    wanted = "error: no \\x1b[31mkey\\u202e [link=x]at all[/]\n"
    assert (code, *capsys.readouterr()) == (1, "", wanted)


@pytest.mark.parametrize(
    ("result", "code"), [(None, 0), (0, 0), (2, 2)], ids=["none", "0", "2"]
)
def test_result_is_the_code(command, result, code):
    """The return value of a command is its exit code; None is 0."""
    command(lambda: result)

    assert main(["told"]) == code


def test_interrupted(command, capsys):
    """Ctrl-C prints no error."""

    def told():
        raise KeyboardInterrupt

    command(told)

    assert (main(["told"]), capsys.readouterr().out) == (130, "")


@pytest.fixture
def broken(command, monkeypatch, tmp_path):
    """A command that fails as none should, with a secret in hand."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)

    def told():
        key = SENTINEL
        try:
            {}[base64.b64encode(key.encode()).decode()]
        except KeyError as error:
            raise RuntimeError(f"with {key}\x1b") from error

    command(told)
    return tmp_path


def test_unexpected_error(broken, capsys):
    """It is one line that names a report, which its owner alone can read."""
    code = main(["told"])

    (report,) = broken.iterdir()
    problem = "flow64 failed with RuntimeError, which it should not"
    wanted = f"error: {problem}: please report it, with {report}\n"
    assert (code, *capsys.readouterr()) == (1, "", wanted)
    assert report.stat().st_mode & 0o777 == 0o600


def test_report_holds_no_secret(broken):
    """A report says where an error came from, and neither locals nor lines of code."""
    main(["told"])

    (report,) = broken.iterdir()
    text = report.read_text("utf-8")
    assert re.findall(r"^\w+Error: .*$", text, re.MULTILINE) == [
        "RuntimeError: with ***",
        "KeyError: '***'",
    ]
    assert f"{__file__}:" in text
    assert "SENTINEL" not in text


def test_masked(broken, command, monkeypatch, capsys):
    """Secrets of variables are masked, even short ones."""
    monkeypatch.setenv("SOME_API_KEY", "a b c d")

    def told():
        raise RuntimeError("key a b c d here")

    command(told)
    main(["--debug", "told"])

    assert "RuntimeError: key *** here\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("missing", "arguments", "part", "extra"),
    [
        ("click", ["serve"], "the command flow64", "cli"),
        ("rich", ["srve"], "the command flow64", "cli"),
        ("flask", ["serve"], "flow64.emulator", "emulator"),
        ("waitress", ["serve"], "flow64.emulator", "emulator"),
    ],
)
def test_missing_extra(missing, arguments, part, extra):
    """Without its packages, a command says which line installs them."""
    program = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments}; "
        "from flow64.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    wanted = (
        f"error: {part} needs more packages; install flow64 again with the extra "
        f"{extra}, from where it came (in a clone: pip install '.[{extra}]')\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (1, "", wanted)


def test_help_needs_no_emulator():
    """The modules of one command are not loaded for the others, or to list it."""
    program = (
        "import sys; sys.modules['flask'] = None; sys.argv[1:] = ['--help']; "
        "from flow64.cli import main; sys.exit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


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
def test_any_terminal(variables):
    """No locale, width or colour makes an error more than its line."""
    done = flow64("sérve", env={"PATH": "/usr/bin:/bin", **variables}, text=False)

    assert (done.returncode, done.stdout) == (64, b"")
    assert done.stderr.startswith(b"error: there is no command 's")
    assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize("closed", ["1", "2"])
def test_closed_stream(closed):
    """With a closed stdout, the exit code is still right."""
    done = subprocess.run(
        f'"{sys.executable}" -m flow64 srve {closed}>&-',
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, "Traceback" in done.stderr) == (64, False)


class Gone(io.TextIOWrapper):
    """A stream with a closed reader."""

    def __init__(self):
        super().__init__(io.BytesIO(), "ascii", errors="strict")

    def write(self, text):
        raise BrokenPipeError(32, "Broken pipe")


def test_nobody_listens(monkeypatch):
    """A message to a closed stderr is not an error."""
    monkeypatch.setattr(sys, "stderr", Gone())

    print_error("unheard")

    assert print_message("unheard") is None


class Full(Gone):
    """A stream into a file on a disk that is full."""

    def write(self, text):
        raise OSError(28, "No space left on device")


def test_reader_who_has_enough(monkeypatch):
    """A reader that stops early, such as `head`, is not a failure."""
    monkeypatch.setattr(sys, "stdout", Gone())

    assert [print_line("a line"), print_json({})] == [None, None]


def test_result_of_what_was_done_that_cannot_be_given(monkeypatch, capsys):
    """After a write to the service, the exit code is about the write."""
    monkeypatch.setattr("flow64.cli._options.OPTIONS.is_done", True)
    monkeypatch.setattr(sys, "stdout", Full())

    assert print_line("a line") is None
    assert "No space left on device; what was done is done" in capsys.readouterr().err


def test_no_stdout(monkeypatch):
    """Started without a stdout, a command works on."""
    monkeypatch.setattr(sys, "stdout", None)

    assert print_line("a line") is None


def test_careful():
    """Characters outside the encoding are escaped."""
    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict")

    escape_unencodable(stream)
    escape_unencodable(None)
    stream.write("é")
    stream.flush()

    assert stream.buffer.getvalue() == b"\\xe9"


def test_each_command_is_a_module():
    """Each command is a module of its name."""
    folder = Path(sys.modules["flow64.cli"].__file__).parent

    names = [*map(module_of, COMMANDS)]
    assert [name for name in names if not (folder / f"{name}.py").exists()] == []


# -- What fails in the background -----------------------------------------------------
