"""A rule about silenced codes: `allow=` names a code that does not exist."""

from __future__ import annotations

from collections.abc import Iterator

from ...definition import Definition
from ...text import did_you_mean, shortened
from ._rule import Found, rule


@rule(
    "facts",
    "warning",
    advice=("write the code that a finding shows; leave out one that no longer exists"),
    example='flow = Webhook(LEAD) >> FindEmail(allow=["no-sources"])',
)
def unknown_allow(definition: Definition) -> Iterator[Found]:
    """`allow=` names a code that no finding has, so it silences nothing.

    It may be misspelt, or the code of another release.
    """
    silenced = [
        (None, sorted(definition.allowed)),
        *((at, one.allowed) for at, one in enumerate(definition.origins.origins)),
    ]
    for position, codes in silenced:
        for code in codes:
            if code not in _all_codes():
                near = did_you_mean(code, _all_codes())
                message = f"allow names {shortened(code)}, which no finding has{near}"
                yield Found(position, message)


def _all_codes() -> frozenset[str]:
    from .._reference import pages_by_code  # noqa: PLC0415 - this rule is one of them

    return frozenset(pages_by_code())
