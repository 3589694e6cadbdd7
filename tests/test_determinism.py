"""Same program, same bytes: any machine, Python, locale, hash seed or folder."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest

from flow64 import LEAD, Project, Workflow
from flow64.blocks import Deduplicate, FindEmail, LeadEnrichment, Webhook

PROGRAM = """
import sys
from typing import Annotated
from flow64 import COMPANY, LEAD, Project, RawBlock, Workflow, fan, include_if
from flow64 import returns, tap, value, variants
from flow64.blocks import CompanyEnrichment, CompanyToLeads, Filter, FindEmail, Webhook

sys.stdout.reconfigure(encoding="utf-8", newline="\\n")
growth = Project("growth", namespace="acme.example")

@returns
class Firm:
    naïve: Annotated[str | None, "Ünïcode"]
    size: Annotated[int, "People"]

def contact():
    return FindEmail(mode="PERSONAL") >> Filter.where("email").is_not_empty()

def build(region="us", **more):
    steps = [RawBlock("step", key=key, specs={"x": 1.0, "y": [-0.0, 1e21, 0.1]})
             for key in ("b", "a", "\\u00e9", "z")]
    flow = (
        Webhook(COMPANY, input_schema={"z": "string", "a": "string"})
        >> CompanyEnrichment(return_fields=Firm, extra={"region": region, **more})
        >> tap(RawBlock("notify", specs={"hook": value("hook", secret=True)}))
        >> CompanyToLeads()
        >> fan(*steps)
        >> [contact().scoped("work"), contact().scoped("home")]
        >> include_if(region == "us", RawBlock("last"))
    )
    return Workflow("Größe", flow, project=growth)

made = variants(build, region=["us", "uk"], deep=["y"])
for name, workflow in made.items():
    print(name, workflow.fingerprint())
    for env in (None, "staging"):
        print(workflow.to_json(env), end="")
        print(workflow.to_json(env, indent=None), end="")
    print([str(f.code) + str(f.where) for f in workflow.check()])
