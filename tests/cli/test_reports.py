"""`flow64 check --format`: reports for GitHub, GitLab and readers of SARIF."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator

from flow64.analysis import all_pages

FLEET = """
from flow64 import LEAD, Project, Workflow, variants
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook

growth = Project("growth", namespace="acme.example")

def build(region):
    hook = OutgoingWebhook(url="http://hooks.acme.example/é", key="hook")
    flow = Webhook(LEAD) >> FindEmail() >> hook
    return Workflow("Leads", flow, key="leads", project=growth)

made = variants(build, {f"v{n}": {"region": str(n)} for n in range(40)})
"""

TEXT = {"type": "string", "minLength": 1}
LINE = {"type": "integer", "minimum": 1}


def made_of(*, more=(), **members):
    """The schema of an object with these members, and perhaps others of them."""
    required = [name for name in members if name not in more]
    return {
        "type": "object",
        "properties": members,
        "required": required,
        "additionalProperties": False,
    }


def listed(item):
    return {"type": "array", "items": item, "minItems": 1}


# Of SARIF 2.1.0 (OASIS), what these logs use of it: its own schema is too long to keep.
MESSAGE = made_of(text=TEXT)
REGION = made_of(
    startLine=LINE,
    startColumn=LINE,
    endColumn=LINE,
    more=("startColumn", "endColumn"),
)
LOCATION = made_of(
    physicalLocation=made_of(
        artifactLocation=made_of(
            uri={**TEXT, "pattern": r"^[^/\\ ][^\\ ]*$"},
            uriBaseId={"const": "%SRCROOT%"},
        ),
        region=REGION,
    ),
    logicalLocations=listed(made_of(fullyQualifiedName=TEXT)),
    more=("logicalLocations",),
)
LEVEL = {"enum": ["none", "note", "warning", "error"]}
RULE = made_of(
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=made_of(text=TEXT, markdown=TEXT),
    defaultConfiguration=made_of(level=LEVEL),
    properties=made_of(tags=listed(TEXT)),
)
RESULT = made_of(
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations=listed(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
)
SARIF = made_of(
    **{"$schema": {"pattern": "sarif-schema-2.1.0.json$"}},
    version={"const": "2.1.0"},
    runs=listed(
        made_of(
            tool=made_of(driver=made_of(name=TEXT, version=TEXT, rules=listed(RULE))),
            originalUriBaseIds={
                "type": "object",
                "additionalProperties": made_of(description=MESSAGE),
            },
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            results={"type": "array", "items": RESULT},
        )
    ),
)

# What GitLab documents of a Code Quality report.
CODE_QUALITY = listed(
    made_of(
        description=TEXT,
        check_name=TEXT,
        fingerprint=TEXT,
        severity={"enum": ["info", "minor", "major", "critical", "blocker"]},
        location=made_of(
            path={"type": "string", "pattern": r"^(?!\./|/)"},
            lines=made_of(begin=LINE),
        ),
    )
)


@pytest.fixture
def fleet(tmp_path, monkeypatch):
    """Forty variants with one finding at one place, in a folder of a repository."""
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "flows here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "leads.py").write_text(FLEET, "utf-8")
    return folder / "leads.py"


@pytest.fixture
def report(flow64):
    """Print a report, and judge it by its schema."""

    def made(form, *words):
        _, printed, _ = flow64("check", *words, "--format", form)
        data = json.loads(printed)
        Draft202012Validator(SARIF if form == "sarif" else CODE_QUALITY).validate(data)
        return data["runs"][0] if form == "sarif" else data

    return made


def test_sarif(fleet, report):
    """It names each place once, with the rule, and from the root of the repository."""
    run = report("sarif", "leads.py")

    (hook,) = [one for one in run["results"] if one["ruleId"] == "insecure-url"]
    place = hook["locations"][0]["physicalLocation"]
    line = FLEET.splitlines()[place["region"]["startLine"] - 1]
    start, end = place["region"]["startColumn"] - 1, place["region"]["endColumn"] - 1
    assert place["artifactLocation"]["uri"] == "flows%20here/leads.py"
    assert line[start:end].startswith("OutgoingWebhook(")
    assert line[start:end].endswith('key="hook")')
    assert hook["message"]["text"].startswith("40 workflows (leads/v0, ")
    assert hook["level"] == "warning"
    assert place["artifactLocation"]["uriBaseId"] in run["originalUriBaseIds"]
    assert run["tool"]["driver"]["rules"][hook["ruleIndex"]]["id"] == "insecure-url"


def test_each_code_has_a_rule(fleet, report):
    """Its page is the help, also of codes that are not found here."""
    rules = {one["id"]: one for one in report("sarif", ".")["tool"]["driver"]["rules"]}

    assert [*rules] == sorted(all_pages())
    assert "**Fix:** " in rules["late-filter"]["help"]["markdown"]
    assert rules["unloadable-file"]["defaultConfiguration"] == {"level": "error"}


def test_code_quality(fleet, report):
    found = report("gitlab", "leads.py")

    (hook,) = [one for one in found if one["check_name"] == "insecure-url"]
    assert hook["location"]["path"] == "flows here/leads.py"
    assert hook["severity"] == "minor"
    assert len({one["fingerprint"] for one in found}) == len(found)


@pytest.mark.parametrize("form", ["sarif", "gitlab"])
def test_fingerprints(fleet, report, form):
    """Lines above a finding do not change it, and what it is about does."""

    def marks():
        text = json.dumps(report(form, "leads.py"))
        return re.findall(r'"(?:fingerprint|flow64/v1)": "(\w+)"', text)

    before = marks()
    fleet.write_text(f"# a note\n\n{FLEET}", "utf-8")
    moved = marks()
    fleet.write_text(FLEET.replace('"hook"', '"other"'), "utf-8")

    assert (len(before) > 1, moved) == (True, before)
    assert marks() != before


def test_two_alike(tmp_path, monkeypatch, report):
    """Two findings of one code at one block have fingerprints of their own."""
    monkeypatch.chdir(tmp_path)
    text = (
        "from flow64 import *\nfrom flow64.blocks import *\n"
        "w = Workflow('w', Webhook(LEAD) >> "
        "FindEmail(extra={'one': 1, 'two': 2}), project=Project('g', 'a.example'))\n"
    )
    (tmp_path / "w.py").write_text(text, "utf-8")
    found = report("gitlab", "w.py")

    alike = [one for one in found if one["check_name"] == "unchecked-field"]
    assert len({one["fingerprint"] for one in found}) == len(found)
    assert len(alike) != 1


FORMS = ["json", "github", "gitlab", "sarif"]


@pytest.mark.parametrize("form", FORMS)
def test_every_finding_names_its_file(fleet, flow64, form):
    """Also those of JSON, of modules that fail, and of whole sources."""
    folder = fleet.parent
    flow64("compile", "leads.py", "-o", "made")
    for name in ("broken", "ends"):
        (folder / name).mkdir()
    (folder / "broken/x.json").write_text("{", "utf-8")
    (folder / "ends/a.py").write_text("raise SystemExit", "utf-8")
    (folder / "ends/b.py").write_text("def (:", "utf-8")
    head = "from flow64 import *\nfrom flow64.blocks import *\n"
    (folder / "flow.py").write_text(f"{head}none = include_if(False, FindEmail())\n")
    plain = json.loads((folder / "made/leads@v1.json").read_text("utf-8"))
    (folder / "made/flow64.json").unlink()
    (folder / "made/copy.json").write_text(json.dumps(plain), "utf-8")

    for source in ("leads.py", "made", "broken", "ends", "flow.py"):
        _, printed, _ = flow64("check", source, "--format", form)
        match form:
            case "json":
                files = [one["file"] for one in json.loads(printed)["findings"]]
            case "github":
                marks = [one for one in printed.splitlines() if one.startswith("::")]
                files = [" file=" in one for one in marks if "more-findings" not in one]
            case "gitlab":
                files = [one["location"]["path"] != "." for one in json.loads(printed)]
            case _:
                results = json.loads(printed)["runs"][0]["results"]
                files = ["physicalLocation" in one["locations"][0] for one in results]
        assert files, source
        assert all(files), source


def test_line_of_a_block_in_json(leads, flow64, tmp_path):
    """A finding about a block of a file names the line where the block begins."""
    text = leads.read_text("utf-8")
    hook = 'OutgoingWebhook(url="http://x.example/h")'
    text = text.replace("LeadEnrichment,", "LeadEnrichment, OutgoingWebhook,")
    leads.write_text(text.replace(")\ninbound", f") >> {hook}\ninbound"), "utf-8")
    flow64("compile", "leads.py", "-o", "made")

    for _ in range(2):
        printed = flow64("check", "made", "--json")[1]
        found = json.loads(printed)["findings"]
        (one,) = [each for each in found if each["code"] == "insecure-url"]
        lines = (tmp_path / "made/inbound.json").read_text("utf-8").splitlines()
        assert one["file"].endswith("made/inbound.json")
        assert lines[one["line"] - 1].strip() == "{"
        assert one["block_id"] in lines[one["line"]]
        (tmp_path / "made/flow64.json").unlink(missing_ok=True)


def test_secrets(tmp_path, monkeypatch, flow64):
    """A name that looks like a key is masked in each format."""
    monkeypatch.chdir(tmp_path)
    key = "sk_live_not_a_real_key_0123456789abcdef"
    text = (
        "from flow64 import *\nfrom flow64.blocks import *\n"
        f"hook = OutgoingWebhook(url='http://x.example', key='{key}')\n"
        "flow = Webhook(LEAD) >> hook\n"
        "w = Workflow('w', flow, project=Project('g', 'a.example'))\n"
    )
    (tmp_path / "w.py").write_text(text, "utf-8")

    for form in FORMS:
        printed = flow64("check", "w.py", "--format", form)[1]
        assert "insecure-url" in printed
        assert key not in printed
