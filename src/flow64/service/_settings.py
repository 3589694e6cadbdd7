"""What a client is made with, settled once for both kinds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from random import random
from typing import Any, Final

from attrs import frozen

from ..definition import DEFAULT_ENV
from ..errors import ArgumentError, ConfigError, shortened
from ._auth import KEY_NAME, Credential, TokenSource
from ._endpoint import endpoint_of
from ._exchange import Channel
from ._journal import Journal
from ._oauth import CLIENT_NAME, OAuth
from ._pace import Pace
from .api import Policy

PLACE: Final = Path(".flow64", "runs.jsonl")
"""Where runs are remembered, below the working folder."""

PLACE_NAME: Final = "FLOW64_JOURNAL"
"""Environment variable for another place; empty for none."""


class _Default:
    """Stands for what was not said."""

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final[Any] = _Default()
"""Stands for the place that the environment or the working folder gives."""


@frozen
class Settled:
    """A client's settings.

    Attributes:
        channel: Endpoint, credential, policy and pace.
        journal: Where runs are remembered; None for nowhere.
        env: The environment that the client is for; None for any.
    """

    channel: Channel
    journal: Journal | None
    env: str | None

    def env_of(self, callee: str, given: str | None) -> str:
        """The environment of a call.

        Raises:
            ArgumentError: The client is for another one.
        """
        if given is None or self.env in (None, given):
            return given or self.env or DEFAULT_ENV
        problem = f"env is {given!r}, and this client is for {self.env!r}"
        raise ArgumentError(callee, f"{problem}; make one for {given!r}")


def settled(
    credential: Credential,
    *,
    base_url: str | None,
    policy: Policy | None,
    journal: Any,
    env: str | None,
    hosts: Iterable[str] | None,
    allow_http: bool = False,
) -> Settled:
    """Judge what was given.

    Raises:
        ConfigError: Something cannot be used; a key is never shown.
    """
    credential.require_usable()
    if policy is not None and not isinstance(policy, Policy):
        raise ConfigError(f"policy is {shortened(policy)}; write policy=Policy(...)")
    if isinstance(hosts, str):
        raise ConfigError(f"hosts is the text {hosts!r}; write hosts=[{hosts!r}]")
    channel = Channel(
        endpoint_of(base_url, allow_http=allow_http),
        credential,
        policy or Policy(),
        Pace((policy or Policy()).requests_per_minute),
        None if hosts is None else frozenset(host.lower() for host in hosts),
        random,
    )
    return Settled(channel, _journal(journal), env)


def credential_of(api_key: str | None, oauth: TokenSource | None) -> Credential:
    """The one credential: as given, else that of the environment.

    What was given is judged by `settled`, when the key is no local any more.

    Raises:
        ConfigError: Nothing was given, and the environment has a key and an OAuth
            client, or one that cannot be used.
    """
    if api_key is None and oauth is None and os.environ.get(CLIENT_NAME):
        if os.environ.get(KEY_NAME):
            raise ConfigError(
                f"both {KEY_NAME} and {CLIENT_NAME} are set, and the service takes one "
                "credential: keep one of them, or pass api_key= or oauth="
            )
        oauth = OAuth.from_env()
    return Credential(api_key, oauth)


def _journal(given: Any) -> Journal | None:
    if given is DEFAULT:
        given = os.environ.get(PLACE_NAME, PLACE) or None
    if given is None or isinstance(given, Journal):
        return given
    if not isinstance(given, str | os.PathLike):
        raise ConfigError(f"journal is {shortened(given)}; write a path, or None")
    return Journal(Path(given))
