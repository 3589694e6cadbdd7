"""The report of `flow64 doctor --report`: the service beside what flow64 assumes.

It is made to be shared. It has no content of workflows, no name that a person gave and
no id: only kinds and fields, verdicts, and the status of each answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any, Final

import attrs

from ._assumptions import AssumptionVerdict
from ._diagnosis import Diagnosis
from ._kinds import compare_kinds, read_catalogue
from ._probe import ProbeResult

FORMAT: Final = 1
"""Version of the format, under `flow64_report`."""


def make_report(found: Diagnosis, probe: ProbeResult | None = None) -> dict[str, Any]:
    """Return the report of a diagnosis and of a probe, as JSON data."""
    report = {
        "flow64_report": FORMAT,
        "flow64": version("flow64"),
        "date": datetime.now(UTC).date().isoformat(),
        "asked": [[path, status] for path, status in found.asked],
        "assumptions": [attrs.asdict(one) for one in found.assumptions],
        **compare_kinds(
            None if found.seen is None else read_catalogue(found.seen.replies)
        ),
    }
    if probe is not None:
        report |= {"probe": probe.as_data(), "switches": {**probe.switches}}
    return {**report, "verdicts": count_verdicts(report)}


def count_verdicts(report: dict[str, Any]) -> dict[AssumptionVerdict, int]:
    """Count the verdicts in a report."""
    counts = Counter(_verdicts(report))
    return {one: counts[one] for one in ("confirmed", "contradicted", "not seen")}


def _verdicts(report: dict[str, Any]) -> Iterator[AssumptionVerdict]:
    probed = report.get("probe", {"answers": ()})["answers"]
    yield from (one["verdict"] for one in (*report["assumptions"], *probed))
    for kind in report["kinds"].values():
        if "listed" in kind:
            yield kind["listed"]
        for one in kind["fields"].values():
            yield from one.get("verdicts", {}).values()
