"""Failures with `--json`: an object on stdout, and the text on stderr."""

from __future__ import annotations

import json

import pytest


@pytest.mark.parametrize(
    ("words", "kind", "message"),
    [
        (["graphh"], "UsageError", "did you mean 'graph'?"),
        (["check", "--stric"], "UsageError", "--strict"),
        (["check", "nothing.py"], "SourceError", "there is no file"),
        (["list", "-e", "prod"], "ConfigError", "prod"),
        (["restore", "-e"], "UsageError", ""),
        (["check", "--format", "sarif"], "UsageError", "contradicts --json"),
    ],
)
def test_usage(leads, flow64, words, kind, message):
    """A command line that is wrong prints one too, if it has `--json`."""
    (leads.with_name("pyproject.toml")).write_text(
        '[tool.flow64.environments.staging]\napi_key = { env = "K" }\n', "utf-8"
    )

    found, printed, told = flow64(*words[:1], "--json", *words[1:])

    error = json.loads(printed)["error"]
    assert (found, error["type"], error["exit_code"]) == (64, kind, 64)
    assert message in error["message"]
    assert told.startswith("error: ")


def test_errors_of_workflows(leads, flow64):
    """A compile lists the findings of each workflow that has errors."""
    text = leads.read_text("utf-8").replace('"title": "Job title"', '"": "x"')
    leads.write_text(text.replace("Webhook(LEAD", "Webhook(COMPANY"), "utf-8")
    head = "from flow64 import COMPANY\n"
    leads.write_text(head + leads.read_text("utf-8"), "utf-8")

    code, printed, told = flow64("compile", "leads.py", "--json")

    error = json.loads(printed)["error"]
    (faults,) = error["workflows"]
    assert (code, error["type"], faults["key"]) == (1, "CompileError", "inbound")
    assert {one["severity"] for one in faults["findings"]} == {"error"}
    assert error["message"] in told


def test_crash(leads, flow64, monkeypatch):
    """What should not happen is an error as data, too."""

    def fail(*_args, **_options):
        raise ZeroDivisionError

    monkeypatch.setattr("flow64.cli._params.load_source", fail)

    code, printed, _ = flow64("check", "leads.py", "--json")

    error = json.loads(printed)["error"]
    assert (code, error["type"]) == (1, "ZeroDivisionError")
    assert "which it should not" in error["message"]


def test_refused_run(service, leads, people, flow64):
    """The option that helps is in `help`."""
    flow64("deploy", "leads.py", "--yes")

    words = ("run", "leads.py", "people.csv", "--new", "--yes", "--max-rows", "1")
    code, printed, _ = flow64(*words, "--json")

    error = json.loads(printed)["error"]
    assert (code, error["type"]) == (3, "BudgetError")
    assert error["help"].startswith("give it fewer rows")
