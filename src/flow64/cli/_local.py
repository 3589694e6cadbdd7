"""What is set up on this machine, told so that it can be shown to anybody.

Of variables the names, of proxies the hosts, of places what is below the working folder
or the home: no key, no value, no name of a user.
"""

from __future__ import annotations

import os
import platform
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from ..api import CLIENT_NAME, NAMES, host_of
from ..api import DEFAULT_ENDPOINT as SERVICE
from ..environments import Environment, OAuthFile, Reference, Settings

PREFIXES: Final = ("SIXTYFOUR_", "FLOW64_")
"""How variables begin that are for flow64."""

PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""Variables that lead requests elsewhere; in lower case too."""

CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that say whom to trust."""


@frozen
class Place:
    """Somewhere that flow64 remembers things.

    Attributes:
        what: What it is for.
        path: Where it is, without what would name a user; None for nowhere.
        problem: Why it cannot be written; None where it can.
    """

    what: str
    path: str | None
    problem: str | None


@frozen
class Named:
    """An environment, as it is written down.

    Attributes:
        name: Its name.
        endpoint: Where it leads: a host, or the variable that says so.
        credential: What it signs in with, and whether that is set.
        expects: Whether it names the organisation that it must be.
    """

    name: str
    endpoint: str
    credential: str
    expects: bool


def versions() -> Mapping[str, str]:
    """The versions of flow64 and of what it runs on."""
    return {
        "flow64": version("flow64"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def extras() -> Mapping[str, bool]:
    """Each extra, and whether all that it asks for is installed."""
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


def environments(settings: Settings) -> Sequence[Named]:
    """The environments that are configured, by name."""
    return [
        Named(
            one.name,
            _endpoint(one),
            _credential(one),
            one.org_id is not None,
        )
        for one in settings.environments.values()
    ]


def variables(settings: Settings) -> Mapping[str, bool]:
    """Variables that take part, and whether each is set; no value of any."""
    found = {name: True for name in os.environ if name.startswith(PREFIXES)} | {
        name: True for name in CERTIFICATES if name in os.environ
    }
    for reference in _references([*settings.environments.values()]):
        found[reference.variable] = bool(os.environ.get(reference.variable))
    return dict(sorted(found.items()))


def proxies() -> Mapping[str, str]:
    """Variables that lead requests through a proxy, each with the host that it names.

    Of `NO_PROXY`, how many hosts it names.
    """
    found: dict[str, str] = {}
    for name in (name for upper in PROXIES for name in (upper, upper.lower())):
        if text := os.environ.get(name):
            url = text if "://" in text else f"//{text}"
            count = len([part for part in text.split(",") if part.strip()])
            is_list = name.upper() == "NO_PROXY"
            found[name] = f"{count} hosts" if is_list else host_of(url) or "no host"
    return found


def places(environment: Environment, settings: Settings) -> Sequence[Place]:
    """Where runs, what was replaced, and answers are remembered."""
    journal: str | Path | None = os.environ.get("FLOW64_JOURNAL")
    if journal is None:
        journal = environment.journal or Path(".flow64", "runs.jsonl")
    history = os.environ.get("FLOW64_HISTORY") or environment.history
    return [
        _place("journal of runs", journal or None, is_file=True),
        _place("history of what was replaced", history or settings.history),
        _place("cache", settings.cache),
    ]


def endpoint_of(environment: Environment) -> str:
    """Where an environment leads, as a host."""
    given = environment.endpoint
    if given is None:
        name = next((name for name in NAMES if os.environ.get(name)), None)
        text = SERVICE if name is None else os.environ[name]
    else:
        text = environment.text("endpoint", given)
    return _host(text)


def resolves(host: str) -> bool:
    """Whether this machine finds an address for a host."""
    try:
        socket.getaddrinfo(host.rpartition(":")[0] or host, 443)
    except (OSError, UnicodeError):
        return False
    return True


def shown(path: Path) -> str:
    """A path without what would name a user or a machine."""
    full = path.absolute()
    if full.is_relative_to(Path.cwd()):
        return str(full.relative_to(Path.cwd()))
    home = home_folder()
    if full.is_relative_to(home):
        return str(Path("~", full.relative_to(home)))
    return str(Path("...", full.name))


def home_folder() -> Path:
    """The folder of the user; `~` where nobody knows it."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() may fail


def _is_installed(need: str) -> bool:
    name = re.match(r"[A-Za-z0-9._-]+", need)
    try:
        return name is not None and bool(version(name[0]))
    except PackageNotFoundError:
        return False


def _endpoint(one: Environment) -> str:
    if isinstance(one.endpoint, Reference):
        return f"of {one.endpoint.variable}"
    if one.store is not None:
        return "the emulator"
    return (
        "of the variables, else the service"
        if one.endpoint is None
        else _host(one.endpoint)
    )


def _host(text: str) -> str:
    """The host of an address, with its port; nothing else of it is shown."""
    try:
        url = urlsplit(text)
        port = "" if url.port is None else f":{url.port}"
    except ValueError:
        return "(no address)"
    return f"{url.hostname or '(no host)'}{port}"


def _credential(one: Environment) -> str:
    match one.credential:
        case Reference(variable=name):
            is_set = "set" if os.environ.get(name) else "not set"
            return f"the key of {name} ({is_set})"
        case OAuthFile():
            return "an OAuth client"
        case None if one.store is not None:
            return "any"
        case None if os.environ.get(CLIENT_NAME):
            return "the OAuth client of the variables"
        case None:
            return "the key of SIXTYFOUR_API_KEY"


def _references(item: Any) -> Iterator[Reference]:
    """The variables that something names, however deep."""
    if isinstance(item, Reference):
        yield item
    elif isinstance(item, Environment | OAuthFile):
        for field in attrs.fields(type(item)):
            yield from _references(getattr(item, field.name))
    elif isinstance(item, Mapping):
        for inner in cast(Mapping[str, Any], item).values():
            yield from _references(inner)
    elif isinstance(item, list | tuple):
        for inner in cast(Sequence[Any], item):
            yield from _references(inner)


def _place(what: str, path: str | Path | None, *, is_file: bool = False) -> Place:
    if path is None:
        return Place(what, None, None)
    path = Path(path)
    return Place(what, shown(path), _unwritable(path, is_file=is_file))


def _unwritable(path: Path, *, is_file: bool) -> str | None:
    """Why something cannot be written, without trying it."""
    folder = path.absolute()
    if is_file:
        if folder.is_dir():
            return "there is a folder where a file is to be"
        if folder.exists():
            return None if os.access(folder, os.W_OK) else "it may not be written"
        folder = folder.parent
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    if not folder.is_dir():
        return f"{shown(folder)} is no folder"
    return None if os.access(folder, os.W_OK | os.X_OK) else "it may not be written"
