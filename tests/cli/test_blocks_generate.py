"""`flow64 blocks generate`: block classes for what flow64 does not have."""

from __future__ import annotations

import json

import pytest

from flow64 import LEAD, RawBlock, Workflow
from flow64.analysis import LiveCatalogue
from flow64.blocks import Webhook
from tests.catalogue.answer import ANSWER, LATER

pytestmark = pytest.mark.unmeasured


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with a saved list of blocks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.flow64]\n", "utf-8")
    save(tmp_path, ANSWER)
    return tmp_path


def save(folder, answer, date="2026-11-28"):
    text = LiveCatalogue.of(answer, date=date).as_text()
    (folder / "blocks.json").write_text(text, "utf-8")


def test_writes_a_module(project, flow64):
    """The module is written, and its classes and the doubtful entries are named."""
    code, printed, told = flow64("blocks", "generate", "-o", "blocks.py")

    text = (project / "blocks.py").read_text("utf-8")
    assert (code, printed) == (0, "blocks.py\n")
    assert "class ScoreLead(Flow[Lead, Lead], CatalogueBlock):" in text
    assert "warning: 'yc_batches' has no specs_schema" in told
    assert "ScoreLead" in told


def test_prints_without_a_file(project, flow64):
    """Without -o, the module goes to stdout."""
    code, printed, _ = flow64("blocks", "generate")

    assert code == 0
    assert printed.startswith('"""Block classes')


def test_all(project, flow64):
    """With --all, kinds that flow64 has entirely have a class too."""
    _, some, _ = flow64("blocks", "generate")
    _, printed, _ = flow64("blocks", "generate", "--all")

    assert "class Webhook(" not in some
    assert "class Webhook(built_in.Webhook[A], Generic[A]):" in printed


def test_nothing_new(project, flow64):
    """A list without anything new gives a module without classes."""
    save(project, [one for one in ANSWER if one["block_name"] == "webhook"])

    code, _, told = flow64("blocks", "generate", "-o", "blocks.py")

    assert (code, told) == (0, "classes: none; flow64 has all of it\n")


def test_named_list(project, flow64):
    """Another list can be named."""
    (project / "later.json").write_text(json.dumps(LATER), "utf-8")

    _, printed, _ = flow64("blocks", "generate", "--blocks", "later.json")

    assert "class PostToX(" in printed


def test_no_list(project, flow64):
    """Without a list, the command that saves it is named."""
    (project / "blocks.json").unlink()

    code, _, told = flow64("blocks", "generate")

    assert code == 64
    assert "run flow64 blocks sync" in told


def test_check(project, flow64):
    """A gate for CI: the module is current, out of date, or not there."""
    asked = ("blocks", "generate", "-o", "blocks.py", "--check")
    before = flow64(*asked)
    flow64(*asked[:-1])
    current = flow64(*asked)
    save(project, LATER)
    after = flow64(*asked)

    assert (before[0], current[0], after[0]) == (1, 0, 1)
    assert "is not there; run flow64 blocks generate -o blocks.py" in before[2]
    assert current[1] == "blocks.py is current\n"
    assert "is not current" in after[2]


def test_check_of_another_layout(project, flow64):
    """A module that a formatter laid out otherwise is current, a broken one is not."""
    asked = ("blocks", "generate", "-o", "blocks.py", "--all")
    flow64(*asked)
    module = project / "blocks.py"
    text = module.read_text("utf-8")
    module.write_text(text.replace("from collections", "\n\nfrom collections"), "utf-8")
    current, _, _ = flow64(*asked, "--check")
    module.write_text(text + "(\n", "utf-8")
    broken, _, told = flow64(*asked, "--check")

    assert (current, broken) == (0, 1)
    assert "run flow64 blocks generate -o blocks.py --all" in told


def test_check_as_data(project, flow64):
    """The same as data."""
    _, printed, _ = flow64("blocks", "generate", "-o", "blocks.py", "--check", "--json")

    assert json.loads(printed) == {
        "format_version": 1,
        "file": "blocks.py",
        "is_current": False,
    }


