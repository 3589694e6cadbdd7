"""What a client is made with, settled once for both kinds."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from random import random
from typing import Any, Final

from attrs import evolve, field, frozen

from ..api import (
    CLIENT_NAME,
    KEY_NAME,
    Channel,
    Credential,
    OAuth,
    Organisation,
    Pace,
    Policy,
    TokenSource,
    endpoint_of,
)
from ..definition import DEFAULT_ENV, secret_texts, secret_values
from ..deploy import History
from ..errors import ArgumentError, ConfigError, shortened
from ..runs import Budget, Journal

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
class Terms:
    """What an environment says once, for every call of its client.

    Attributes:
        values: What `value("name")` stands for, where a call gives nothing.
        suffix: What is added to titles, such as `(staging)`.
        max_rows: Rows beyond which no run is started, where a call says nothing.
        max_cost: Dollars beyond which none is, likewise.
        org_id: The organisation that the credential must belong to; None for any.
        hidden: Names of values that are secret whatever code says: they are never
            shown where they are live.
    """

    values: Mapping[str, Any] | None = field(default=None, repr=False)
    suffix: str = ""
    max_rows: int | None = None
    max_cost: float | None = None
    org_id: str | None = None
    hidden: frozenset[str] = frozenset()


NO_TERMS: Final = Terms()


@frozen
class Settled:
    """A client's settings.

    Attributes:
        channel: Endpoint, credential, policy and pace.
        journal: Where runs are remembered; None for nowhere.
        env: The environment that the client is for; None for any.
        history: Where what is replaced is saved.
        terms: What that environment says.
        organisation: Holds answers against the organisation of that environment.
    """

    channel: Channel
    journal: Journal | None
    env: str | None
    history: History
    terms: Terms = NO_TERMS
    organisation: Organisation = field(
        factory=lambda: Organisation(None), eq=False, repr=False
    )

    def env_of(self, callee: str, given: str | None) -> str:
        """The environment of a call.

        Raises:
            ArgumentError: The client is for another one.
        """
        if given is None or self.env in (None, given):
            return given or self.env or DEFAULT_ENV
        problem = f"env is {given!r}, and this client is for {self.env!r}"
        raise ArgumentError(callee, f"{problem}; make one for {given!r}")

    def values_of(self, given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """The values of a call: as given, else those of the environment."""
        return self.terms.values if given is None else given

    def budget_of(self, given: Budget) -> Budget:
        """The limits of a call, each as given, else that of the environment.

        Raises:
            ArgumentError: A limit of the environment is none.
        """
        rows, cost = given.max_rows, given.max_cost
        return evolve(
            given,
            max_rows=self.terms.max_rows if rows is None else rows,
            max_cost=self.terms.max_cost if cost is None else cost,
        )


def settled(
    credential: Credential,
    *,
    base_url: str | None,
    policy: Policy | None,
    journal: Any,
    history: Any = None,
    env: str | None,
    hosts: Iterable[str] | None,
    allow_http: bool = False,
    terms: Terms | None = None,
) -> Settled:
    """Judge what was given.

    Raises:
        ConfigError: Something cannot be used; a key is never shown.
    """
    credential.require_usable()
    if policy is not None and not isinstance(policy, Policy):
        raise ConfigError(f"policy is {shortened(policy)}; write policy=Policy(...)")
    if terms is not None and not isinstance(terms, Terms):
        raise ConfigError(f"terms is {shortened(terms)}; write terms=Terms(...)")
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
    says = terms or NO_TERMS
    hidden = secret_values(says.values, says.hidden)
    channel.secrets.add(secret_texts([], hidden))
    organisation = Organisation(says.org_id, env)
    return Settled(
        channel, _journal(journal), env, History.of(history), says, organisation
    )


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
