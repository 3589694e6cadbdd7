"""The emulator as a service: the Dockerfile, and the recipes of the page."""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flow64.cli._options import PORT
from tests.cli.support import ended, environment, serving

pytestmark = pytest.mark.slow


ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT.joinpath("docs", "emulator.md").read_text("utf-8")
(COMPOSE,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
CHECK = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
(SETTINGS,) = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


# -- The Dockerfile -------------------------------------------------------------------


def instructions():
    """The instructions of the Dockerfile, each with its text on one line."""
    text = ROOT.joinpath("Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and line[0] != "#"]
    whole = "\n".join(lines).replace("\\\n", " ")
    return [(*line.split(None, 1),) for line in whole.splitlines()]


def texts(name):
    return [text for found, text in instructions() if found == name]


def health_check(port):
    """The command of the health check, for this Python and another port."""
    (text,) = texts("HEALTHCHECK")
    python, *arguments = json.loads(text.partition("CMD")[2])
    assert python == "python"
    return [
        sys.executable,
        *(part.replace(f":{PORT}", f":{port}") for part in arguments),
    ]


def test_image_is_not_root_and_opens_one_port():
    """The user is a number, and set after everything is installed."""
    names = [name for name, _ in instructions()]
    after = names[names.index("USER") :]

    assert texts("FROM") == ["python:3.13-slim AS build", "python:3.13-slim"]
    assert int(*texts("USER")) > 0
    assert texts("EXPOSE") == [str(PORT)]
    assert not {"RUN", "COPY", "ADD", "USER"} & set(after[1:])


def test_image_has_no_secret():
    """No argument and no variable but the path; the context is a list of names."""
    kept = [
        line[1:]
        for line in ROOT.joinpath(".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!")
    ]
    copied = [
        path
        for text in texts("COPY")
        if not text.startswith("--from")
        for path in text.split()[:-1]
    ]

    assert texts("ARG") == []
    assert re.findall(r"(\w+)=", " ".join(texts("ENV"))) == ["PATH", "PYTHONUNBUFFERED"]
    assert sorted(copied) == sorted(kept)
    assert [path for path in copied if not ROOT.joinpath(path).exists()] == []
    assert not any(fnmatch.fnmatch(".env", pattern) for pattern in kept)


def test_image_starts_a_healthy_service():
    """What the image starts, started here: it answers to `emulator`, and is healthy."""
    (entry,), (given,) = map(texts, ("ENTRYPOINT", "CMD"))
    command = [*json.loads(entry), *json.loads(given)]
    assert command[:2] == ["flow64", "serve"]
    assert command[command.index("--port") + 1] == str(PORT)

    with serving(*command[2:], "--port", "0") as (process, url):
        port = url.rpartition(":")[2]
        healthy = subprocess.run(
            health_check(port),
            env=environment(http_proxy="http://127.0.0.1:9"),
            check=False,
        )
        _, talk, code = ended(process)
    gone = subprocess.run(health_check(port), capture_output=True, check=False)

    assert (healthy.returncode, gone.returncode, code) == (0, 1, 0)
    assert f"others    http://emulator:{port} " in talk


# -- Recipes --------------------------------------------------------------------------


def test_recipe_is_valid(tmp_path):
    """The recipe fits the schema of compose files, as `check-jsonschema` has it."""
    pytest.importorskip("check_jsonschema")
    path = tmp_path / "recipe.yml"
    path.write_text(COMPOSE, "utf-8")

    done = subprocess.run(
        [*CHECK, "vendor.compose-spec", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_recipe_starts_the_emulator():
    """The options are those of `serve`."""
    compose = yaml.safe_load(COMPOSE)["services"]

    assert compose["pipelines"]["depends_on"] == {
        "emulator": {"condition": "service_healthy"}
    }
    store = ["--store", "/data/emulator.db"]
    assert compose["emulator"]["command"] == ["--allow-name", "emulator", *store]
    with serving(*compose["emulator"]["command"][:2]) as (process, _):
        assert ended(process)[2] == 0


# -- The client of another machine ----------------------------------------------------
