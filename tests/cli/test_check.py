"""`flow64 check`: findings as text, as data and for forges, and when it fails."""

from __future__ import annotations

import json
import re

import pytest

from flow64 import LEAD, Workflow
from flow64.analysis.check import all_pages
from flow64.blocks import FindEmail, Webhook
from flow64.definition import dumps

FAULTY = """
from flow64 import COMPANY, LEAD, Project, Workflow
from flow64.blocks import CompanyEnrichment, FindEmail, Webhook

growth = Project("growth", namespace="acme.example")
flow = Webhook(COMPANY) >> CompanyEnrichment(return_fields={"a": "b"}) >> FindEmail()
mixed = Workflow("Mixed\\x1b[31m", flow, key="mixed\\x1b[31m", project=growth)
"""
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


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write_file(name, text):
        (tmp_path / name).write_text(text, "utf-8")
        return name

    return write_file


def test_what_is_fine_is_one_line_and_notes_come_on_demand(leads, flow64):
    assert flow64("check", "leads.py") == (0, "1 ok\n", "")
    assert "note[effects]" in flow64("check", "leads.py", "-v")[1]


def test_error_fails_and_names_the_line(write, flow64):
    source = write("faulty.py", FAULTY)

    code, printed, _ = flow64("check", source)
    (error,) = [
        finding
        for finding in json.loads(flow64("check", source, "--json")[1])["findings"]
        if finding["severity"] == "error"
    ]

    assert code == 1
    assert "faulty.py:6 error[row-kind-mismatch]" in printed
    assert printed.endswith("1 error\n")
    assert (error["key"], error["line"]) == ("mixed\x1b[31m", 6)


@pytest.mark.parametrize("cron", ["0 9 * *", "0 25 * * *"])
def test_wrong_schedule_of_variants_is_told_once(write, flow64, cron):
    """Also if each has another time."""
    schedule = f"schedules=[Schedule('daily', '{cron}'.replace('0', region, 1))]"
    text = FLEET.replace("import LEAD", "import LEAD, Schedule")
    text = text.replace("project=growth)", f"project=growth, {schedule})")

    told = flow64("check", write("fleet.py", text))[1]

    assert len(re.findall(r"\[(?:invalid-schedule|unreadable-cron)\]", told)) == 1


def test_rules_of_the_settings_judge_code_and_what_is_live(configured, flow64):
    file = configured.with_name("pyproject.toml")
    rule = '[tool.flow64.rules]\neffects = "error"\n'
    flow64("deploy", "-e", "prod", "--yes")
    file.write_text(file.read_text("utf-8") + rule, "utf-8")

    assert flow64("check")[0] == flow64("check", "prod:inbound")[0] == 1


def test_the_same_finding_of_variants_is_told_once(write, flow64):
    source = write("fleet.py", FLEET)

    code, printed, _ = flow64("check", source)
    strict = flow64("check", source, "--strict")[0]
    data = json.loads(flow64("check", source, "--json")[1])["findings"]
    github = flow64("check", source, "--format", "github")[1]

    assert (code, strict) == (0, 1)
    assert printed.count("warning[insecure-url]") == 1
    assert "v11, 28 more: " in printed
    assert printed.endswith("1 warning, 40 ok\n")
    assert len([one for one in data if one["code"] == "insecure-url"]) == 40
    assert github.count("::warning ") == 1


def test_blocks_of_json_in_one_line_are_told_apart(write, flow64):
    """The service answers so. Each finding shows its block, and not all of the line."""
    flow = Webhook(LEAD)
    for number in range(2, 101):
        mode = "BUSINESS" if number in (21, 91) else "PERSONAL"
        flow = flow >> FindEmail(key=f"{number:03}", mode=mode)
    definition = Workflow("Leads", flow, key="leads").lower().definition

    printed = flow64("check", write("live.json", dumps(definition, indent=None)))[1]

    excerpts = re.findall(r"unknown-word.*\n    (.*)\n    ( \^+)\n", printed)
    blocks = [json.loads(line[1 : len(marks)]) for line, marks in excerpts]
    assert [block["sequence_number"] for block in blocks] == [21, 91]
    assert max(map(len, printed.splitlines())) <= 200


def test_file_that_cannot_be_loaded_hides_no_other(write, leads, flow64, tmp_path):
    """The traceback is that of the user's own code."""
    write("faulty.py", FAULTY)
    write("broken.py", "import faulty\n\nfaulty.nothing()")
    flow64("compile", "leads.py", "-o", "made")
    (tmp_path / "made/flow64.json").unlink()
    (tmp_path / "made/other.json").write_text('{\n"workflow_definition": 5}', "utf-8")

    code, printed, told = flow64("check", ".")
    of_json = flow64("check", "made", "--no-code")

    assert (code, "error[row-kind-mismatch]" in printed) == (1, True)
    assert "broken.py:3 error[unloadable-file] " in printed
    assert "\n    faulty.nothing()\n    ^^^^" in printed
    assert "flow64/loading" not in told
    assert "made/other.json:2 error[unloadable-file]" in of_json[1]
    assert (of_json[0], of_json[1].endswith("1 error, 1 ok\n")) == (1, True)


# -- Reports ---------------------------------------------------------------------------


def test_sarif_names_each_place_once_from_the_root(write, flow64, tmp_path):
    (tmp_path / ".git").mkdir()
    source = write("fleet.py", FLEET)

    def read():
        (run,) = json.loads(flow64("check", source, "--format", "sarif")[1])["runs"]
        return run

    run = read()
    write("fleet.py", f"# a note\n\n{FLEET}")
    moved = read()

    rules = run["tool"]["driver"]["rules"]
    (hook,) = [one for one in run["results"] if one["ruleId"] == "insecure-url"]
    place = hook["locations"][0]["physicalLocation"]
    line = FLEET.splitlines()[place["region"]["startLine"] - 1]
    start, end = place["region"]["startColumn"] - 1, place["region"]["endColumn"] - 1
    assert place["artifactLocation"]["uri"] == "fleet.py"
    assert re.fullmatch(r'OutgoingWebhook\(.*key="hook"\)', line[start:end])
    assert [rule["id"] for rule in rules] == sorted(all_pages())
    marks = [[one["partialFingerprints"] for one in r["results"]] for r in (run, moved)]
    assert marks[0] == marks[1]


def test_name_that_looks_like_a_key_is_masked_in_each_format(write, flow64):
    key = "sk_live_not_a_real_key_0123456789abcdef"
    write("w.py", FLEET.replace('key="hook"', f"key={key!r}"))

    for form in ("text", "json", "github", "sarif"):
        printed = flow64("check", "w.py", "--format", form)[1]
        assert "insecure-url" in printed
        assert key not in printed
