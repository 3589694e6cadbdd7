"""`flow64 blocks`: the catalogue, the service's own list, and classes made from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import flow64 as package
from flow64.blocks import CATALOGUE
from tests.analysis.live_answer import ANSWER, HOSTILE, LATER, SECRET

SETTINGS = """
[tool.flow64]
source = "reddit.py"
blocks = "blocks.json"
"""


@pytest.fixture
def project(service, tmp_path, own_kinds):
    """A project that keeps the service's own list."""
    (tmp_path / "pyproject.toml").write_text(SETTINGS, "utf-8")
    service.blocks = ANSWER
    return tmp_path


def kinds(printed):
    return [line.split()[0] for line in printed.splitlines()]


# -- The catalogue ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["PHONE", "reverse"], ["reverse_phone"]),
        (["people_focus_prompt"], ["company_enrichment"]),  # a field
        (["nothing-has-this"], []),
    ],
)
def test_search_looks_into_everything_that_is_known(words, found, flow64):
    code, printed, _ = flow64("blocks", *words)

    assert code == (not found)
    assert {*found} <= {*kinds(printed)} <= {*CATALOGUE} - {"filter"}


def test_each_block_is_there_in_full_by_its_kind_or_its_class(flow64):
    blocks = json.loads(flow64("blocks", "--json")[1])["blocks"]

    assert [block["kind"] for block in blocks] == [*CATALOGUE]
    assert flow64("blocks", "FindEmail") == flow64("blocks", "find_email")


def test_texts_of_the_list_steer_no_terminal_and_hide_their_keys(project, flow64):
    flow64("blocks", "sync")

    shown = [flow64("blocks", HOSTILE), flow64("blocks"), flow64("blocks", "slack")]
    data = flow64("blocks", "--json")[1]

    assert all(line.isprintable() for _, text, _ in shown for line in text.split("\n"))
    assert SECRET not in data + "".join(text for _, text, _ in shown)


# -- Sync ------------------------------------------------------------------------------


def test_sync_saves_the_list_and_says_what_is_new(project, service, flow64):
    first = json.loads(flow64("blocks", "sync", "--json")[1])
    file = project / "blocks.json"
    text = file.read_text("utf-8")
    file.write_text(text.replace(first["date"], "2026-01-02"), "utf-8")
    same = flow64("blocks", "sync")
    kept = file.read_text("utf-8")
    service.blocks = LATER
    later = flow64("blocks", "sync")

    assert (first["is_first"], first["kinds"]) == (True, len(ANSWER))
    assert SECRET not in text
    assert "unchanged since" in same[1]
    assert "2026-01-02" in kept
    assert "\n+ post_to_x.message: str · required" in later[1]
    assert "\n- yc_batches\n" in later[1]


def test_setting_is_added_where_it_fits(service, flow64, tmp_path):
    """Nothing else in the file changes, and it is replaced as a whole."""
    file = tmp_path / "pyproject.toml"
    before = "# mine\n[tool.flow64]\n# kept\n[other]\na = 1\n"
    file.write_text(before, "utf-8")
    (tmp_path / "old").hardlink_to(file)

    flow64("blocks", "sync")

    text = before.replace("# kept", 'blocks = "blocks.json"\n# kept')
    assert file.read_text("utf-8") == text
    assert (tmp_path / "old").read_text("utf-8") == before


def test_emulator_has_to_be_named(flow64, tmp_path, monkeypatch):
    """Its list is what flow64 knows itself."""
    monkeypatch.chdir(tmp_path)
    Path("pyproject.toml").write_text('[tool.flow64]\ndefault_env = "local"\n')

    assert flow64("blocks", "sync")[0] == 64
    assert not (tmp_path / "blocks.json").exists()


# -- One key makes flow64 true ---------------------------------------------------------

PIPELINE = """
from flow64 import Project, RawBlock, Workflow
from flow64.blocks import FindEmail, SendSlackMessage

growth = Project("growth", namespace="NAMESPACE")
flow = (
    RawBlock("reddit_search", specs={"query": "pumps", "sort": "top"})
    >> RawBlock("score_lead", specs={"signals": [{"column": "karma", "weight": 3}]})
    >> FindEmail(mode="BOTH")
    >> SendSlackMessage(specs={"channel": "#leads", "message": "new"})
)
reddit = Workflow("Reddit", flow, key="reddit", project=growth)
"""
GENERATED = """
from flow64 import Project, Workflow
from blocks import FindEmail, RedditSearch, ScoreLead, SendSlackMessage

growth = Project("growth", namespace="NAMESPACE")
flow = (
    RedditSearch(query="pumps", sort="top")
    >> ScoreLead(signals=[{"column": "karma", "weight": 3}])
    >> FindEmail(mode="BOTH")
    >> SendSlackMessage(channel="#leads", message="new")
)
reddit = Workflow("Reddit", flow, key="reddit", project=growth)
"""


