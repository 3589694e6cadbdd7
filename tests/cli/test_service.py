"""The emulator as a service: the Dockerfile, and the recipes of the page."""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from flow64.cli._options import PORT
from tests.cli.support import ended, environment, flow64, serving

pytestmark = pytest.mark.slow


ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT.joinpath("docs", "how-to-serve.md").read_text("utf-8")
COMPOSE, GITHUB, GITLAB = (
    text
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    if "services:" in text
)
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


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ("compose-spec", COMPOSE),
        ("github-workflows", GITHUB),
        ("gitlab-ci", GITLAB),
    ],
    ids=["compose", "github", "gitlab"],
)
def test_recipe_is_valid(tmp_path, schema, text):
    """Each recipe fits the schema of its system, as `check-jsonschema` has it."""
    pytest.importorskip("check_jsonschema")
    path = tmp_path / "recipe.yml"
    path.write_text(text, "utf-8")

    done = subprocess.run(
        [*CHECK, f"vendor.{schema}", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


def test_recipes_start_the_emulator():
    """Each service is called `emulator`, and its options are those of `serve`."""
    compose = yaml.safe_load(COMPOSE)["services"]
    (github,) = yaml.safe_load(GITHUB)["jobs"].values()
    (gitlab,) = yaml.safe_load(GITLAB)["pipelines"]["services"]

    assert list(github["services"]) == [gitlab["alias"]] == ["emulator"]
    assert compose["pipelines"]["depends_on"] == {
        "emulator": {"condition": "service_healthy"}
    }
    assert github["env"]["SIXTYFOUR_API_ENDPOINT"] == f"http://127.0.0.1:{PORT}"
    store = ["--store", "/data/emulator.db"]
    assert compose["emulator"]["command"] == ["--allow-name", "emulator", *store]
    for options in (compose["emulator"]["command"][:2], gitlab["command"]):
        with serving(*options) as (process, _):
            assert ended(process)[2] == 0


# -- The client of another machine ----------------------------------------------------

SITE = """
import socket
def resolve(host, *args, known=socket.getaddrinfo, **more):
    named = host.decode() if isinstance(host, bytes) else host
    return known("127.0.0.1" if named == "emulator" else host, *args, **more)
socket.getaddrinfo = resolve
"""

PIPELINE = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import OutgoingWebhook, Webhook
pipeline = Workflow(
    "Leads",
    Webhook(LEAD, input_schema={"email": "string"}) >> OutgoingWebhook(url="https://a.example"),
    key="leads",
    project=Project("growth", namespace="acme.example"),
)
"""


@pytest.fixture
def program(tmp_path):
    """Let `flow64` run in a project where `emulator` is the name of another machine.

    Python loads `sitecustomize`, which resolves the name as a network of containers
    does. The port of the recipe is replaced by a free one.
    """
    (tmp_path / "sitecustomize.py").write_text(SITE, "utf-8")
    (tmp_path / "leads.py").write_text(PIPELINE, "utf-8")
    (tmp_path / "rows.json").write_text('[{"email": "ada@example.com"}]', "utf-8")

    def run(url, settings, *arguments, **variables):
        text = settings.replace(f":{PORT}", f":{url.rpartition(':')[2]}")
        (tmp_path / "pyproject.toml").write_text(text, "utf-8")
        path = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        here = environment(PYTHONPATH=path, **variables)
        return flow64(*arguments, cwd=tmp_path, env=here)

    return run


def test_client_of_another_machine(tmp_path, program):
    """With the settings of the page it deploys, runs and downloads by the name."""
    with serving("--host", "0.0.0.0", "--allow-name", "emulator") as (_, url):
        key = {"EMULATOR_KEY": "any"}
        deployed = program(
            url, SETTINGS, *shlex.split("deploy leads.py --env ci --yes"), **key
        )
        run = program(
            url,
            SETTINGS,
            *shlex.split(
                "run leads.py rows.json --env ci --yes --intent 1 --output out.csv"
            ),
            **key,
        )

    assert (deployed.returncode, run.returncode) == (0, 0), deployed.stderr + run.stderr
    assert tmp_path.joinpath("out.csv").read_text("utf-8") == "email\nada@example.com\n"


def test_plain_http_is_refused_unless_allowed(program):
    """Without `allow_http` nothing is sent, also if the variable names the endpoint."""
    settings = SETTINGS.replace("allow_http = true\n", "")
    assert tomllib.loads(settings) != tomllib.loads(SETTINGS)
    options = ("--host", "0.0.0.0", "--allow-name", "emulator", "--verbose")
    with serving(*options) as (process, url):
        port = url.rpartition(":")[2]
        by_file = program(
            url,
            settings,
            *shlex.split("deploy leads.py --env ci -y"),
            EMULATOR_KEY="any",
        )
        by_variable = program(
            url,
            "",
            *shlex.split("deploy leads.py -y"),
            SIXTYFOUR_API_ENDPOINT=f"http://emulator:{port}",
            SIXTYFOUR_API_KEY="any",
        )
        _, talk, _ = ended(process)

    assert (by_file.returncode, by_variable.returncode) == (1, 1)
    for done in (by_file, by_variable):
        assert "allow_http = true" in done.stderr
    assert "/workflows" not in talk
