"""`flow64 doctor --probe`: it asks first, and cleans up however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from uuid import uuid4

import pytest

from flow64 import Client
from flow64.api import Request
from flow64.cli._serve_options import read_report
from flow64.doctor import TITLE
from flow64.emulator import Emulator, Fault, Switches
from tests.cli.support import FLOW64, environment, serving
from tests.doctor.test_probe import SETTINGS


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    for name in (*os.environ,):
        if name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)


@pytest.fixture
def environments(service, monkeypatch, tmp_path):
    """Two environments of the service: `prod`, and `other` of another organisation."""
    monkeypatch.setenv("OTHER_KEY", f"sk_test_not_a_real_key_{uuid4().hex}")
    text = f'endpoint = "{service.url}"\n'
    (tmp_path / "pyproject.toml").write_text(
        f"[tool.flow64.environments.prod]\n{text}"
        'api_key = { env = "SIXTYFOUR_API_KEY" }\n'
        f"[tool.flow64.environments.other]\n{text}"
        'api_key = { env = "OTHER_KEY" }\n'
        "[tool.flow64.environments.elsewhere]\n"
        'endpoint = "http://127.0.0.1:1"\napi_key = { env = "OTHER_KEY" }\n',
        "utf-8",
    )


def workflows(service):
    return [one.id for one in service.store.workflows.all() if one.name == TITLE]


def writes(service, since):
    return [one for one in service.requests[since:] if one.method != "GET"]


def test_asks_first(service, flow64, answering):
    """It says what it will do; with no as the answer it sends reads alone."""
    answering("n\n")
    since = len(service.requests)

    code, _, told = flow64("doctor", "--probe")

    assert code == 3
    assert f"- create a workflow titled '{TITLE}', of the blocks webhook, " in told
    assert "It runs nothing, uses no block that spends, and touches no other." in told
    assert "nothing was sent" in told
    assert writes(service, since) == []


def test_agreed(service, flow64, answering):
    """With yes as the answer it asks its questions, and leaves nothing."""
    answering("y\n")

    code, printed, told = flow64("doctor", "--probe")

    assert code == 0
    assert "Is a description kept byte for byte?" in told
    assert "  confirmed    Is a description kept byte for byte? kept\n" in printed
    assert workflows(service) == []


def test_without_a_terminal(service, flow64):
    """Without somebody to ask it needs --yes."""
    since = len(service.requests)

    code, _, told = flow64("doctor", "--probe")

    assert code == 3
    assert "agree with --yes" in told
    assert writes(service, since) == []


def test_into_the_report(service, flow64, environments, tmp_path):
    """Its answers go into the report, without an id; `serve --like` reads them."""
    service.switches = Switches(
        drop_unknown=True, foreign_status=403, max_description=500
    )
    options = ("--env", "prod", "--second-env", "other", "--report", "report.json")

    code, printed, told = flow64("doctor", "--probe", "--yes", "--json", *options)

    report = json.loads((tmp_path / "report.json").read_text("utf-8"))
    chosen, unknown = read_report(tmp_path / "report.json")
    assert code == 0
    assert "- read and write the same id in environment other" in told
    assert json.loads(printed)["probe"] == report["probe"]
    assert report["probe"]["left"] == 0
    ids = {one.path.rpartition("/")[2] for one in service.requests}
    assert not any(one in json.dumps(report) for one in ids if len(one) == 36)
    assert report["verdicts"]["contradicted"] == 3
    assert unknown == []
    assert (chosen["drop_unknown"], chosen["foreign_status"]) == (True, 403)
    assert Switches(**chosen) == service.switches


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--second-env", "other"], "it goes with --probe"),
        (["--probe", "--second-env", "prod"], "it is the same environment"),
        (["--probe", "--second-env", "nobody"], "nobody"),
        (["--probe", "--yes", "--second-env", "elsewhere"], "it is another service"),
    ],
)
def test_second_environment(options, problem, service, environments, flow64):
    """The second environment is another one of the same service."""
    since = len(service.requests)

    code, _, told = flow64("doctor", "--env", "prod", *options)

    assert code != 0
    assert problem in told
    assert writes(service, since) == []


def test_not_started(service, flow64, tmp_path):
    """If something is wrong with the setup, nothing is written."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.flow64.environments.prod]\norg_id = "another"\n'
        'endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }\n'
        'api_key = { env = "SIXTYFOUR_API_KEY" }\n',
        "utf-8",
    )
    with Client(journal=None) as client:
        client.workflows.list()
    service.faults.add(Fault("status_before", status=403))
    since = len(service.requests)

    code, _, told = flow64("doctor", "--probe", "--yes", "--env", "prod")

    assert code == 1
    assert "the probe was not started; put right what is wrong first" in told
    assert writes(service, since) == []


