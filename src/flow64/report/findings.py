"""Findings as a log of SARIF 2.1.0, and as annotations of GitHub.

In SARIF, a finding keeps its fingerprint if lines above it move, and if its words
change. GitHub shows each annotation at its line of the pull request. A line break or
`::` in a message is escaped, so it does not end the command.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from importlib.metadata import metadata
from linecache import checkcache, getline
from pathlib import Path, PurePath
from typing import Any, Final
from urllib.parse import quote

from ..analysis.check import CompilerFault, all_pages
from ..analysis.rule import Rule
from ..diagnostics import SEVERITIES, Finding, as_text
from ..files import relative_path
from ..secrets import clean_text
from ..text import join_words, pluralize, printable

_SCHEMA: Final = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
    "sarif-schema-2.1.0.json"
)

_FINGERPRINT: Final = "flow64/v1"
"""The name of our fingerprints. It changes with how they are computed."""

_ROOT: Final = "%SRCROOT%"
"""The name of the folder that paths begin at, which SARIF and GitHub use."""

_ROOT_TEXT: Final = "The root of the repository."
"""What that folder is. Its address is left out: it depends on the machine."""


def as_sarif(
    findings: Sequence[Finding], *, root: Path | None = None
) -> dict[str, Any]:
    """Return findings as a log of SARIF 2.1.0, with the page of each code as its rule.

    Args:
        findings: The findings.
        root: The folder of the repository. Files below it are named from there.
    """
    pages = all_pages()
    codes = sorted(pages)
    marks = _fingerprints(findings, root)
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "flow64",
                        "version": str(metadata("flow64")["Version"]),
                        "rules": [_rule(code, pages[code]) for code in codes],
                    }
                },
                "originalUriBaseIds": {_ROOT: {"description": {"text": _ROOT_TEXT}}},
                "columnKind": "unicodeCodePoints",
                "results": [
                    {
                        "ruleId": finding.code,
                        "ruleIndex": codes.index(finding.code),
                        "level": finding.severity,
                        "message": {"text": _describe(finding)},
                        "locations": [_location(finding, root)],
                        "partialFingerprints": {_FINGERPRINT: mark},
                    }
                    for finding, mark in zip(findings, marks, strict=True)
                ],
            }
        ],
    }


def format_path(root: Path | None, file: str) -> str:
    """Return the path of a file from the folder of the repository, with slashes."""
    return PurePath(file if root is None else relative_path(file, root)).as_posix()


def _path(finding: Finding, root: Path | None) -> str:
    return "." if finding.file is None else format_path(root, finding.file)


def _fingerprints(findings: Sequence[Finding], root: Path | None) -> Iterator[str]:
    """Yield a unique text for each finding, which does not depend on line numbers."""
    times: Counter[tuple[str, ...]] = Counter()
    for file in {finding.file for finding in findings} - {None}:
        checkcache(file)
    for finding in findings:
        place = finding.place
        line = getline(place.file, place.line) if place else ""
        facts = (finding.code, _path(finding, root), finding.where or "", line.strip())
        times[facts] += 1
        # Equal ones, as of two fields of one block, are told apart by their order.
        text = "\0".join((*facts, str(times[facts])))
        yield sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _describe(finding: Finding) -> str:
    advice = f"; help: {finding.help}" if finding.help else ""
    return clean_text(f"{finding.message}{advice}")


def _rule(code: str, page: Rule | CompilerFault) -> dict[str, Any]:
    advice = f"{page.advice[:1].upper()}{page.advice[1:]}."
    first = page.meaning.partition("\n\n")[0].replace("\n", " ")
    return {
        "id": code,
        "shortDescription": {"text": first.replace("`", "")},
        "fullDescription": {"text": page.meaning.replace("`", "")},
        "help": {
            "text": f"Fix: {advice}".replace("`", ""),
            "markdown": f"{page.meaning}\n\n**Fix:** {advice}",
        },
        "defaultConfiguration": {"level": page.severities[0]},
        "properties": {"tags": [page.family]},
    }


def _location(finding: Finding, root: Path | None) -> dict[str, Any]:
    location: dict[str, Any] = {}
    if finding.place is not None:
        place = finding.place
        path = format_path(root, place.file)
        is_below = not PurePath(path).is_absolute()
        uri = quote(path) if is_below else PurePath(path).as_uri()
        base = {"uriBaseId": _ROOT} if is_below else {}
        start, end = place.count_characters()
        region = {"startLine": place.line}
        if start is not None and end is not None:
            region |= {"startColumn": start + 1, "endColumn": end + 1}
        artifact = {"uri": uri, **base}
        location["physicalLocation"] = {"artifactLocation": artifact, "region": region}
    if finding.where:
        location["logicalLocations"] = [
            {"fullyQualifiedName": clean_text(finding.where)}
        ]
    return location


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
    for severity in SEVERITIES:
        command = "notice" if severity == "note" else severity
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
