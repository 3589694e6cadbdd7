"""`flow64 check`: list errors and warnings of workflows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from attrs import evolve, frozen

from .. import loading
from ..analysis.check import all_pages, explain_finding
from ..diagnostics import SEVERITIES, Finding, as_text
from ..report.findings import as_annotations, as_sarif
from ..text import did_you_mean, join_names, pluralize, shortened
from . import params, printing
from .commands import STATE
from .compile import tell_if_stale
from .errors import FAILED

WIDTH: Final = 80
"""The most columns of prose, also on a wider terminal."""


@frozen
class Checked:
    """The findings of some workflows.

    Attributes:
        findings: Each finding once, with the names of its workflows.
        count: The number of workflows.
        is_strict: Whether warnings fail too.
    """

    findings: Sequence[tuple[Sequence[str], Finding]]
    count: int
    is_strict: bool

    def count_of(self, severity: str) -> int:
        """Return how many findings have a severity."""
        return sum(finding.severity == severity for _, finding in self.findings)

    @property
    def has_failed(self) -> bool:
        """Whether there is an error, or with `--strict` a warning."""
        return bool(
            self.count_of("error") or (self.is_strict and self.count_of("warning"))
        )

    def list_findings(self, *severities: str) -> list[Finding]:
        """Return findings by severity, each with its workflows."""
        return [
            evolve(finding, message=f"{join_names(names)}: {finding.message}")
            if self.count > 1 and names
            else finding
            for severity in severities
            for names, finding in self.findings
            if finding.severity == severity
        ]

    def __rich__(self) -> str:
        shown = SEVERITIES if STATE.is_verbose else SEVERITIES[:2]
        text = as_text(self.list_findings(*shown), printing.find_width(sys.stdout))
        return f"{text}{self}"

    def __str__(self) -> str:
        failing = {
            name
            for names, finding in self.findings
            if finding.severity == "error"
            for name in names
        }
        parts = [
            pluralize(self.count_of(severity), severity)
            for severity in SEVERITIES[:2]
            if self.count_of(severity)
        ]
        if STATE.is_verbose and self.count_of("note"):
            parts.append(pluralize(self.count_of("note"), "note"))
        if fine := self.count - len(failing):
            parts.append(f"{fine:,} ok")
        return ", ".join(parts) or "no workflow"


@params.command(
    "check",
    "flow64 check pipelines/leads.py",
    "flow64 check --strict",
    "flow64 check compiled --no-code --format github",
    "flow64 check --explain late-filter",
)
@params.source
@params.selection
@params.ids_env
@params.option("--strict", "Exit with 1 for warnings too.")
@params.form(
    ("text", "json", "github", "sarif"),
    "`github` marks the lines of a pull request, `sarif` is SARIF 2.1.0.",
)
@params.option("--explain code", "Explain this finding, and check nothing.", "CODE")
@params.no_code
def command(
    *,
    source: str | None,
    selection: loading.Selection,
    env: str | None,
    strict: bool,
    form: str | None,
    code: str | None,
    no_code: bool,
) -> int:
    """List errors and warnings of workflows, and with -v notes.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code. Nothing is sent, or only reads of what is live.

    Exits with 1 if there is an error. A module or file that cannot be loaded is an
    error, and all others are still checked. [tool.flow64.rules] gives findings other
    severities, or leaves them out.
    """
    if code is not None:
        return _explain(code)
    loaded = params.load(
        source,
        env,
        selection=selection,
        code=not no_code,
        may_be_empty=True,
        lenient=True,
    )
    findings: list[tuple[str | None, Finding]] = [(None, f) for f in loaded.findings]
    for workflow in loaded.workflows:
        checked = workflow.workflow.check(env)
        findings += [(workflow.name, finding) for finding in checked]
    result = Checked(_merge_equal(findings), len(loaded.workflows), strict)
    match form:
        case "json":
            data = [{"key": name, **finding.as_data()} for name, finding in findings]
            printing.emit_data({"findings": data})
        case "sarif":
            sarif = as_sarif(result.list_findings(*SEVERITIES), root=_find_root())
            printing.write(printing.format_json(sarif))
        case "github":
            lines = as_annotations(result.list_findings(*SEVERITIES), root=_find_root())
            printing.show("\n".join(lines))
            printing.message(str(result))
        case _:
            printing.emit(result)
    if not result.has_failed:
        tell_if_stale(loaded)
    return FAILED if result.has_failed else 0


def _explain(code: str) -> int:
    """Print the page of a finding.

    Raises:
        click.UsageError: No finding has this code.
    """
    if code not in all_pages():
        near = did_you_mean(code, all_pages())
        problem = f"{shortened(code)} is not the code of a finding{near}"
        raise params.option_error("--explain", problem)
    width = min(printing.find_width(sys.stdout) or WIDTH, WIDTH)
    printing.show("\n".join(explain_finding(code, width)))
    return 0


def _find_root() -> Path:
    """Return the folder of the repository; without one, the working folder."""
    here = Path.cwd()
    folders = (here, *here.parents)
    return next((folder for folder in folders if (folder / ".git").exists()), here)


def _merge_equal(
    findings: Sequence[tuple[str | None, Finding]],
) -> Sequence[tuple[Sequence[str], Finding]]:
    """Return each finding once, with the names of its workflows.

    Those of variants differ only in ids, which their text does not have.
    """
    merged: dict[str, tuple[list[str], Finding]] = {}
    for name, finding in findings:
        names: Any
        names, _ = merged.setdefault(as_text([finding]), ([], finding))
        if name is not None and name not in names:
            names.append(name)
    return [*merged.values()]