@pytest.mark.parametrize("is_empty", [True, False])
def test_wrong_organisation(is_empty, service, flow64, tmp_path):
    """If the key belongs to another organisation, nothing of the probe stays there."""
    (tmp_path / "pyproject.toml").write_text(
        '[tool.flow64.environments.prod]\norg_id = "another"\n'
        'endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }\n'
        'api_key = { env = "SIXTYFOUR_API_KEY" }\n',
        "utf-8",
    )
    with Client(journal=None) as client:
        own = None if is_empty else client.call(make_lookalike)
    since = len(service.requests)

    code, _, told = flow64("doctor", "--probe", "--yes", "--env", "prod")

    assert code == 1
    assert workflows(service) == ([] if is_empty else [own])
    if is_empty:  # only an answer to a write names the organisation
        assert "another organisation than org_id says" in told
        assert len(writes(service, since)) == 2
    else:
        service.store.workflows.remove(own)
        assert "the probe was not started" in told
        assert writes(service, since) == []


def test_ends_early(service, flow64):
    """If the service stops answering as it should, that is said."""
    path = "/workflows/create_workflow"
    service.faults.add(Fault("status_before", path=path, status=402))

    code, printed, told = flow64("doctor", "--probe", "--yes")

    assert code == 1
    assert "the probe ended early: the service answered 402" in told
    assert "probe  " in printed


def test_what_is_left(service, flow64):
    """What could not be deleted is named, and how to get rid of it."""
    path = "/workflows/delete_workflow"
    service.faults.add(Fault("status_before", path=path, status=500, times=99))

    code, _, told = flow64("doctor", "--probe", "--yes")
    (left,) = workflows(service)
    service.faults.clear()
    again, _, more = flow64("doctor", "--probe", "--yes")

    assert (code, again) == (1, 0)
    assert f"1 workflow of the probe may be left: {left}" in told
    assert "- delete 1 workflow that an earlier probe left" in more
    assert workflows(service) == []


def test_lookalikes_are_named(service, flow64):
    """What only looks like a probe's is named, with the reason, and stays."""
    with Client(journal=None) as client:
        own = client.call(make_lookalike)

    _, _, told = flow64("doctor", "--probe", "--yes")

    assert f"{own} looks like a probe's and stays: it has no stamp" in told
    assert workflows(service) == [own]
    service.store.workflows.remove(own)


async def make_lookalike(session):
    block = {
        "block_id": str(uuid4()),
        "block_name": "webhook",
        "block_type": "io",
        "sequence_number": 1,
        "specs": {},
    }
    body = {
        "workflow_name": TITLE,
        "workflow_description": "",
        "workflow_definition": {"blocks": [block], "edges": []},
    }
    session.begin(10.0)
    answer = await session.exchange(
        Request("POST", "/workflows/create_workflow", body=body)
    )
    return json.loads(answer.content)["id"]