"""
TIMEZONES = ["UTC", "Asia/Kathmandu", "America/St_Johns", "nonsense", ""]
LOCALES = ["C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8", "POSIX", "nonsense"]
SOURCES = str(Path(__file__).parents[1] / "src")


def run(program, *, folder, python=sys.executable, arguments=(), **environment):
    """What a program prints, in an environment that has nothing but what is given."""
    command = [python, *arguments, "-c", program]
    done = subprocess.run(
        command, capture_output=True, cwd=folder, env=environment, check=False
    )
    assert done.stderr.decode() == ""
    return done.stdout


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """What the program prints here."""
    printed = run(PROGRAM, folder=tmp_path_factory.mktemp("here"), PYTHONPATH=SOURCES)
    assert printed.count(b'"workflow_name": "Gr\xc3\xb6\xc3\x9fe"') == 4
    return printed


@pytest.mark.slow
def test_twenty_processes(expected, tmp_path):
    """Hash seed, time zone, locale and working folder take no part."""
    chance = random.Random(64)

    def elsewhere(number):
        folder = tmp_path / f"a folder {number}"
        folder.mkdir()
        return run(
            PROGRAM,
            folder=folder,
            PYTHONPATH=SOURCES,
            PYTHONHASHSEED=str(chance.randrange(2**32)),
            TZ=chance.choice(TIMEZONES),
            LANG=chance.choice(LOCALES),
            LC_ALL=chance.choice(LOCALES),
        )

    with ThreadPoolExecutor(4) as pool:
        printed = list(pool.map(elsewhere, range(20)))

    assert {text == expected for text in printed} == {True}


def other_pythons():
    """Interpreters at hand of another version than this, which flow64 supports."""
    for minor in range(11, 20):
        path = shutil.which(f"python3.{minor}")
        if path is None or minor == sys.version_info.minor:
            continue
        works = subprocess.run(
            [path, "-c", "import ctypes, json"], capture_output=True, check=False
        )
        if works.returncode == 0:
            yield path


def test_other_pythons(expected, tmp_path):
    """Every Python version at hand writes the same bytes."""
    needed = {Path(find_spec(name).origin) for name in ("attr", "typing_extensions")}
    packages = {
        str(p.parent.parent if p.stem == "__init__" else p.parent) for p in needed
    }
    pythons = list(other_pythons())
    if not pythons:
        pytest.skip("no other Python is on this machine")

    path = os.pathsep.join([SOURCES, *packages])
    printed = [
        run(PROGRAM, folder=tmp_path, python=python, PYTHONPATH=path)
        for python in pythons
    ]

    assert {text == expected for text in printed} == {True}


def test_optimized_and_without_columns(expected, tmp_path):
    """Neither assertions nor column numbers are needed."""
    options = ("-OO", "-X", "no_debug_ranges")
    printed = run(PROGRAM, folder=tmp_path, arguments=options, PYTHONPATH=SOURCES)

    assert printed == expected


def test_no_network_and_no_home(expected, tmp_path):
    """Without sockets and HOME a program is built all the same, and writes nothing."""
    ban = (
        "import socket\n"
        "def refuse(*_, **__): raise RuntimeError('a socket was asked for')\n"
        "socket.socket = socket.create_connection = socket.getaddrinfo = refuse\n"
    )
    folder = tmp_path / "work"
    folder.mkdir()

    printed = run(
        ban + PROGRAM, folder=folder, PYTHONPATH=SOURCES, PYTHONDONTWRITEBYTECODE="1"
    )

    assert printed == expected
    assert list(tmp_path.rglob("*")) == [folder]


def test_import_is_light(tmp_path):
    """What speaks HTTP, or draws, is loaded when it is needed."""
    program = (
        "import sys, flow64, flow64.blocks\n"
        "heavy = {'httpx', "
        "'cattrs', 'rich', 'click', 'flask', 'ssl', 'asyncio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )

    assert run(program, folder=tmp_path, PYTHONPATH=SOURCES) == b"[]\n"


# -- The same program, written otherwise ----------------------------------------------


def build(**names):
    find = FindEmail(mode="PERSONAL", verify_emails=False, key="find")
    return Workflow("w", Webhook(LEAD) >> find, **names)


def test_order_of_arguments():
    """Keyword arguments may be reordered."""
    one = LeadEnrichment(return_fields={"a": "b"}, tier="low", key="k")
    other = LeadEnrichment(key="k", tier="low", return_fields={"a": "b"})

    texts = {Workflow("w", Webhook(LEAD) >> block).to_json() for block in (one, other)}
    assert len(texts) == 1


def test_order_of_statements():
    """Flows, lists and workflows may be reordered."""
    source, a, b, end = (
        Webhook(LEAD),
        FindEmail(key="a"),
        FindEmail(key="b"),
        Deduplicate(),
    )
    texts = {
        Workflow("w", source >> [a, b] >> end).to_json(),
        Workflow("w", source >> [b, a] >> end).to_json(),
        Workflow("w", source >> b >> end, source >> a >> end).to_json(),
        Workflow("w", source >> a, a >> end, b >> end, source >> b).to_json(),
    }

    assert len(texts) == 1


def test_names_of_variables_and_files():
    """What a variable, a file or a line is called takes no part."""
    scope = {"build": build}
    exec(compile("\n\n# a comment\nother = build()", "elsewhere.py", "exec"), scope)

    assert scope["other"].to_json() == build().to_json()


def test_new_key_is_a_new_workflow():
    """Another key gives every id anew, unless `was=` says which it was."""
    project = Project("p", namespace="a.example")
    before = build(key="old", project=project)
    after = build(key="new", project=project)
    kept = build(key="new", was="old", project=project)

    ids = {
        block.id for workflow in (before, after) for block in workflow.compile().blocks
    }
    assert len(ids | {before.id(), after.id()}) == 6
    assert kept.to_json() == before.to_json()
