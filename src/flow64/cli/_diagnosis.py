"""All that `flow64 doctor` finds, as data that may be shown to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import evolve, frozen

from ..doctor import Examination, Judgement, examining, judged
from ..environments import Environment, Settings, load, opened
from ..errors import FlowError
from ._exit_codes import worded
from ._local import (
    Named,
    Place,
    endpoint_of,
    environments,
    extras,
    home_folder,
    places,
    proxies,
    resolves,
    variables,
    versions,
)
from ._options import SAID
from ._service import require_credential, tell_unnamed

SKEWED: Final = 60.0
"""Seconds between two clocks that are too many: signatures and assertions live for a
few minutes."""

SHOWN: Final = 8
"""Characters of an id that are shown."""

STATES: Final[Mapping[str, str]] = {
    "accepted": "it is accepted",
    "refused": "it is refused (401): missing, wrong, or expired",
    "forbidden": "it is accepted, but may not do this (403): the organisation may be "
    "locked, or the plan too small",
    "unreachable": "nobody answers",
    "no-token": "no access token could be had",
    "too-often": "the service was asked too often (429): try again in a minute",
    "not-the-service": "the answer is not that of the service",
}
"""What each state of the credential means."""


@frozen
class Diagnosis:
    """What is set up, and what the service answers.

    Attributes:
        versions: Of flow64, Python and the system.
        extras: Each extra, and whether it is installed.
        file: The file of the settings; None where there is none.
        environments: The environments that are configured.
        variables: Variables that take part, and whether each is set.
        proxies: Variables that lead through a proxy, with the host of each.
        environment: The environment that was looked at.
        endpoint: The host that it leads to.
        places: Where things are remembered.
        credential: What became of the credential, in one word.
        because: Why, where it was not accepted.
        organisations: The organisations that answered, cut.
        is_expected: Whether they are the expected one; None where none is expected or
            none is named.
        credits: What is left to spend.
        skew: Seconds that the service's clock is ahead.
        rates: Headers about rates.
        asked: What was asked for, and the status of each answer.
        assumptions: What flow64 takes to be so, and what answers say to it.
        problems: What is wrong.
    """

    versions: Mapping[str, str]
    extras: Mapping[str, bool]
    file: str | None
    environments: Sequence[Named]
    variables: Mapping[str, bool]
    proxies: Mapping[str, str]
    environment: str
    endpoint: str | None
    places: Sequence[Place]
    credential: str | None
    because: str | None
    organisations: Sequence[str]
    is_expected: bool | None
    credits: float | None
    skew: float | None
    rates: Mapping[str, str]
    asked: Sequence[tuple[str, int | None]]
    assumptions: Sequence[Judgement]
    problems: Sequence[str]

    def as_data(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return attrs.asdict(self)


def diagnosed(env: str | None) -> Diagnosis:
    """Look at what is set up, and at the service of an environment by reads alone.

    Raises:
        SettingsError: The settings have mistakes, which come before all else.
        UnknownEnvironmentError: There is no such environment.
    """
    settings = load()
    environment = settings.environment(env)
    found = places(environment, settings)
    problems = [
        f"the {one.what} ({one.path}) cannot be written: {one.problem}"
        for one in found
        if one.problem is not None
    ]
    seen, expected, endpoint = None, None, None
    SAID.environment = environment
    try:
        endpoint = endpoint_of(environment) if environment.store is None else None
        given = environment.org_id
        expected = None if given is None else environment.text("org_id", given)
        # Whose key it is belongs into the report, and does not end it.
        require_credential(settings, environment)
        with opened(evolve(environment, org_id=None)) as client:
            tell_unnamed(settings, environment, client)
            seen = client.play(examining())
    except FlowError as error:
        problems.append(worded(error))
    if seen is not None:
        problems += _wrong(seen, expected, endpoint)
    return _made(
        settings,
        environment,
        found=found,
        seen=seen,
        expected=expected,
        endpoint=endpoint,
        problems=[_impersonal(problem) for problem in problems],
    )


def _made(
    settings: Settings,
    environment: Environment,
    *,
    found: Sequence[Place],
    seen: Examination | None,
    expected: str | None,
    endpoint: str | None,
    problems: Sequence[str],
) -> Diagnosis:
    organisations = () if seen is None else seen.organisations
    return Diagnosis(
        versions=versions(),
        extras=extras(),
        file=None if settings.file is None else settings.file.name,
        environments=environments(settings),
        variables=variables(settings),
        proxies=proxies(),
        environment=environment.name,
        endpoint=endpoint,
        places=found,
        credential=None if seen is None else seen.state,
        because=None if seen is None else seen.problem,
        organisations=[_cut(one) for one in organisations],
        is_expected=_is_expected(organisations, expected),
        credits=None if seen is None else seen.credits,
        skew=None if seen is None else seen.skew,
        rates={} if seen is None else seen.rates,
        asked=() if seen is None else seen.asked,
        assumptions=() if seen is None else judged(seen.looks),
        problems=problems,
    )


def _is_expected(found: Sequence[str], expected: str | None) -> bool | None:
    if expected is None or not found:
        return None
    return set(found) == {expected}


def _wrong(
    seen: Examination, expected: str | None, endpoint: str | None
) -> Iterator[str]:
    if seen.state != "accepted":
        why = "" if seen.problem is None else f" ({seen.problem})"
        yield f"the credential: {STATES[seen.state]}{why}"
    if seen.state == "unreachable" and endpoint is not None and not proxies():
        host = endpoint.rpartition(":")[0] or endpoint
        if not resolves(host):
            yield f"no address is known for {host}: check its spelling, and DNS"
    if _is_expected(seen.organisations, expected) is False:
        found = ", ".join(map(_cut, seen.organisations))
        yield (
            f"the credential is one of {found}, where {_cut(str(expected))} is "
            "expected: take the key of that organisation, or mend org_id"
        )
    if seen.skew is not None and abs(seen.skew) > SKEWED:
        way = "ahead of" if seen.skew > 0 else "behind"
        yield (
            f"the service's clock is {abs(seen.skew):.0f} s {way} ours: set the clock "
            "of this machine"
        )


def _cut(text: str) -> str:
    """An id that only those know again who have it."""
    return f"{text[: min(SHOWN, len(text) // 2)]}…"


def _impersonal(problem: str) -> str:
    """What is wrong, without the folders of this machine."""
    for folder, sign in ((Path.cwd(), "."), (home_folder(), "~")):
        problem = (
            problem.replace(str(folder), sign) if len(folder.parts) > 1 else problem
        )
    return problem
