"""The rules of a project: findings with another severity, or without any.

`[tool.flow64.rules]` has them. They change findings only. A compile always refuses
what the service is documented to refuse.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal, TypeAlias, get_args

from attrs import evolve

from ...diagnostics import Finding, Severity
from ...text import did_you_mean, shortened

RuleSetting: TypeAlias = Literal["error", "warning", "note", "ignore"]
"""What a project makes of a finding."""

SETTINGS: Final[tuple[RuleSetting, ...]] = get_args(RuleSetting)

_ALWAYS: Final = (
    "the service is documented to refuse it, or it cannot be compiled, so "
    "[tool.flow64.rules] cannot make it less than an error"
)


_LISTED: Final = "the docs list all codes"


def apply_rules(
    found: Iterable[Finding], rules: Mapping[str, RuleSetting]
) -> list[Finding]:
    """Return findings with the severities that a project gives them.

    Those that it ignores are left out. An error stays one, and says why.
    """
    if not rules:
        return [*found]
    changed = (_apply(finding, rules.get(finding.code)) for finding in found)
    return [finding for finding in changed if finding is not None]


def _apply(finding: Finding, setting: RuleSetting | None) -> Finding | None:
    if setting is None or setting == finding.severity:
        return finding
    if finding.severity == "error":
        return evolve(finding, message=f"{finding.message} ({_ALWAYS})")
    return None if setting == "ignore" else evolve(finding, severity=setting)


def describe_wrong_rule(code: str, setting: object) -> str | None:
    """Describe what is wrong with a rule of a project; None if it is right."""
    known = severities_by_code()
    if code not in known:
        near = did_you_mean(code, known)
        return f"is not the code of a finding{near or f'; {_LISTED}'}"
    if setting not in SETTINGS:
        near = did_you_mean(setting, SETTINGS) if isinstance(setting, str) else ""
        given = shortened(setting) if isinstance(setting, str) else "not a text"
        return f"is {given}; write error, warning, note or ignore{near}"
    if {*known[code]} == {"error"} and setting != "error":
        return f"cannot be {setting!r}: {_ALWAYS}; leave it out"
    return None


def severities_by_code() -> Mapping[str, Iterable[Severity]]:
    """Return the possible severities of each finding, by its code."""
    from .._reference import all_pages  # noqa: PLC0415 - it reads the rules

    return {code: page.severities for code, page in all_pages().items()}
