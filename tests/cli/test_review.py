"""`flow64 review`, and findings for GitHub."""

from __future__ import annotations

import json

import pytest

from tests.cli.conftest import LEADS

pytestmark = pytest.mark.unmeasured

CANARY = "raise SystemExit('code was run')\n"


@pytest.fixture
def folders(tmp_path, monkeypatch, flow64):
    """Committed JSON of a base and of a head that asks for one field more."""
    monkeypatch.chdir(tmp_path)
    more = LEADS.replace('"Job title"}', '"Job title", "seniority": "How senior"}')
    for name, text in (("base", LEADS), ("head", more)):
        (tmp_path / f"{name}.py").write_text(text, "utf-8")
        assert flow64("compile", f"{name}.py", "-o", name)[0] == 0
        (tmp_path / name / "canary.py").write_text(CANARY, "utf-8")
    return tmp_path


def test_folders(folders, flow64):
    """Two folders of JSON are compared; no code is run, and nothing is asked."""
    code, printed, told = flow64("review", "--base", "base", "--head", "head")

    assert (code, told) == (0, "")
    assert printed.startswith("asked of you:\n    approve the change\n")
    assert "\nwhat changes:\n    1 workflow will change (inbound)\n" in printed
    assert '+ return_fields.seniority: "How senior"' in printed
    assert "in inbound.json\n" in printed


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("text", "asked of you:\n    approve the change\n"),
        ("markdown", "<!-- flow64:review -->\n"),
        ("json", '{\n  "format_version": 1,\n  "source": "diff",\n'),
        ("html", "<!doctype html>\n"),
    ],
)
def test_formats(folders, flow64, form, start):
    """It is the same in each format, on stdout or in a file."""
    both = ("--base", "base", "--head", "head", "--format", form)
    code, printed, _ = flow64("review", *both)
    assert (code, printed.startswith(start)) == (0, True)

    code, nothing, told = flow64("review", *both, "-o", "out")
    assert (code, nothing, told) == (0, "", "written to out\n")
    assert (folders / "out").read_bytes() == printed.encode()


def test_exit_code(folders, flow64):
    """With `--exit-code`, changes exit with 2, and no changes with 0."""
    same = flow64("review", "--base", "base", "--head", "base", "--exit-code")
    other = flow64("review", "--base", "base", "--head", "head", "--exit-code")

    assert (same[0], other[0]) == (0, 2)
    assert same[1].startswith("what changes: nothing (1 of 1 unchanged)\n")


def test_empty_folder(folders, flow64):
    """With an empty base all is new; with an empty head all is gone."""
    (folders / "empty").mkdir()
    new = flow64("review", "--base", "empty", "--head", "head")
    gone = flow64("review", "--base", "base", "--head", "empty")

    assert "\nwhat changes: 1 workflow will be created (" in new[1]
    assert "\nwhat changes: 1 workflow is no longer in the code (" in gone[1]
    assert "in inbound.json\n" in gone[1]


def test_faulty_head(folders, flow64):
    """Errors of the head are shown, and do not stop the review."""
    file = folders / "head" / "inbound.json"
    data = json.loads(file.read_text("utf-8"))
    edges = data["workflow_definition"]["edges"]
    edges += [
        {"from_block_id": e["to_block_id"], "to_block_id": e["from_block_id"]}
        for e in edges
    ]
    file.write_text(json.dumps(data), "utf-8")
    (folders / "head" / "flow64.json").unlink(missing_ok=True)
    code, printed, _ = flow64("review", "--base", "base", "--head", "head")

    assert code == 0
    assert "new error in checks: " in printed


def test_twice(folders, flow64):
    """Two of one name in a folder would hide one another."""
    for name in ("base", "head"):
        (folders / name / "flow64.json").unlink(missing_ok=True)
    deep = folders / "base" / "deep"
    deep.mkdir()
    data = json.loads((folders / "base" / "inbound.json").read_text("utf-8"))
    data["id"] = "11111111-1111-4111-8111-111111111111"
    (deep / "inbound.json").write_text(json.dumps(data), "utf-8")
    code, _, told = flow64("review", "--base", "base", "--head", "head")

    assert (code, "is there twice" in told) == (64, True)


def test_plan(service, leads, flow64):
    """For a source it shows what a deploy would do, with reads alone."""
    service.requests.clear()
    code, printed, _ = flow64("review", "leads.py", "--format", "markdown")

    assert code == 0
    assert printed.startswith("<!-- flow64:review default -->\n")
    assert "- **what changes:** 1 workflow will be created (" in printed
    assert "in `leads.py`" in printed
    assert {request.method for request in service.requests} == {"GET"}


# -- Findings for GitHub ---------------------------------------------------------------


def test_annotations(leads, flow64):
    """Findings are workflow commands, at the lines of the user's file."""
    code, printed, told = flow64("check", "leads.py", "--format", "github")

    assert code == 0
    assert [line.split(" ")[0] for line in printed.splitlines()] == ["::notice"] * 2
    assert "::notice file=leads.py,line=" in printed
    assert told == "2 notes\n"


def test_renamed_with_was(folders, flow64, tmp_path):
    """Two folders show a workflow that kept its id as one, under its new key."""
    text = LEADS.replace('key="inbound"', 'key="signups", was="inbound"')
    (tmp_path / "renamed.py").write_text(text, "utf-8")
    flow64("compile", "renamed.py", "-o", "renamed")

    _, printed, _ = flow64("review", "--base", "base", "--head", "renamed")

    assert "what changes: inbound is renamed signups in the code" in printed
    assert (
        "· inbound → signups: has a new key in the code; on the service nothing changes"
        in printed
    )


# -- The list of blocks ----------------------------------------------------------------
