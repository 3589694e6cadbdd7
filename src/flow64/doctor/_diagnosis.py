"""The diagnosis of `flow64 doctor`, as data that can be shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import field, frozen

from ..client import Client
from ..definition import EMPTY
from ..endpoints import host_of, is_loopback
from ..environments import Environment, Settings
from ..errors import FlowError
from ._assumptions import AssumptionResult, judge_assumptions
from ._kinds import SavedList, find_saved_list, read_catalogue
from ._requests import Examination, examine
from ._setup import (
    ConfiguredEnvironment,
    StoragePlace,
    find_home,
    find_host,
    has_address,
    list_environments,
    list_extras,
    list_places,
    list_proxies,
    list_variables,
    read_versions,
)

SKEWED: Final = 60.0
"""Seconds between two clocks that are too many: signatures expire after minutes."""

SHOWN: Final = 8
"""Characters of an id that are shown."""

STATES: Final[Mapping[str, str]] = {
    "accepted": "it is accepted",
    "refused": "it is refused (401): missing, wrong, or expired",
    "forbidden": "it is accepted, but may not do this (403): the organisation may be "
    "locked, or the plan too small",
    "unreachable": "no answer came",
    "no-token": "no access token was issued",
    "too-often": "there were too many requests (429): try again in a minute",
    "not-the-service": "the answer is not from the service",
}
"""The meaning of each state of the credential."""


@frozen(kw_only=True)
class Diagnosis:
    """The setup of this machine, and the answers of the service.

    Attributes:
        versions: Of flow64, Python and the system.
        extras: Each extra, and whether it is installed.
        file: The file of the settings, if there is one.
        blocks: The saved list of blocks; None if no setting names one.
        environments: The configured environments.
        variables: Relevant variables, and whether each is set.
        proxies: Variables of proxies, with the host of each.
        environment: The environment that was examined.
        endpoint: Its host.
        places: Where runs, replaced workflows and answers are stored.
        credential: Whether the credential was accepted, in one word.
        because: Why it was not accepted.
        organisations: The organisations that answers name, with their ids cut.
        is_expected: Whether they are the expected one; None if none is expected or
            named.
        credits: The balance.
        skew: Seconds that the service's clock is ahead.
        rates: Headers about rates.
        asked: The path of each request, and the status of its answer.
        assumptions: What flow64 assumes about the service, with verdicts.
        problems: Everything that is wrong.
        seen: The answers of the service, for a report.
    """

    versions: Mapping[str, str]
    extras: Mapping[str, bool]
    file: str | None
    blocks: SavedList | None
    environments: Sequence[ConfiguredEnvironment]
    variables: Mapping[str, bool]
    proxies: Mapping[str, str]
    environment: str
    endpoint: str | None
    places: Sequence[StoragePlace]
    credential: str | None = None
    because: str | None = None
    organisations: Sequence[str] = ()
    is_expected: bool | None = None
    credits: float | None = None
    skew: float | None = None
    rates: Mapping[str, str] = EMPTY
    asked: Sequence[tuple[str, int | None]] = ()
    assumptions: Sequence[AssumptionResult] = ()
    problems: Sequence[str]
    seen: Examination | None = field(default=None, repr=False)

    def as_data(self) -> dict[str, Any]:
        """Return it as JSON data."""
        apart = ("environment", "seen")
        data = attrs.asdict(self, filter=lambda item, _: item.name not in apart)
        return {"env": self.environment, **data}


def diagnose(
    settings: Settings,
    environment: Environment,
    *,
    connect: Callable[[], AbstractContextManager[Client]],
    describe_error: Callable[[FlowError], str] = str,
) -> Diagnosis:
    """Diagnose the setup, and the service of an environment with reads alone.

    Args:
        settings: The settings.
        environment: The environment to examine.
        connect: Opens a client of it that accepts any organisation.
        describe_error: Words an error for the report.
    """
    found = list_places(environment, settings)
    problems = [
        f"the {one.what} ({one.path}) cannot be written: {one.problem}"
        for one in found
        if one.problem is not None
    ]
    seen, expected, endpoint = None, None, None
    try:
        endpoint = find_host(environment) if environment.store is None else None
        given = environment.org_id
        expected = None if given is None else environment.text("org_id", given)
        with connect() as client:
            seen = client.call(examine)
    except FlowError as error:
        problems.append(describe_error(error))
    answers: dict[str, Any] = {}
    listed = None if seen is None else read_catalogue(seen.replies)
    saved = find_saved_list(settings, listed)
    if saved is not None and saved.problem is not None:
        problem = f"the saved list of blocks ({saved.file}) cannot be used"
        advice = "flow64 blocks sync fetches it again"
        problems.append(f"{problem}: {saved.problem}; {advice}")
    if seen is not None:
        problems += _find_problems(seen, expected, endpoint)
        answers = {
            "credential": seen.state,
            "because": seen.problem,
            "organisations": [_cut(one) for one in seen.organisations],
            "is_expected": _is_expected(seen.organisations, expected),
            "credits": seen.credits,
            "skew": seen.skew,
            "rates": seen.rates,
            "asked": seen.requests,
            "assumptions": judge_assumptions(seen.replies),
        }
    return Diagnosis(
        versions=read_versions(),
        extras=list_extras(),
        file=None if settings.file is None else settings.file.name,
        blocks=saved,
        environments=list_environments(settings),
        variables=list_variables(settings),
        proxies=list_proxies(),
        environment=environment.name,
        endpoint=endpoint,
        places=found,
        problems=[_remove_folders(problem) for problem in problems],
        seen=seen,
        **answers,
    )


def _is_expected(found: Sequence[str], expected: str | None) -> bool | None:
    if expected is None or not found:
        return None
    return set(found) == {expected}


def _find_problems(
    seen: Examination, expected: str | None, endpoint: str | None
) -> Iterator[str]:
    if seen.state != "accepted":
        why = "" if seen.problem is None else f" ({seen.problem})"
        way = _suggest_server(seen, endpoint)
        yield f"the credential: {STATES[seen.state]}{why}{way}"
    if seen.state == "unreachable" and endpoint is not None and not list_proxies():
        host = endpoint.rpartition(":")[0] or endpoint
        if not has_address(host):
            yield f"no address was found for {host}: check its spelling, and DNS"
    if _is_expected(seen.organisations, expected) is False:
        found = ", ".join(map(_cut, seen.organisations))
        yield (
            f"the credential belongs to {found}, and {_cut(str(expected))} is "
            "expected: use a key of that organisation, or correct org_id"
        )
    if seen.skew is not None and abs(seen.skew) > SKEWED:
        way = "ahead of" if seen.skew > 0 else "behind"
        yield (
            f"the service's clock is {abs(seen.skew):.0f} s {way} ours: set the clock "
            "of this machine"
        )


def _suggest_server(seen: Examination, endpoint: str | None) -> str:
    """Return how to start a server on this machine that does not answer."""
    if seen.state != "unreachable" or not is_loopback(host_of(f"http://{endpoint}")):
        return ""
    way = "start it in another terminal with flow64 serve"
    return f": {way}, or use -e emulator, which needs no server"


def _cut(text: str) -> str:
    """Cut an id, so that only those who have it recognise it."""
    return f"{text[: min(SHOWN, len(text) // 2)]}…"


def _remove_folders(problem: str) -> str:
    """Remove the working folder and the home folder from a problem."""
    for folder, sign in ((Path.cwd(), "."), (find_home(), "~")):
        problem = (
            problem.replace(str(folder), sign) if len(folder.parts) > 1 else problem
        )
    return problem
