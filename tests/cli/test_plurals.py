"""One thing is never many: no output of a command says `1 rows`."""

from __future__ import annotations

import re

import pytest

WRONG = re.compile(
    r"\b1 (?:workflows|rows|files|blocks|runs|things|requests|errors|warnings|notes"
    r"|kinds|values|columns|keys|reads|fields|edges|copies|orphans)\b"
)

LINES = (
    (0, "check leads.py"),
    (0, "compile leads.py -o out"),
    (1, "compile leads.py -o out --check"),
    (0, "plan leads.py"),
    (0, "deploy leads.py --dry-run"),
    (0, "deploy leads.py --yes"),
    (0, "plan leads.py"),
    (0, "review leads.py"),
    (2, "diff old.py leads.py --exit-code"),
    (0, "diff leads.py default"),
    (0, "same default other"),
    (0, "list"),
    (0, "history"),
    (0, "graph leads.py"),
    (0, "run leads.py one.csv --dry-run --intent a"),
    (0, "run leads.py one.csv --yes --intent a -o rows.csv"),
    (0, "runs"),
    (0, "pull default --all -o live"),
    (1, "pull default --all -o live"),
    (0, "code leads.py"),
    (0, "doctor"),
    (0, "determinism leads.py"),
    (0, "blocks find_email"),
    (0, "blocks sync"),
    (0, "blocks sync"),
)


@pytest.mark.slow
def test_no_line_has_one_and_a_plural(service, leads, flow64, tmp_path):
    """Each command, with one workflow, one row and one run."""
    (tmp_path / "one.csv").write_text("email,company\nada@acme.example,Acme\n", "utf-8")
    text = leads.read_text("utf-8").replace("Inbound leads", "Leads")
    (tmp_path / "old.py").write_text(text, "utf-8")
    wrong, ended = [], []
    for _, line in LINES:
        code, printed, told = flow64(*line.split())
        ended.append((code, line))
        wrong += [
            (line, each) for each in (printed + told).splitlines() if WRONG.search(each)
        ]
        if line == "compile leads.py -o out":
            (tmp_path / "out" / "inbound.json").write_text("{}", "utf-8")

    assert wrong == []
    assert ended == [*LINES]