@pytest.fixture
def reddit(project, namespace):
    """A pipeline that uses what only the service knows."""
    text = PIPELINE.replace("NAMESPACE", namespace)
    (project / "reddit.py").write_text(text, "utf-8")
    return project


def test_all_commands_go_by_the_list(reddit, service, flow64):
    before = flow64("check")
    flow64("blocks", "sync")
    lines = ("check", "deploy --yes", "run reddit.py --intent 1 --yes")
    codes = [flow64(*line.split())[0] for line in lines]
    service.blocks = LATER
    flow64("blocks", "sync")
    later = flow64("check")

    assert (before[0], "error[unknown-word]" in before[1]) == (1, True)
    assert codes == [0, 0, 0]
    assert "'subreddits' is a required property" in later[1]


FACTS = """[score_lead]
takes = "LEAD"
price = 0.02
reads = ["karma"]
adds = { score = "int" }
"""


def test_facts_that_no_list_has_go_into_the_classes(project, flow64):
    """They are in a file of their own, and its mistakes come together."""
    flow64("blocks", "sync")
    facts = project / "blocks.toml"
    facts.write_text(FACTS, "utf-8")
    code, _, _ = flow64("blocks", "generate", "-o", "blocks.py")
    module = (project / "blocks.py").read_text("utf-8")
    facts.write_text('[score_lead]\ntakes = "ZZ"\nprices = 1\nreads = "a"\n', "utf-8")
    wrong = flow64("blocks", "generate", "-o", "blocks.py")

    assert code == 0
    for text in ("Price(dollars=0.02", "name='karma'", "name='score', type='int'"):
        assert text in module
    assert wrong[0] == 1
    for place in ("score_lead.takes", "prices", "score_lead.reads"):
        assert place in wrong[2]


WRONG = """
FindEmail(mode="ALL")
SendSlackMessage(channel="#a")
RedditSearch(query="a", sort="old")
"""


@pytest.mark.slow
def test_generated_classes_are_typed_and_make_the_same_workflow(
    reddit, flow64, namespace
):
    """A module with a hostile kind in the list imports, and mypy knows its types."""
    flow64("blocks", "sync")
    flow64("deploy", "--yes")
    assert flow64("blocks", "generate", "-o", "blocks.py")[0] == 0
    text = GENERATED.replace("NAMESPACE", namespace)
    (reddit / "reddit.py").write_text(text, "utf-8")
    (reddit / "wrong.py").write_text(text + WRONG, "utf-8")

    plan = flow64("plan", "--exit-code")
    mypy = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "reddit.py", "wrong.py"],
        env={**os.environ, "MYPYPATH": str(Path(package.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (plan[0], "unchanged" in plan[1]) == (0, True), plan
    assert "from blocks import FindEmail" in flow64("code", "default:reddit")[1]
    first = len(text.splitlines()) + 2
    places = [["wrong.py", str(first + number)] for number in range(3)]
    errors = [line for line in mypy.stdout.splitlines() if ": error:" in line]
    assert [line.split(":")[:2] for line in errors] == places, mypy.stdout


def test_check_sees_a_later_list_and_no_layout(project, service, flow64):
    """A module that it did not write is not overwritten, and no pipe is waited for."""
    flow64("blocks", "sync")
    generate = ("blocks", "generate", "-o", "blocks.py")
    flow64(*generate)
    file = project / "blocks.py"
    file.write_text(file.read_text("utf-8") + "\n\n", "utf-8")
    current = flow64(*generate, "--check")
    service.blocks = LATER
    flow64("blocks", "sync")
    stale = flow64(*generate, "--check")
    file.write_text("mine = 1\n", "utf-8")
    other = flow64(*generate)

    assert file.read_text("utf-8") == "mine = 1\n"
    file.unlink()
    os.mkfifo(file)
    pipe = flow64(*generate)
    assert [current[0], stale[0], other[0], pipe[0]] == [0, 1, 1, 1]
