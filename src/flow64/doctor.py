"""Doctor: the setup of this machine, and what the service answers to a few reads.

What comes out may be shared: it has no key, no value of a variable, no user name, no
whole id, and nothing of a workflow.
"""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from attrs import field, frozen

from .analysis.live import LiveCatalogue, LiveField, read_fields, walk_fields
from .api import calls
from .api.network import Policy
from .api.session import Session
from .blocks import BUILT_IN, specs_schema
from .client import Client
from .environments import Environment, OAuthFile, Reference, Settings
from .errors import FlowError, ReadError
from .secrets import has_key
from .text import join_words, pluralize

SKEWED: Final = 60.0
"""Seconds between two clocks from which signatures and tokens may be refused."""

TIMEOUT: Final = 30.0
"""Seconds that one request may take. None is repeated."""

MOST_WORDS: Final = 60
"""Maximum words of one field in a report."""


@frozen
class Check:
    """One line of the diagnosis.

    Attributes:
        name: What was checked.
        says: What was seen; what to do if something is wrong.
        is_problem: Whether something is wrong.
        details: Further lines.
    """

    name: str
    says: str
    is_problem: bool = False
    details: Sequence[str] = ()


@frozen
class Diagnosis:
    """All checks.

    Attributes:
        live: The list of blocks; None if the service did not answer it.
    """

    checks: Sequence[Check]
    live: LiveCatalogue | None = field(default=None, repr=False)


def diagnose(
    settings: Settings,
    environment: Environment,
    connect: Callable[[], AbstractContextManager[Client]],
    describe_error: Callable[[FlowError], str] = str,
) -> Diagnosis:
    """Check the setup, and what the service answers to four reads.

    Args:
        settings: The settings of the project.
        environment: The environment to look at.
        connect: Opens a client of it that accepts any organisation.
        describe_error: Words an error for the user.
    """
    checks = [*_check_setup(settings, environment)]
    try:
        with connect() as opened:
            session = opened.session
            session.policy = Policy(timeout=TIMEOUT, retries=0)
            try:
                checks += _check_credential(session, environment)
            finally:
                checks.append(_check_clock(session.service_time, time.time()))
            live = calls.list_blocks(session)
    except FlowError as error:
        text = _hide_folders(describe_error(error))
        first, *more = text.splitlines() or [""]
        checks.append(Check("service", first, is_problem=True, details=more))
        return Diagnosis(checks)
    checks.append(_check_blocks(settings, live))
    return Diagnosis(checks, live)


# -- The setup -------------------------------------------------------------------------


def _check_setup(settings: Settings, environment: Environment) -> Iterator[Check]:
    system = f"Python {platform.python_version()}, {platform.system()}"
    missing = [extra for extra, is_there in list_extras().items() if not is_there]
    without = f", without the extras {join_words(missing)}" if missing else ""
    yield Check("flow64", f"{version('flow64')}, {system}{without}")
    file = "none: the variables alone"
    names = [name for name in settings.environments if name != environment.name]
    if settings.file is not None:
        others = f", beside {join_words(names, 5)}" if names else ""
        file = f"{settings.file.name}: {environment.name}{others}"
    yield Check("settings", file, details=[*_list_variables(settings)])
    yield Check("endpoint", _describe_endpoint(environment))
    for name in ("journal", "history"):
        path = getattr(environment, name) or getattr(settings, name, None)
        folder = Path(path or ".flow64").absolute()
        while not folder.exists() and folder.parent != folder:
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            problem = f"{_hide_folders(str(folder))} cannot be written"
            yield Check(name, problem, is_problem=True)


def list_extras() -> Mapping[str, bool]:
    """Return each extra, and whether all its requirements are installed."""
    about = metadata("flow64")
    needs = about.get_all("Requires-Dist") or []
    return {
        extra: all(
            _is_installed(need)
            for need in needs
            if re.search(rf"extra == ['\"]{re.escape(extra)}['\"]", need)
        )
        for extra in sorted(about.get_all("Provides-Extra") or [])
    }


def _is_installed(need: str) -> bool:
    name = re.match(r"[A-Za-z0-9._-]+", need)
    try:
        return name is not None and bool(version(name[0]))
    except PackageNotFoundError:
        return False


def _list_variables(settings: Settings) -> Iterator[str]:
    """Yield each environment with its credential, and the variables that are set."""
    for environment in settings.environments.values():
        match environment.credential:
            case Reference(variable=name):
                credential = name if os.environ.get(name) else f"{name} (not set)"
            case OAuthFile():
                credential = "an OAuth client"
            case _:
                credential = "the variables" if environment.is_of_variables else "none"
        endpoint = _describe_endpoint(environment)
        yield f"{environment.name}: {endpoint}, credential: {credential}"
    names = [name for name in os.environ if name.startswith(("SIXTYFOUR_", "FLOW64_"))]
    proxies = [name for name in os.environ if name.upper().endswith("_PROXY")]
    yield f"variables: {join_words(sorted([*names, *proxies])) or 'none'}"


def _describe_endpoint(environment: Environment) -> str:
    """Return the host of an environment, without a path or password."""
    if environment.store is not None:
        return "the emulator"
    if environment.endpoint is None:
        return "the service, or that of the variables"
    if isinstance(environment.endpoint, Reference):
        return f"that of {environment.endpoint.variable}"
    try:
        return urlsplit(environment.endpoint).hostname or "not an address"
    except ValueError:
        return "not an address"


