"""`flow64 check`: findings as text and as data, and when they are an error."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len, get_character_cell_size

FAULTY = """
from flow64 import COMPANY, LEAD, Project, Workflow
from flow64.blocks import CompanyEnrichment, FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(COMPANY) >> CompanyEnrichment(return_fields={"a": "b"}) >> FindEmail()
mixed = Workflow("Mixed\\x1b[31m", flow, key="mixed\\x1b[31m", project=growth)
"""


@pytest.fixture
def faulty(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "faulty.py"
    path.write_text(FAULTY, "utf-8")
    return path


def test_sound(leads, flow64):
    """Warnings and notes go to stdout, and are not a failure."""
    code, printed, told = flow64("check", "leads.py")

    assert (code, "note[effects]" in printed) == (0, True)
    assert told == "2 notes\n"


def test_faulty(faulty, flow64):
    """An error ends it with 1, and names the user's line."""
    code, printed, told = flow64("check", "faulty.py")

    assert code == 1
    assert "error[row-kind-mismatch]" in printed
    assert "faulty.py:6" in printed
    assert told.startswith("1 error, ")


def test_json(faulty, flow64):
    """As data they are exact, each with its workflow."""
    code, printed, _ = flow64("check", "faulty.py", "--json")

    found = json.loads(printed)["findings"]
    (error,) = [finding for finding in found if finding["severity"] == "error"]
    assert code == 1
    assert (error["key"], error["code"], error["line"]) == (
        "mixed\x1b[31m",
        "row-kind-mismatch",
        6,
    )


VARIANTS = """
from flow64 import LEAD, Project, Workflow, variants
from flow64.blocks import FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
made = [
    Workflow(f"Leads {name}", Webhook(LEAD) >> FindEmail(), key=name, project=growth)
    for name in ("us", "de", "fr", "jp", "uk")
]
"""


@pytest.fixture
def variants(tmp_path, monkeypatch):
    """Five workflows that differ in their name alone."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "many.py").write_text(VARIANTS.replace(", variants", ""), "utf-8")


def test_what_is_the_same_for_several_is_told_once(variants, flow64):
    """With how many, and the first of them; JSON has each."""
    _, printed, told = flow64("check", "many.py")
    found = json.loads(flow64("check", "many.py", "--json")[1])["findings"]

    assert printed.startswith("5 workflows (us, de, fr and 2 more):\nnote[")
    assert printed.count("note[effects]") == 1
    assert told == f"5 workflows: {len(found)} notes\n"
    assert len([one for one in found if one["code"] == "effects"]) == 5


def test_no_code(leads, flow64):
    """JSON is checked, and Python is not imported."""
    flow64("compile", "leads.py", "-o", "compiled")
    leads.write_text("1/0", "utf-8")

    refused = flow64("check", "leads.py", "--no-code")

    assert flow64("check", "compiled", "--no-code")[0] == 0
    assert (refused[0], "--no-code imports none" in refused[2]) == (64, True)


def test_values(flow64, tmp_path, monkeypatch):
    """Values are read from a file, which must be a JSON object."""
    monkeypatch.chdir(tmp_path)
    text = "from flow64 import *\nfrom flow64.blocks import *\n"
    text += "flow = Webhook(LEAD) >> AppendToNotebook(notebook_id=value('n'))\n"
    text += "w = Workflow('w', flow, project=Project('g', 'acme.example'))"
    (tmp_path / "w.py").write_text(text, "utf-8")
    (tmp_path / "good.json").write_text('{"n": "book"}', "utf-8")
    (tmp_path / "bad.json").write_text('["secret"]', "utf-8")

    code, printed, told = flow64("check", "w.py", "--values", "bad.json")

    assert flow64("check", "w.py", "--values", "good.json")[0] == 0
    assert (code, printed) == (64, "")
    assert "bad.json is not a JSON object" in told
    assert "secret" not in told


def test_user_error(flow64, tmp_path, monkeypatch):
    """A module that fails is shown as Python shows it, and nothing of ours."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.py").write_text("1/0", "utf-8")

    code, printed, told = flow64("check", "bad.py")

    assert code == 1
    assert printed == (
        "error[unloadable-file] the module cannot be imported: ZeroDivisionError: "
        "division by zero\n"
        "  --> bad.py:1\n"
        "   1 | 1/0\n"
        "     | ^^^\n"
    )
    assert told == "1 error\n"


def test_failing_module_hides_no_other(faulty, leads, flow64, tmp_path):
    """It is a failed check of its own, and all others are checked."""
    (tmp_path / "broken.py").write_text("import faulty\n\nfaulty.nothing()", "utf-8")

    code, printed, told = flow64("check", ".")
    data = json.loads(flow64("check", ".", "--json")[1])["findings"]

    assert (code, "error[row-kind-mismatch]" in printed) == (1, True)
    assert printed.startswith(
        "error[unloadable-file] the module cannot be imported: AttributeError: module "
        "'faulty' has no attribute 'nothing'\n"
        "  --> broken.py:3\n"
        "   3 | faulty.nothing()\n"
        "     | ^^^^^^^^^^^^^^\n"
    )
    assert "2 workflows: 2 errors, " in told
    assert [one["key"] for one in data if one["severity"] == "error"] == [
        None,
        "mixed\x1b[31m",
    ]
    assert (data[0]["code"], data[0]["family"]) == ("unloadable-file", "source")
    assert flow64("check", ".:inbound")[0] == 1
    assert flow64("check", ".:inbond")[0] == 1


