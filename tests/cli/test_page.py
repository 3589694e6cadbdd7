"""The output on the page about serving is real."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from flow64.emulator import load_fixtures
from flow64.http import httpx
from tests.cli.support import ended, environment, serving

pytestmark = pytest.mark.slow


PAGE = Path(__file__).parent.parent.parent.joinpath("docs", "how-to-serve.md")
TEXT = PAGE.read_text("utf-8")

BINARIES = Path(sys.executable).parent
PROGRAM = """
import os
from flow64 import Client
with Client() as client:
    print(client.endpoint == os.environ["SIXTYFOUR_API_ENDPOINT"], client.is_local)
"""


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)


def test_transcript():
    """It prints what the page shows: the address to stdout, at once, the rest is talk.

    SIGTERM is its good end.
    """
    shown = blocks("console")[0].partition("\n")[2]
    with serving() as (process, url):
        status = httpx.get(url, trust_env=False).status_code
        rest, talk, code = ended(process)

    assert f"{url}\n{talk}".replace(url, "http://127.0.0.1:6464") == shown
    assert (status, rest, code) == (200, "", 0)


def test_transcript_for_others():
    """With other machines let in, the first line stays an address of this machine."""
    (shown,) = [one for one in blocks("console") if "--host" in one]
    options = shlex.split(shown.splitlines()[0].removeprefix("$ flow64 serve"))
    with serving(*options) as (process, url):
        port = url.rpartition(":")[2]
        _, talk, _ = ended(process)
    printed = f"{url}\n{talk}"

    assert printed.replace(f":{port}", ":6464") == shown.partition("\n")[2]


def test_health():
    """The answer that the page shows is one."""
    (shown,) = [one for one in blocks("console") if "/_emulator/health" in one]
    with serving() as (_, url):
        reply = httpx.get(f"{url}/_emulator/health", trust_env=False)

    assert [reply.status_code, f"{reply.text}\n"] == [200, shown.partition("\n")[2]]


def test_fixtures(tmp_path):
    """The file of fixtures that the page shows is one."""
    (shown,) = [block for block in blocks("console") if "cat fixtures.json" in block]
    text = shown[shown.index("{\n") : shown.rindex("\n}") + 2]
    path = tmp_path / "fixtures.json"
    path.write_text(text, "utf-8")

    assert list(load_fixtures([path])) == list(json.loads(text))


@pytest.mark.skipif(sys.platform == "win32", reason="a script of bash")
def test_script(tmp_path):
    """The script for CI starts an emulator, points programs at it, and ends it."""
    (script,) = blocks("bash")
    (tmp_path / "deploy_everything.py").write_text(PROGRAM, "utf-8")
    path = f"{BINARIES}{os.pathsep}{os.environ['PATH']}"

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (0, "True True\n"), done.stderr
