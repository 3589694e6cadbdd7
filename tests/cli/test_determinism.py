"""`flow64 determinism`: what makes processes differ is named, with its place."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from tests.cli.support import FLOW64, ended, environment

pytestmark = pytest.mark.slow


HEAD = """
import datetime, locale, os, random, stat, sys, tempfile, time, uuid
from pathlib import Path
from flow64 import LEAD, Project, Workflow
from flow64.blocks import LlmOpenai, Webhook

growth = Project("growth", namespace="acme.example")
def named(key, text):
    flow = Webhook(LEAD) >> LlmOpenai(specs={"text": text})
    return Workflow(key, flow, key=key, project=growth)
"""

ALL = """
rights = Path(tempfile.mkdtemp(), "file")
rights.touch()
today = datetime.datetime.now(datetime.timezone.utc).year
several = [
    named("hash_seed", str({"a", "b", "c", "d", "e"})),
    named("clock", today),
    named("locale", locale.getpreferredencoding()),
    named("zone", str(time.tzname)),
    named("folder", os.getcwd()),
    named("umask", oct(stat.S_IMODE(rights.stat().st_mode))),
    named("random_seed", random.random()),
    named("same", "same"),
]
"""


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A file with some code in it, in the working folder."""
    monkeypatch.chdir(tmp_path)

    def write(code, name="leads.py"):
        (tmp_path / name).write_text(HEAD + code, "utf-8")
        return name

    return write


def test_same(written, flow64):
    """Lists, variants and folders come to the same bytes, and ids."""
    written("several = [named('a', 'a'), named('b', 'b')]")
    code, printed, told = flow64("determinism", ".", "--processes", 3)

    assert (code, printed) == (0, "")
    assert told == "2 workflows are the same in 3 processes\n"


def test_causes(written, flow64):
    """Each setting that makes a difference is named, and what it makes differ."""
    code, printed, _ = flow64("determinism", written(ALL), "--processes", 2, "--json")

    found = json.loads(printed)
    named = {
        cause["setting"]: [one["key"] for one in cause["differences"]]
        for cause in found["causes"]
    }
    assert (code, found["is_same"], found["processes"]) == (1, False, 2)
    assert len(found["keys"]) == 8
    assert named == {name: [name] for name in named}
    assert named.keys() == {
        "hash_seed",
        "clock",
        "locale",
        "zone",
        "folder",
        "umask",
        "random_seed",
    }


def test_place(written, flow64, tmp_path):
    """The JSON pointer and the line of the block are printed, with both values."""
    source = written('year = datetime.date.today().year\none = named("a", year)')

    code, printed, told = flow64("determinism", source, "--processes", 2)

    lines = printed.splitlines()
    line = HEAD.splitlines().index(
        '    flow = Webhook(LEAD) >> LlmOpenai(specs={"text": text})'
    )
    assert code == 1
    assert lines[0].startswith("differs by the clock: 2026-01-15")
    assert lines[1] == (
        f"  a · /workflow_definition/blocks/1/specs/text · leads.py:{line + 1}"
    )
    assert lines[2:] == ["    first  2026", "    other  2024"]
    assert told == "1 workflow is not the same in 2 processes\n"


def test_always(written, flow64):
    """Differences without a setting are distinguished from those of a setting."""
    source = written('one = named("a", uuid.uuid4().hex)')

    code, printed, told = flow64("determinism", source, "--processes", 2)

    assert code == 1
    assert printed.startswith("differs by nothing that was set\n  a · /workflow_def")
    assert "look for uuid4" in told


def test_together(written, flow64):
    """So is what only two settings together make differ."""
    code = 'both = time.tzname[0] == "BBB" and os.environ["PYTHONHASHSEED"] == "1"\n'

    done, printed, _ = flow64(
        "determinism", written(code + 'one = named("a", both)'), "--processes", 2
    )

    assert done == 1
    assert printed.startswith("differs by several settings together\n  a · /workflow")
    assert printed.endswith("    first  False\n    other  True\n")


def test_fails_then(written, flow64, tmp_path):
    """A source that fails under one setting alone differs by it."""
    source = written('text = Path("fields.txt").read_text()\none = named("a", text)')
    tmp_path.joinpath("fields.txt").write_text("title", "utf-8")

    code, printed, _ = flow64("determinism", source, "--processes", 2)

    assert code == 1
    assert printed.startswith("differs by the working folder: here, then an empty one")
    assert "  it cannot be compiled then:\n" in printed
    assert "FileNotFoundError" in printed


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("1/0", "ZeroDivisionError: division by zero"),
        ("sys.exit(3)", "ends the program while it is imported"),
        ("print('last words', flush=True); os._exit(3)", "the process ended with 3"),
        ("one = named('a', {1, 2})", "error["),
        ("", "error: leads.py holds no workflow"),
    ],
)
def test_no_compilation(code, said, written, flow64):
    """A source that cannot be compiled is reported as by `check`."""
    done, printed, told = flow64("determinism", written(code), "--processes", 2)

    assert (done, printed) == (1, "")
    assert said in told
    assert ("last words" in told) == ("last words" in code)


def test_hangs(written, flow64):
    """One that does not end is ended, with what it started."""
    source = written("import subprocess\nsubprocess.run(['sleep', '60'])")

    code, printed, told = flow64(
        "determinism", source, "--processes", 2, "--timeout", 0.7
    )

    assert (code, printed) == (1, "")
    assert "did not end within 0.7 s, and was ended" in told


def test_interrupted(written, tmp_path):
    """Ctrl-C ends it at once, and what it started with it."""
    source = written("import os\nPath(str(os.getpid())).touch()\ntime.sleep(60)")
    process = subprocess.Popen(
        [*FLOW64, "determinism", source],
        env=environment(),
        stderr=subprocess.PIPE,
    )
    began = time.monotonic()
    while not (started := list(tmp_path.glob("[0-9]*"))):
        assert time.monotonic() - began < 30
        time.sleep(0.02)

    stderr, code = ended(process, signal.SIGINT)[1:]

    assert (stderr.strip(), code) == (b"", 130)
    for path in started:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)


def test_prints(written, flow64):
    """The output of a source is not part of the result."""
    source = written('print("noise")\none = named("a", "a")')

    code, printed, told = flow64("determinism", source, "--processes", 2, "--json")
    _, _, said = flow64("determinism", source, "--processes", 2)

    assert (code, json.loads(printed)["is_same"]) == (0, True)
    assert "noise" not in printed + told
    assert said.startswith("the source prints while it is imported")


def test_one_of_several(written, flow64):
    """A key behind a colon picks one, also of a module of the working folder."""
    written("one, two = named('a', 'a'), named('b', uuid.uuid4().hex)")

    for source in ("leads.py:a", "leads:a"):
        assert flow64("determinism", source, "--processes", 2)[0] == 0


def test_source_of_the_project(written, flow64, tmp_path):
    """Without a source it is the one that the project names."""
    written('one = named("a", "a")')
    text = '[tool.flow64]\nsource = "leads.py"\n'
    tmp_path.joinpath("pyproject.toml").write_text(text, "utf-8")

    assert flow64("determinism", "--processes", 2)[0] == 0
