"""One thing is never many: no output of a command says `1 rows`."""

from __future__ import annotations

import re

WRONG = re.compile(
    r"\b1 (?:workflows|rows|files|blocks|runs|things|requests|errors|warnings|notes"
    r"|kinds|values|columns|keys|reads|fields|edges|copies|orphans)\b"
)

LINES = (
    "check leads.py",
    "compile leads.py -o out",
    "compile leads.py -o out --check",
    "plan leads.py",
    "deploy leads.py --dry-run",
    "deploy leads.py --yes",
    "plan leads.py",
    "review leads.py",
    "diff code:inbound emulator",
    "diff leads.py default",
    "same default other",
    "list",
    "history",
    "graph leads.py",
    "run leads.py one.csv --dry-run --intent a",
    "run leads.py one.csv --yes --intent a -o rows.csv",
    "runs",
    "pull default --all -o live",
    "pull default --all -o live",
    "code leads.py",
    "doctor",
    "determinism leads.py",
    "blocks find_email",
    "blocks sync",
    "blocks sync",
)


def test_no_line_has_one_and_a_plural(service, leads, flow64, tmp_path):
    """Each command, with one workflow, one row and one run."""
    (tmp_path / "one.csv").write_text("email,company\nada@acme.example,Acme\n", "utf-8")
    wrong = []
    for line in LINES:
        _, printed, told = flow64(*line.split())
        wrong += [
            (line, each) for each in (printed + told).splitlines() if WRONG.search(each)
        ]
        if line == "compile leads.py -o out":
            (tmp_path / "out" / "inbound.json").write_text("{}", "utf-8")

    assert wrong == []
