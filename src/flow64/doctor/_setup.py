"""The setup of this machine, in a form that can be shared.

Variables are shown by name, proxies by host, and paths from the working folder or the
home folder. There is no key, no value and no user name.
"""

from __future__ import annotations

import os
import platform
import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from attrs import frozen

from ..api import CLIENT_NAME
from ..definition import walk
from ..endpoints import DEFAULT_ENDPOINT as SERVICE
from ..endpoints import find_endpoint_variable, host_of
from ..environments import Environment, OAuthFile, Reference, Settings

PREFIXES: Final = ("SIXTYFOUR_", "FLOW64_")
"""Prefixes of the variables of flow64."""

PROXIES: Final = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""Variables that send requests through a proxy; in lower case too."""

CERTIFICATES: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""Variables that name trusted certificates."""


@frozen
class StoragePlace:
    """A file or folder in which flow64 stores things.

    Attributes:
        what: What is stored there.
        path: The path, without the name of a user; None if nothing is stored.
        problem: Why it cannot be written; None if it can.
    """

    what: str
    path: str | None
    problem: str | None


@frozen
class ConfiguredEnvironment:
    """An environment of the settings.

    Attributes:
        endpoint: Its host, or the variable that names it.
        credential: Its credential, and whether that is set.
        expects: Whether it names the organisation that the credential must belong to.
    """

    name: str
    endpoint: str
    credential: str
    expects: bool


def read_versions() -> Mapping[str, str]:
    """Return the versions of flow64 and of its platform."""
    return {
        "flow64": version("flow64"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


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


def list_environments(settings: Settings) -> Sequence[ConfiguredEnvironment]:
    """Return the configured environments."""
    return [
        ConfiguredEnvironment(
            one.name,
            _describe_endpoint(one),
            _describe_credential(one),
            one.org_id is not None,
        )
        for one in settings.environments.values()
    ]


def list_variables(settings: Settings) -> Mapping[str, bool]:
    """Return the names of relevant variables, and whether each is set."""
    found = {name: True for name in os.environ if name.startswith(PREFIXES)} | {
        name: True for name in CERTIFICATES if name in os.environ
    }
    for one in settings.environments.values():
        for reference in _references(one):
            found[reference.variable] = bool(os.environ.get(reference.variable))
    return dict(sorted(found.items()))


def list_proxies() -> Mapping[str, str]:
    """Return the variables of proxies, each with its host.

    For `NO_PROXY` it is the number of hosts.
    """
    found: dict[str, str] = {}
    for name in (name for upper in PROXIES for name in (upper, upper.lower())):
        if text := os.environ.get(name):
            url = text if "://" in text else f"//{text}"
            count = len([part for part in text.split(",") if part.strip()])
            is_list = name.upper() == "NO_PROXY"
            found[name] = f"{count} hosts" if is_list else host_of(url) or "no host"
    return found


def list_places(environment: Environment, settings: Settings) -> Sequence[StoragePlace]:
    """Return where runs, replaced workflows and answers are stored."""
    journal: str | Path | None = os.environ.get("FLOW64_JOURNAL")
    if journal is None:
        journal = environment.journal or Path(".flow64", "runs.jsonl")
    history = os.environ.get("FLOW64_HISTORY") or environment.history
    return [
        _describe_place("journal of runs", journal or None, is_file=True),
        _describe_place("history of what was replaced", history or settings.history),
        _describe_place("cache", settings.cache),
    ]


def find_host(environment: Environment) -> str:
    """Return the host of an environment."""
    given = environment.endpoint
    if given is None:
        name = find_endpoint_variable()
        text = SERVICE if name is None else os.environ[name]
    else:
        text = environment.text("endpoint", given)
    return _read_host(text)


def has_address(host: str) -> bool:
    """Return True if this machine finds an address for a host."""
    try:
        socket.getaddrinfo(host.rpartition(":")[0] or host, 443)
    except (OSError, UnicodeError):
        return False
    return True


def shorten_path(path: Path) -> str:
    """Return a path without the name of a user or a machine."""
    full = path.absolute()
    if full.is_relative_to(Path.cwd()):
        return str(full.relative_to(Path.cwd()))
    home = find_home()
    if full.is_relative_to(home):
        return str(Path("~", full.relative_to(home)))
    return str(Path("...", full.name))


def find_home() -> Path:
    """Return the home folder, or `~` if it is unknown."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() may fail


def _is_installed(need: str) -> bool:
    name = re.match(r"[A-Za-z0-9._-]+", need)
    try:
        return name is not None and bool(version(name[0]))
    except PackageNotFoundError:
        return False


def _describe_endpoint(one: Environment) -> str:
    if isinstance(one.endpoint, Reference):
        return f"of {one.endpoint.variable}"
    if one.store is not None:
        return "the emulator"
    return (
        "of the variables, else the service"
        if one.endpoint is None
        else _read_host(one.endpoint)
    )


def _read_host(text: str) -> str:
    """Return the host and port of an address, and nothing else of it."""
    try:
        url = urlsplit(text)
        port = "" if url.port is None else f":{url.port}"
    except ValueError:
        return "(no address)"
    return f"{url.hostname or '(no host)'}{port}"


def _describe_credential(one: Environment) -> str:
    match one.credential:
        case Reference(variable=name):
            is_set = "set" if os.environ.get(name) else "not set"
            return f"the key of {name} ({is_set})"
        case OAuthFile():
            return "an OAuth client"
        case None if not one.is_of_variables:
            return "any"
        case None if os.environ.get(CLIENT_NAME):
            return "the OAuth client of the variables"
        case _:
            return "the key of SIXTYFOUR_API_KEY"


def _references(one: Environment) -> Iterator[Reference]:
    """The references in the settings of an environment, at any depth."""
    parts: list[Any] = [*attrs.astuple(one, recurse=False)]
    if isinstance(one.credential, OAuthFile):
        parts += attrs.astuple(one.credential, recurse=False)
    return (part for _, part in walk(parts) if isinstance(part, Reference))


def _describe_place(
    what: str, path: str | Path | None, *, is_file: bool = False
) -> StoragePlace:
    if path is None:
        return StoragePlace(what, None, None)
    path = Path(path)
    return StoragePlace(
        what, shorten_path(path), _find_write_problem(path, is_file=is_file)
    )


def _find_write_problem(path: Path, *, is_file: bool) -> str | None:
    """Return why a file or folder cannot be written, without trying it."""
    folder = path.absolute()
    if is_file:
        if folder.is_dir():
            return "it is a folder, and a file is needed"
        if folder.exists():
            return None if os.access(folder, os.W_OK) else "it may not be written"
        folder = folder.parent
    while not folder.exists() and folder.parent != folder:
        folder = folder.parent
    if not folder.is_dir():
        return f"{shorten_path(folder)} is not a folder"
    return None if os.access(folder, os.W_OK | os.X_OK) else "it may not be written"