def test_json_that_is_not_a_workflow_hides_no_other(leads, flow64, tmp_path):
    """It is a failed check at its line."""
    flow64("compile", "leads.py", "-o", "made")
    (tmp_path / "made/flow64.json").unlink()
    (tmp_path / "made/other.json").write_text('{\n"workflow_definition": 5}', "utf-8")

    code, printed, told = flow64("check", "made", "--no-code")

    assert code == 1
    assert printed.startswith(
        "error[unloadable-file] the file cannot be used: a graph must be an object, "
        "not a whole number (/workflow_definition)\n"
        "  --> made/other.json:2\n"
        '   2 | "workflow_definition": 5}\n'
    )
    assert "note[effects]" in printed
    assert told == "1 error, 2 notes\n"


def test_github_groups_variants(tmp_path, monkeypatch, flow64):
    """One wrong line of forty variants is one annotation, with their names."""
    monkeypatch.chdir(tmp_path)
    text = FAULTY.partition("mixed =")[0] + (
        "made = [\n"
        '    Workflow("Leads", flow, key=f"n{n:02}", project=growth)\n'
        "    for n in range(40)\n"
        "]\n"
    )
    (tmp_path / "many.py").write_text(text, "utf-8")

    code, printed, told = flow64("check", "many.py", "--format", "github")

    names = "40 workflows (n00, n01, n02 and 37 more)"
    errors = [line for line in printed.splitlines() if line.startswith("::error")]
    assert code == 1
    assert errors == [
        (
            "::error file=many.py,line=6,col=75,endColumn=85,title=row-kind-mismatch::"
            f"{names}: company rows flow into find_email, which takes lead rows "
            "(find_email)%0Ahelp: put CompanyToLeads() between"
        )
    ]
    assert printed.count(names) == printed.count("\n") == 3
    assert told == "40 errors, 80 notes\n"


# -- Carets ---------------------------------------------------------------------------

UNEVEN = """
from flow64 import COMPANY, Project, Workflow
from flow64.blocks import FindEmail, Webhook

mine = Project("growth", namespace="acme.example")
start = Webhook(COMPANY)
flows = [
    ("plain", start >> FindEmail(key="plain")),
    ("Zürich é à", start >> FindEmail(key="Zürich é à")),
    ("会社 ﾊﾝ", start >> FindEmail(key="会社 ﾊﾝ")),
    ("🚀 🧑\u200d🚀 ❤\ufe0f", start >> FindEmail(key="🚀 🧑\u200d🚀 ❤\ufe0f")),
    ("tab",\t\tstart\t>>\tFindEmail(key="tab")),
\t("indented", start >> FindEmail(key="indented")),
    ("e\u0301 a\u0308\u0323", start >> FindEmail(key="e\u0301 a\u0308\u0323")),
    ("é会🚀\tu\u0308", start >> FindEmail(key="é会🚀\tu\u0308")),
]
made = [Workflow(name, flow, key=f"k{n}", project=mine) for n, (name, flow) in
        enumerate(flows)]
"""

MARKED = [
    'FindEmail(key="plain")',
    'FindEmail(key="Zürich é à")',
    'FindEmail(key="会社 ﾊﾝ")',
    'FindEmail(key="🚀 🧑\\u200d🚀 ❤\\ufe0f")',
    'FindEmail(key="tab")',
    'FindEmail(key="indented")',
    'FindEmail(key="e\u0301 a\u0308\u0323")',
    'FindEmail(key="é会🚀\\tu\u0308")',
]


@pytest.fixture
def uneven(tmp_path, monkeypatch):
    """Calls behind text whose bytes, characters and cells differ in number."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "uneven.py").write_text(UNEVEN, "utf-8")


def text_over_carets(line, carets):
    """Return the part of a line that stands above carets on a terminal."""
    start, end = carets.index("^"), len(carets)
    cells = 0
    marked = ""
    for character in line:
        if start <= cells < end or (cells == end and not cell_len(character)):
            marked += character
        cells += get_character_cell_size(character)
    return marked


def excerpts(printed, code):
    """The source lines of findings of a code, each with the carets below it."""
    lines = printed.splitlines()
    starts = [at for at, line in enumerate(lines) if line.startswith(code)]
    places = [at for at, line in enumerate(lines) if line.startswith("  --> ")]
    firsts = [next(at for at in places if at > start) for start in starts]
    return [(lines[at + 1], lines[at + 2]) for at in firsts]


def test_caret_stands_under_the_call(uneven, flow64):
    """Whatever is before it: accents, wide letters, emoji, tabs, combining marks."""
    _, printed, _ = flow64("check", "uneven.py")

    found = excerpts(printed, "error[row-kind-mismatch]")
    assert [text_over_carets(*one) for one in found] == MARKED
