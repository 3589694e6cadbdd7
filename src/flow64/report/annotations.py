"""Findings as annotations of GitHub: one workflow command for each.

GitHub shows each at its line of the pull request. A line break or `::` in a message is
escaped, so it does not end the command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from ..diagnostics import Finding, Severity, as_text
from ..secrets import clean_text
from ..text import join_words, pluralize, printable
from .sarif import format_path

_COMMANDS: Final[dict[Severity, str]] = {
    "error": "error",
    "warning": "warning",
    "note": "notice",
}


MOST_ANNOTATIONS: Final = 10
"""Annotations of one severity that GitHub shows for a step. It drops all others."""

MOST_CHARACTERS: Final = 4000
"""Characters of a message, since the runner cuts it after 4,096."""


def as_annotations(
    findings: Sequence[Finding], *, root: Path | None = None
) -> Iterator[str]:
    """Yield findings as workflow commands, such as `::error file=leads.py,line=14::`.

    If there are more of a severity than GitHub shows, the last annotation counts the
    others. They follow as text, for the log.

    Args:
        findings: The findings.
        root: The folder of the repository. Files below it are named from there.
    """
    others: list[Finding] = []
    for severity, command in _COMMANDS.items():
        same = [finding for finding in findings if finding.severity == severity]
        most = len(same) if len(same) <= MOST_ANNOTATIONS else MOST_ANNOTATIONS - 1
        for finding in same[:most]:
            facts = ",".join(
                f"{name}={_escape_property(str(value))}"
                for name, value in _facts(finding, root)
            )
            yield f"::{command} {facts}::{_escape(_format_message(finding))}"
        if more := same[most:]:
            yield f"::{command} title=more-findings::{_count_others(more)}"
            others += more
    for line in as_text(others).splitlines():
        yield line.replace("##[", "## [")  # this begins a command, too


def _count_others(findings: Sequence[Finding]) -> str:
    times = Counter(finding.code for finding in findings)
    codes = join_words(f"{code} ({count})" for code, count in times.items())
    what = pluralize(len(findings), findings[0].severity)
    return f"{what} more than GitHub shows: see the log of this step; {codes}"


def _facts(finding: Finding, root: Path | None) -> Iterator[tuple[str, str | int]]:
    place = finding.place
    if place is not None:
        yield "file", format_path(root, place.file)
        yield "line", place.line
        start, end = place.count_characters()
        if start is not None:
            yield "col", start + 1  # GitHub counts from 1
        if end is not None:
            yield "endColumn", end
    yield "title", finding.code


def _format_message(finding: Finding) -> str:
    where = f" ({finding.where})" if finding.where else ""
    lines = [f"{finding.message}{where}"]
    if finding.help:
        lines.append(f"help: {finding.help}")
    text = "\n".join(map(clean_text, lines))
    if (more := len(text) - MOST_CHARACTERS) <= 0:
        return text
    return f"{text[:MOST_CHARACTERS]}… ({pluralize(more, 'more character')})"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    escaped = _escape(printable(text))
    return escaped.replace(":", "%3A").replace(",", "%2C")
