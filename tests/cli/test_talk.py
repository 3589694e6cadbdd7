"""How loud a command is: `--quiet` and `--verbose`, before it or with it."""

from __future__ import annotations

import logging
from importlib import import_module

import click
import pytest

from flow64.cli import COMMANDS, group
from flow64.cli._options import OPTIONS
from flow64.cli._terminal import (
    print_advice,
    print_error,
    print_message,
    stderr_console,
)
from flow64.emulator import Fault
from tests.cli.pipelines import deployed
from tests.cli.support import ended, serving

pytestmark = pytest.mark.unmeasured


@pytest.fixture(autouse=True)
def as_it_was():
    """Reset the options after each test."""
    yield
    OPTIONS.begin()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_takes_both(name):
    context = click.Context(group)
    command = group.get_command(context, name)
    again = group.get_command(context, name)

    options = [option for param in again.params for option in param.opts]
    assert command is again
    every = ("-q", "--quiet", "-v", "--verbose", "--color")
    assert [options.count(one) for one in every] == [1] * 5


@pytest.mark.parametrize(
    "line",
    [("-q", "deploy", "leads.py", "--yes"), ("deploy", "leads.py", "--yes", "--quiet")],
    ids=["before", "with"],
)
def test_quiet(service, leads, flow64, line):
    """The result is all there is."""
    code, printed, told = flow64(*line)

    assert (code, printed[:4], told) == (0, "done", "")


def test_quiet_tells_errors_and_the_way_on(service, leads, flow64):
    service.faults.add(Fault("status_before", status=400, path="/workflows"))

    code, printed, told = flow64("-q", "plan", "leads.py")

    assert (code, printed, told.startswith("error: GET /workflows")) == (1, "", True)


def test_quiet_shows_what_it_asks_about(service, leads, flow64, answering):
    """Held messages are printed before a question."""
    answering("y\n")

    code, _, told = flow64("deploy", "leads.py", "-q")

    assert (code, deployed()) == (0, ["Inbound leads"])
    assert "+ inbound: will be created" in told
    assert "1 of 1" not in told


def test_quiet_init_prints_the_files_alone(tmp_path, monkeypatch, flow64):
    monkeypatch.chdir(tmp_path)

    loud = flow64("init", "one", "--namespace", "acme.example")
    quiet = flow64("init", "two", "--namespace", "acme.example", "-q")

    assert quiet == (0, loud[1].replace("one/", "two/"), "")
    assert "next: cd one, git init" in loud[2]


def test_quiet_restore_prints_what_was_done_alone(service, leads, flow64):
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound", "New"), "utf-8")
    flow64("deploy", "leads.py", "--yes")

    code, printed, told = flow64("restore", "inbound", "--yes", "-q")

    assert (code, printed[:4], told) == (0, "done", "")
    assert deployed() == ["Inbound leads"]


def test_quiet_server_prints_its_address_alone():
    with serving("-q") as (process, url):
        _, told, _ = ended(process)

    assert url.startswith("http://127.0.0.1:")
    assert told == ""


def test_quiet_is_of_one_command_line(service, leads, flow64):
    flow64("-q", "deploy", "leads.py", "--yes")

    _, _, told = flow64("deploy", "leads.py", "--yes")

    assert "1 unchanged" in told


@pytest.mark.parametrize(
    "line",
    [("-v", "plan", "leads.py"), ("plan", "leads.py", "--verbose")],
    ids=["before", "with"],
)
def test_verbose(service, leads, flow64, line):
    """Method, path, status and time; the query is left out, and no header is shown."""
    flow64("deploy", "leads.py", "--yes")
    leads.write_text(leads.read_text("utf-8").replace("Inbound", "New"), "utf-8")

    code, printed, told = flow64(*line)

    paths = [told_line.split(" (")[0] for told_line in told.splitlines()]
    assert code == 0
    assert "will change" in printed
    assert paths[0] == "200 GET /workflows"
    assert "200 GET /workflows/runs" in paths
    assert ("?" in told, "sk_test" in told) == (False, False)


def test_variable_is_like_verbose(service, leads, flow64, monkeypatch):
    """`FLOW64_LOG=debug` shows requests too, and `--verbose` always does."""
    shown = {}
    for level, more in [("debug", []), ("error", []), ("error", ["--verbose"])]:
        monkeypatch.setenv("FLOW64_LOG", level)
        code, _, told = flow64("list", *more)
        assert code == 0
        shown[(level, *more)] = "200 GET /workflows (" in told

    assert shown == {
        ("debug",): True,
        ("error",): False,
        ("error", "--verbose"): True,
    }


def test_verbose_tells_of_what_got_no_answer(service, leads, flow64):
    service.faults.add(Fault("reset_before", path="/workflows", times=1))

    code, _, told = flow64("plan", "leads.py", "-v")

    assert code == 0
    assert told.splitlines()[0].startswith("no answer GET /workflows (")


@pytest.mark.parametrize("line", [("-q", "plan", "-v"), ("-qv", "plan")])
def test_both_are_a_contradiction(flow64, line):
    code, printed, told = flow64(*line)

    assert (code, printed) == (64, "")
    assert "--quiet and --verbose: leave one of them out" in told


def test_what_is_drawn_is_quiet_too(capsys):
    OPTIONS.is_quiet = True
    stderr_console().print("drawn")
    print_message("said")
    print_error("wrong")
    print_advice("do this")

    assert capsys.readouterr().err == "error: wrong\ndo this\n"


def test_debug_is_never_quiet(capsys):
    OPTIONS.is_quiet = OPTIONS.debug = True
    print_message("said")

    assert capsys.readouterr().err == "said\n"


def test_what_is_held_has_an_end(capsys):
    OPTIONS.is_quiet = True
    for number in range(3000):
        print_message(str(number))

    assert 1000 <= len(OPTIONS.held) <= 1001


@pytest.mark.parametrize("line", [("-v", "serve"), ("serve", "-v")])
def test_serve_keeps_its_own(monkeypatch, flow64, line):
    """It prints the requests that it answers, with the option before or after."""
    seen = []
    serve = import_module("flow64.cli.serve")
    monkeypatch.setattr(serve, "LoggedApp", lambda app: seen.append(app) or app)
    monkeypatch.setattr(serve, "StopSignal", Ended)

    with monkeypatch.context() as log:  # a server adds a handler, for as long as it is
        log.setattr(logging.root, "handlers", [])
        code, printed, _ = flow64(*line, "--port", "0")

    assert (code, printed[:7], len(seen)) == (0, "http://", 1)


class Ended:
    """Ends at once."""

    def wait(self):
        return 0