def test_check_needs_a_file(project, flow64):
    """A check without a file is a usage error."""
    code, _, told = flow64("blocks", "generate", "--check")

    assert code == 64
    assert "name the module to check with -o FILE" in told


def test_keeps_another_file(project, flow64):
    """A file that somebody wrote is not replaced; an older module is."""
    (project / "mine.py").write_text("mine = 1\n", "utf-8")

    code, _, told = flow64("blocks", "generate", "-o", "mine.py")
    flow64("blocks", "generate", "-o", "blocks.py")
    save(project, LATER)
    again, _, _ = flow64("blocks", "generate", "-o", "blocks.py")

    assert (code, again) == (1, 0)
    assert "not written by flow64 blocks generate" in told
    assert (project / "mine.py").read_text("utf-8") == "mine = 1\n"
    assert "PostToX" in (project / "blocks.py").read_text("utf-8")


def test_facts(project, flow64):
    """Facts beside the module are in its classes."""
    facts = '[score_lead]\nadds = {score = "int"}\nopens = true\n'
    (project / "blocks.toml").write_text(facts, "utf-8")

    _, printed, _ = flow64("blocks", "generate")

    assert 'columns=Columns(adds=[Column("score", "int")], opens=True),' in printed


def test_wrong_facts(project, flow64):
    """A mistake in the facts is named, and nothing is written."""
    (project / "blocks.toml").write_text("[score_lead]\nprise = 1\n", "utf-8")

    code, _, told = flow64("blocks", "generate", "-o", "blocks.py")

    assert code == 1
    assert "[score_lead] has no fact 'prise' (did you mean 'price'?)" in told
    assert not (project / "blocks.py").exists()


def test_as_data(project, flow64):
    """The module and its classes as data."""
    _, printed, _ = flow64("blocks", "generate", "--json")

    found = json.loads(printed)
    assert {"class": "ScoreLead", "kind": "score_lead"} in found["classes"]
    assert found["file"] is None


# -- Code with the classes -------------------------------------------------------------


@pytest.fixture
def scored(project):
    """The JSON of a workflow with a new kind."""
    flow = Webhook(LEAD) >> RawBlock("score_lead", specs={"signals": []})
    text = Workflow("Scored", flow, key="scored").to_json()
    (project / "scored.json").write_text(text, "utf-8")
    return "scored.json"


def test_code_uses_the_module_of_the_project(scored, flow64, own_kinds):
    """`flow64 code` imports the classes of blocks.py, if that was generated."""
    _, before, _ = flow64("code", scored)
    flow64("blocks", "generate", "-o", "blocks.py")
    _, after, _ = flow64("code", scored)

    assert 'RawBlock("score_lead", specs={"signals": []})' in before
    assert "from blocks import ScoreLead" in after
    assert "ScoreLead(signals=[])" in after


def test_code_ignores_another_module(scored, project, flow64):
    """A module that somebody wrote is not looked into."""
    (project / "blocks.py").write_text("raise SystemExit(5)\n", "utf-8")

    code, printed, _ = flow64("code", scored)

    assert code == 0
    assert "RawBlock(" in printed


def test_code_with_a_named_module(scored, project, flow64, own_kinds):
    """Another module can be named. One that was edited is refused."""
    flow64("blocks", "generate", "-o", "kinds.py")
    _, printed, _ = flow64("code", scored, "--classes", "kinds.py")
    with (project / "kinds.py").open("a", encoding="utf-8") as file:
        file.write("import os\n")
    code, _, told = flow64("code", scored, "--classes", "kinds.py")

    assert "from kinds import ScoreLead" in printed
    assert code == 1
    assert "it is not as flow64 blocks generate writes it" in told


def test_no_code_loads_no_classes(scored, project, flow64):
    """With --no-code, the module is not loaded, although it was audited."""
    flow64("blocks", "generate", "-o", "blocks.py")

    _, printed, _ = flow64("code", scored, "--no-code")
    code, _, told = flow64("code", scored, "--no-code", "--classes", "blocks.py")

    assert "RawBlock(" in printed
    assert code == 64
    assert "leave --no-code out" in told
