"""Findings as annotations of GitHub: one workflow command for each.

GitHub shows each at its line of the pull request. A line break or `::` in a message is
escaped, so it does not end the command.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Final

from ..diagnostics import Finding, Severity
from ..redaction import clean_text
from ..text import printable

_COMMANDS: Final[dict[Severity, str]] = {
    "error": "error",
    "warning": "warning",
    "note": "notice",
}


def as_annotations(
    findings: Iterable[Finding], *, root: Path | None = None, about: str = ""
) -> Iterator[str]:
    """Yield findings as workflow commands, such as `::error file=leads.py,line=14::`.

    Args:
        findings: The findings.
        root: The folder of the repository. Files below it are named from there.
        about: The beginning of each message, such as the key of a workflow.
    """
    for finding in findings:
        facts = ",".join(
            f"{name}={_escape_property(str(value))}"
            for name, value in _facts(finding, root)
        )
        message = _format_message(finding, about)
        yield f"::{_COMMANDS[finding.severity]} {facts}::{_escape(message)}"


def _facts(finding: Finding, root: Path | None) -> Iterator[tuple[str, str | int]]:
    place = finding.place
    if place is not None:
        yield "file", _relative_path(root, place.file)
        yield "line", place.line
        start, end = place.count_characters()
        if start is not None:
            yield "col", start + 1  # GitHub counts from 1
        if end is not None:
            yield "endColumn", end
    yield "title", finding.code


def _relative_path(root: Path | None, file: str) -> str:
    """Return the path of a file from the folder of the repository, with slashes."""
    path = PurePath(file)
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return path.as_posix()


def _format_message(finding: Finding, about: str) -> str:
    opening = f"{about}: " if about else ""
    where = f" ({finding.where})" if finding.where else ""
    lines = [f"{opening}{finding.message}{where}"]
    if finding.help:
        lines.append(f"help: {finding.help}")
    return "\n".join(map(clean_text, lines))


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    escaped = _escape(printable(text))
    return escaped.replace(":", "%3A").replace(",", "%2C")