def test_interrupts(service, flow64, monkeypatch):
    """The first Ctrl-C lets it clean up; the second one ends it at once."""
    asked = []

    def interrupt(times):
        def press(_text, *_more):
            asked.append(1)
            if len(asked) == 3:
                for _ in range(times):
                    signal.raise_signal(signal.SIGINT)

        return press

    monkeypatch.setattr("flow64.cli.doctor.print_message", interrupt(1))
    monkeypatch.setattr("flow64.cli.doctor._announce", lambda *_: None)
    first, _, told = flow64("doctor", "--probe", "--yes")
    assert workflows(service) == []
    asked.clear()
    monkeypatch.setattr("flow64.cli.doctor.print_message", interrupt(2))
    second, _, more = flow64("doctor", "--probe", "--yes")

    (left,) = workflows(service)
    assert (first, second) == (130, 130)
    assert "stopping and cleaning up; Ctrl-C again stops at once" in told
    assert "1 workflow of the probe may be left" in more
    assert left in more
    monkeypatch.undo()
    service.store.workflows.remove(left)


# -- As a program ----------------------------------------------------------------------


@contextmanager
def served_here(monkeypatch, folder, **settings):
    """Serve an emulator, to which this process and those that it starts are sent."""
    with Emulator(**settings) as emulator:
        monkeypatch.setenv("SIXTYFOUR_API_ENDPOINT", emulator.url)
        monkeypatch.setenv("SIXTYFOUR_API_KEY", "sk_test_not_a_real_key")
        monkeypatch.chdir(folder)
        yield emulator


def start_probe(folder, *options):
    return subprocess.Popen(
        [*FLOW64, "doctor", "--probe", "--yes", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_writes(emulator, process, count):
    """Wait until a probe has sent so many writes."""
    until = time.monotonic() + 30
    while len(writes(emulator, 0)) < count:
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.002)


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 5, 9, 14, 20])
def test_killed(count, flow64, monkeypatch, tmp_path):
    """After kill -9, wherever it hits, the next probe removes what is left."""
    with served_here(monkeypatch, tmp_path) as emulator:
        process = start_probe(tmp_path)
        wait_for_writes(emulator, process, count)
        process.kill()
        process.communicate()
        left = workflows(emulator)
        code, _, told = flow64("doctor", "--probe", "--yes")

        assert code == 0
        assert len(left) <= 1
        assert ("that an earlier probe left" in told) == bool(left)
        assert workflows(emulator) == []


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 5, 12, 20])
def test_interrupted(count, monkeypatch, tmp_path):
    """After Ctrl-C, wherever it hits, it cleans up itself and writes its report."""
    late = Fault("hang_after", method="POST", seconds=0.05, times=None)
    with served_here(monkeypatch, tmp_path) as emulator:
        emulator.faults.add(late)  # so that it is not done before Ctrl-C arrives
        process = start_probe(tmp_path, "--report", "report.json")
        wait_for_writes(emulator, process, count)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)

        assert process.returncode == 130
        assert "stopping and cleaning up" in told
        assert workflows(emulator) == []
        report = json.loads((tmp_path / "report.json").read_text("utf-8"))
        assert report["probe"]["was_stopped"]


@pytest.mark.slow
@pytest.mark.parametrize("given", SETTINGS.values(), ids=[*SETTINGS])
def test_through_everything(given, flow64, monkeypatch, tmp_path):
    """Whatever the switches are, they are reported, after kill -9 and Ctrl-C too."""
    with served_here(monkeypatch, tmp_path, switches=Switches(**given)) as emulator:
        for number in (signal.SIGKILL, signal.SIGINT):
            sent = len(writes(emulator, 0))
            process = start_probe(tmp_path)
            wait_for_writes(emulator, process, sent + 7)
            process.send_signal(number)
            process.communicate(timeout=60)
        assert workflows(emulator) == []
        code, _, _ = flow64("doctor", "--probe", "--yes", "--report", "report.json")

        report = json.loads((tmp_path / "report.json").read_text("utf-8"))
        assert code == 0
        assert workflows(emulator) == []
        assert (
            report["switches"].items()
            >= {
                name: value
                for name, value in given.items()
                if name not in {"foreign_status", "ids_per_organisation"}
            }.items()
        )