def _hide_folders(text: str) -> str:
    """Replace the working folder and the home folder, which has the user's name."""
    for folder, sign in ((Path.cwd(), "."), (Path("~").expanduser(), "~")):
        text = text.replace(str(folder), sign) if len(folder.parts) > 1 else text
    return text


# -- The service -----------------------------------------------------------------------


def _check_clock(date: str | None, ours: float) -> Check:
    try:
        theirs = parsedate_to_datetime(date or "").timestamp()
    except (TypeError, ValueError):
        return Check("clock", "the service does not tell its time")
    ahead = theirs + 0.5 - ours  # its header stands for the second that it begins
    if abs(ahead) < SKEWED:
        return Check("clock", "ok")
    side = "behind" if ahead > 0 else "ahead of"
    says = f"this machine is {abs(ahead):,.0f} s {side} the service: set its clock"
    return Check("clock", says, is_problem=True)


def _check_credential(session: Session, environment: Environment) -> Iterator[Check]:
    workflows = calls.list_workflows(session)
    yield Check("credential", f"ok, {pluralize(len(workflows), 'workflow')}")
    owners = {workflow.org_id for workflow in workflows if workflow.org_id}
    shown = join_words([f"{owner[: min(8, len(owner) // 2)]}…" for owner in owners])
    if environment.org_id is not None and owners:
        expected = environment.text("org_id", environment.org_id)
        if owners != {expected}:
            says = f"{shown} is not the org_id of {environment.name}: use another key"
            yield Check("organisation", says, is_problem=True)
            return
    yield Check("organisation", shown or "no answer names one")
    yield Check("balance", f"{calls.get_balance(session).credits:,.2f} credits")


def _check_blocks(settings: Settings, live: LiveCatalogue) -> Check:
    """Compare the live list with the built-in catalogue, and with the saved list."""
    new = sorted({*live.blocks} - {*BUILT_IN})
    gone = sorted({*BUILT_IN} - {*live.blocks})
    facts = compare_kinds(live)
    changed = [
        kind
        for kind, sides in facts.items()
        if None not in sides.values() and sides["service"] != sides["flow64"]
    ]
    count = pluralize(len(live.blocks), "kind")
    says = f"{count}, {len(new)} new, {len(gone)} not listed"
    labelled = {"new": new, "not listed": gone, "other fields": changed}
    details = [
        f"{label}: {join_words(filter(facts.__contains__, kinds))}"
        for label, kinds in labelled.items()
        if kinds
    ]
    if settings.blocks is None:
        says += "; flow64 blocks sync saves them"
        return Check("blocks", says, details=details)
    try:
        saved = LiveCatalogue.read(settings.blocks)
    except (OSError, ReadError) as error:
        name = settings.blocks.name
        problem = "is not there" if isinstance(error, OSError) else "is damaged"
        says = f"{name} {problem}: flow64 blocks sync fetches it"
        return Check("blocks", says, is_problem=True, details=details)
    if saved.blocks != LiveCatalogue.of(live.as_data()).blocks:  # without secrets
        says += f"; the saved list of {saved.date} is old: flow64 blocks sync"
    return Check("blocks", says, details=details)


# -- The report ------------------------------------------------------------------------

REPORT_VERSION: Final = 2
"""The version of a report's form. It is raised if a key goes or changes its meaning."""


def make_report(live: LiveCatalogue) -> dict[str, Any]:
    """Return what may be shared of a live list, with the built-in catalogue."""
    return {
        "flow64_report": REPORT_VERSION,
        "flow64": version("flow64"),
        "date": datetime.now(UTC).date().isoformat(),
        "kinds": compare_kinds(live),
    }


def compare_kinds(live: LiveCatalogue) -> dict[str, Any]:
    """Return each kind with its fields, as the service and flow64 have them.

    It may be shared: it has no description, and names, words and defaults only if they
    are plain words. Words of fields that name something of yours are left out.
    """
    theirs = {kind: block.fields for kind, block in live.blocks.items()}
    ours = {kind: read_fields(specs_schema(cls)) for kind, cls in BUILT_IN.items()}
    sides = {"service": theirs, "flow64": ours}
    return {
        kind: {name: _describe_fields(side.get(kind)) for name, side in sides.items()}
        for kind in sorted(filter(_is_plain, {*ours, *theirs}))
    }


def _describe_fields(fields: Mapping[str, LiveField] | None) -> dict[str, Any] | None:
    if fields is None:
        return None
    return {
        path: {
            "type": live.schema.get("type")
            if _is_plain(live.schema.get("type"))
            else None,
            "required": live.is_required,
            "words": None if _OWN.search(path) else _hide_words(live.words),
        }
        for path, live in sorted(walk_fields(fields))
        if all(map(_is_plain, re.split(r"\.|\[\*\]\.?", path.rstrip("[*]"))))
    }


def _hide_words(words: Sequence[Any]) -> list[Any]:
    plain = [word for word in words if isinstance(word, int) or _is_plain(word)]
    return plain[:MOST_WORDS]


def _is_plain(word: object) -> bool:
    """Return True for a word that is not like an id or a key."""
    return (
        isinstance(word, str)
        and _WORD.fullmatch(word) is not None
        and not has_key(word)
    )


_WORD: Final = re.compile(r"(?!.*\d{5})[A-Za-z_][A-Za-z0-9_-]{0,39}")
_OWN: Final = re.compile(
    r"(^|_|\.)(id|notebook|channel|account|connection|workspace|team|user|owner|portal|"
    r"pipeline|list|segment|campaign|url|name|key|token|secret|email)s?($|_|\.)",
    re.IGNORECASE,
)
"""Names of fields whose words may name something of the organisation."""
