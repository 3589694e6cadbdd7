"""`[tool.flow64.rules]`, `--strict` and `--error`: which findings are failures."""

from __future__ import annotations

import json

import pytest

TEXT = """
from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook

growth = Project("growth", namespace="{namespace}")
flow = Webhook(LEAD) >> OutgoingWebhook(url="http://hooks.acme.example/x"{more})
inbound = Workflow("Inbound", flow, key="inbound", project=growth)
"""


@pytest.fixture
def source(tmp_path, monkeypatch, namespace):
    """Write a source whose workflow has a warning, with rules of the project."""
    monkeypatch.chdir(tmp_path)

    def written(*rules, more=""):
        text = TEXT.format(namespace=namespace, more=more)
        (tmp_path / "leads.py").write_text(text, "utf-8")
        lines = ["[tool.flow64]", 'source = "leads.py"']
        lines += ["[tool.flow64.rules]", *rules] if rules else []
        (tmp_path / "pyproject.toml").write_text("\n".join(lines), "utf-8")

    return written


def severity(flow64, *words):
    """Return the exit code, and the severity of the finding; None without it."""
    code, printed, _ = flow64("check", *words, "--json")
    found = json.loads(printed)["findings"]
    return code, {one["code"]: one["severity"] for one in found}.get("insecure-url")


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("error", (1, "error")),
        ("warning", (0, "warning")),
        ("note", (0, "note")),
        ("ignore", (0, None)),
    ],
)
def test_rule(source, flow64, setting, expected):
    """A rule raises a warning, lowers it, or leaves it out."""
    source(f'insecure-url = "{setting}"')

    assert severity(flow64) == expected
    assert severity(flow64, "--error", "insecure-url") == (1, "error")


def test_strict(source, flow64):
    """With `--strict` a warning fails, and a note does not."""
    source()
    assert severity(flow64) == (0, "warning")
    assert severity(flow64, "--strict") == (1, "warning")

    source('insecure-url = "note"')
    assert severity(flow64, "--strict") == (0, "note")


def test_allow_comes_first(source, flow64):
    """What a block silences in the code stays silent."""
    source('insecure-url = "error"', more=', allow=["insecure-url"]')

    assert severity(flow64, "--strict") == (0, None)


def test_unknown_code(source, flow64):
    """Another code is an error that names the right one, in both places."""
    source()
    code, _, told = flow64("check", "--error", "insecure-ur")
    assert (code, "(did you mean 'insecure-url'?)" in told) == (64, True)
    code, _, told = flow64("check", "--error", "nope")
    assert (code, "finding; flow64 help findings lists all codes" in told) == (64, True)

    source('insecure-ur = "note"', 'late-filter = "ignor"', "cost-estimate = 5")
    code, _, told = flow64("check")
    assert (code, "(did you mean 'insecure-url'?)" in told) == (1, True)
    assert "insecure-ur is not the code of a finding (did" in told
    assert "late-filter is 'ignor'; write error, warning, note or ignore" in told
    assert "cost-estimate is not a text; write error" in told


def test_errors_stay_errors(source, flow64):
    """A documented refusal cannot be ignored, and the message says so."""
    source('row-kind-mismatch = "ignore"')

    code, _, told = flow64("check")

    assert code == 1
    assert "row-kind-mismatch cannot be 'ignore': the service is documented to" in told


def test_allow_is_gone(source, flow64, tmp_path):
    """The setting that did nothing is refused with what to write instead."""
    source()
    text = '[tool.flow64]\nsource = "leads.py"\nallow = ["insecure-url"]\n'
    (tmp_path / "pyproject.toml").write_text(text, "utf-8")

    code, _, told = flow64("check")

    assert code == 1
    assert 'allow is not a key here: write rules = { "CODE" = "ignore" }' in told


def test_compile_and_deploy_go_on(service, source, flow64):
    """What a project calls an error stops a check, and neither compile nor deploy."""
    source('insecure-url = "error"')

    assert flow64("check")[0] == 1
    assert flow64("compile")[0] == 0
    assert flow64("plan")[0] == 0
    assert flow64("deploy", "--yes")[0] == 0


def test_strict_plan(service, source, flow64, tmp_path):
    """Warnings fail it before anything is asked, and nothing is saved."""
    source()
    before = len(service.requests)

    code, printed, told = flow64("plan", "--strict", "-o", "a.plan", "--json")

    (faults,) = json.loads(printed)["error"]["workflows"]
    assert (code, faults["key"]) == (1, "inbound")
    assert [one["code"] for one in faults["findings"]] == ["insecure-url"]
    assert "warning[insecure-url]" in told
    assert (len(service.requests), (tmp_path / "a.plan").exists()) == (before, False)
    source('insecure-url = "note"')
    assert flow64("plan", "--strict", "-o", "a.plan")[0] == 0


def test_plan_shows_no_ignored_finding(service, source, flow64):
    """A plan and a review leave out what the project ignores."""
    source()
    shown = flow64("review", "--json")[1]
    source('insecure-url = "ignore"')

    assert "insecure-url" in shown
    assert "insecure-url" not in flow64("review", "--json")[1]