@pytest.mark.slow
def test_two_at_a_time(monkeypatch, tmp_path):
    """Two probes of one folder exclude each other; those of two do not meet."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with served_here(monkeypatch, tmp_path) as emulator:
        first = start_probe(tmp_path / "a")
        wait_for_writes(emulator, first, 2)
        os.kill(first.pid, signal.SIGSTOP)
        same = start_probe(tmp_path / "a")
        other = start_probe(tmp_path / "b")
        _, refused = same.communicate(timeout=60)
        _, told = other.communicate(timeout=60)
        os.kill(first.pid, signal.SIGCONT)
        first.communicate(timeout=60)

        assert (first.returncode, same.returncode, other.returncode) == (0, 1, 0)
        assert "another probe is running in this folder" in refused
        assert "a probe elsewhere may be using it" in told
        assert workflows(emulator) == []


# -- Serve like the service ------------------------------------------------------------


def write_report(folder, **content):
    path = folder / "report.json"
    path.write_text(json.dumps({"flow64_report": 1, **content}), "utf-8")
    return path


def test_like(tmp_path):
    """The switches of a report are read, and unknown ones are named."""
    given = {
        "bad_graph_status": 422,
        "max_description": None,
        "reorder": True,
        "new\u202e": 1,
    }

    chosen, unknown = read_report(write_report(tmp_path, switches=given))

    assert chosen == {
        "bad_graph_status": 422,
        "max_description": None,
        "reorder": True,
    }
    assert len(unknown) == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"flow64_report": 2}, "is not a report of"),
        ({}, "has no answers of a probe"),
        ({"switches": {}}, "has no answers of a probe"),
        ({"switches": {"reorder": "perhaps"}}, "reorder is 'perhaps'; it takes true"),
        ({"switches": {"bad_graph_status": 500}}, "bad_graph_status is 500"),
        ({"switches": {"max_description": -1}}, "max_description is -1"),
        ({"switches": {"credits": [1]}}, "credits is"),
        ({"switches": {"speed": float("nan")}}, "speed is nan"),
    ],
)
def test_not_like(content, problem, flow64, tmp_path):
    """What is no report, or has no such value, is refused before anything starts."""
    path = write_report(tmp_path, **content)

    code, printed, told = flow64("serve", "--port", "0", "--like", path)

    assert (code, printed) == (64, "")
    assert problem in told


@pytest.mark.parametrize("text", ["", "[]", "[" * 100_000, "\ud800"])
def test_no_report(text, flow64, tmp_path):
    """Any other file is refused too."""
    path = tmp_path / "report.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))

    code, _, told = flow64("serve", "--port", "0", "--like", path)

    assert code == 64
    assert "--like" in told


@pytest.mark.slow
def test_serve_like(tmp_path):
    """An emulator that is served like a report answers as the service did."""
    given = Switches(
        drop_unknown=True, refuse_condition=True, bad_graph_status=422, reorder=True
    )
    with Emulator(switches=given) as emulator:
        probe(emulator.url, tmp_path, "first.json")
    like = ("--like", tmp_path / "first.json")
    with serving(*like) as (_, url):
        probe(url, tmp_path, "second.json")
    with serving(*like, "--switch", "reorder=false") as (_, url):
        probe(url, tmp_path, "third.json")

    first, second, third = (
        json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
        for name in ("first", "second", "third")
    )
    assert second["probe"]["answers"] == first["probe"]["answers"]
    assert third["switches"] == {**first["switches"], "reorder": False}


def probe(url, folder, report):
    variables = {"SIXTYFOUR_API_ENDPOINT": url, "SIXTYFOUR_API_KEY": "any"}
    subprocess.run(
        [*FLOW64, "doctor", "--probe", "--yes", "--report", report],
        env=environment(**variables),
        cwd=folder,
        check=True,
        capture_output=True,
    )
