"""Findings as a log of SARIF 2.1.0.

A finding keeps its fingerprint if lines above it move, and if its words change.
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

from ..analysis.reference import CompilerFault, all_pages
from ..analysis.rule import Rule
from ..diagnostics import Finding
from ..files import relative_path
from ..secrets import clean_text

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
        line = (
            ""
            if finding.place is None
            else getline(finding.place.file, finding.place.line)
        )
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
