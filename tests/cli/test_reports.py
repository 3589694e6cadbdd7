"""`flow64 check --format`: reports for GitHub, GitLab and readers of SARIF."""

from __future__ import annotations

import json
import re

import pytest
from jsonschema import Draft202012Validator

from flow64.analysis.reference import all_pages

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


@pytest.mark.parametrize("form", ["sarif"])
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


FORMS = ["json", "github", "sarif"]


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
