"""The settings of a client, and the options of a run, for both kinds of clients."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from random import random
from typing import Any, Final, Required, TypedDict

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
)
from ..definition import DEFAULT_ENV, secret_texts, secret_values
from ..deploy import History
from ..endpoints import endpoint_of
from ..errors import ArgumentError, ConfigError, shortened
from ..runs import Budget, Journal

PLACE: Final = Path(".flow64", "runs.jsonl")
"""Path of the journal, relative to the working folder."""

PLACE_NAME: Final = "FLOW64_JOURNAL"
"""Environment variable for another path of the journal; empty for no journal."""


class _Default:
    """The type of `DEFAULT`."""

    def __repr__(self) -> str:
        return "DEFAULT"


DEFAULT: Final[Any] = _Default()
"""Default of an argument that the environment or the working folder decides."""


@frozen
class Terms:
    """Settings of an environment, for every call of its client.

    Attributes:
        values: Values for `value("name")`, for calls that give no values.
        suffix: Text to append to titles, such as `(staging)`.
        max_rows: Start no run of more rows, unless a call says otherwise.
        max_cost: Start no run that costs more dollars, unless a call says otherwise.
        org_id: The organisation that the credential must belong to; None for any.
        hidden: Names of values that are always secret, even if code does not mark
            them. They are never shown.
    """

    values: Mapping[str, Any] | None = field(default=None, repr=False)
    suffix: str = ""
    max_rows: int | None = None
    max_cost: float | None = None
    org_id: str | None = None
    hidden: frozenset[str] = frozenset()


NO_TERMS: Final = Terms()


@frozen
class ClientSettings:
    """The settings of a client.

    Attributes:
        channel: Endpoint, credential, policy and pace.
        journal: Remembers runs; None remembers nothing.
        env: The environment of the client; None for any.
        history: Keeps what a deploy replaces.
        terms: Settings of the environment.
        organisation: Compares answers with the organisation of the environment.
    """

    channel: Channel
    journal: Journal | None
    env: str | None
    history: History
    terms: Terms = NO_TERMS
    organisation: Organisation = field(
        factory=lambda: Organisation(None), eq=False, repr=False
    )

    def with_limits(
        self, timeout: float | None, retries: int | None, deadline: float | None
    ) -> ClientSettings:
        """Return the settings with other limits; None keeps a limit.

        Raises:
            ConfigError: A limit is not a number, or out of its range.
        """
        given = {"timeout": timeout, "retries": retries, "deadline": deadline}
        changes: dict[str, Any] = {
            name: limit for name, limit in given.items() if limit is not None
        }
        policy = evolve(self.channel.policy, **changes)
        return evolve(self, channel=evolve(self.channel, policy=policy))

    def env_of(self, callee: str, given: str | None) -> str:
        """Return the environment of a call.

        Raises:
            ArgumentError: The client is for another one.
        """
        if given is None or self.env in (None, given):
            return given or self.env or DEFAULT_ENV
        problem = f"env is {given!r}, and this client is for {self.env!r}"
        raise ArgumentError(callee, f"{problem}; make one for {given!r}")

    def values_of(self, given: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """Return the values of a call, or else those of the environment."""
        return self.terms.values if given is None else given

    def budget_of(self, given: Budget) -> Budget:
        """Return the limits of a call, or else those of the environment.

        Raises:
            ArgumentError: A limit of the environment is not a number.
        """
        rows, cost = given.max_rows, given.max_cost
        return evolve(
            given,
            max_rows=self.terms.max_rows if rows is None else rows,
            max_cost=self.terms.max_cost if cost is None else cost,
        )


def resolve_settings(
    credential: Credential,
    *,
    base_url: str | None,
    policy: Policy | None,
    timeout: float | None = None,
    max_retries: int | None = None,
    journal: Any,
    history: Any = None,
    env: str | None,
    hosts: Iterable[str] | None,
    allow_http: bool = False,
    terms: Terms | None = None,
) -> ClientSettings:
    """Check the arguments of a client, and apply the defaults.

    Raises:
        ConfigError: An argument cannot be used. No key is shown.
    """
    credential.require_usable()
    if policy is not None and not isinstance(policy, Policy):
        raise ConfigError(f"policy is {shortened(policy)}; write policy=Policy(...)")
    if terms is not None and not isinstance(terms, Terms):
        raise ConfigError(f"terms is {shortened(terms)}; write terms=Terms(...)")
    if isinstance(hosts, str):
        raise ConfigError(f"hosts is the text {hosts!r}; write hosts=[{hosts!r}]")
    policy = policy or Policy()
    channel = Channel(
        endpoint_of(base_url, allow_http=allow_http),
        credential,
        policy,
        Pace(policy.requests_per_minute),
        None if hosts is None else frozenset(host.lower() for host in hosts),
        random,
    )
    says = terms or NO_TERMS
    hidden = secret_values(says.values, says.hidden)
    channel.secrets.add(secret_texts([], hidden))
    organisation = Organisation(says.org_id, env)
    made = ClientSettings(
        channel, _journal(journal), env, History.of(history), says, organisation
    )
    return made.with_limits(timeout, max_retries, None)


def credential_of(api_key: str | None, oauth: TokenSource | None) -> Credential:
    """Return the credential that was given, or else that of the environment.

    It does not check it. `resolve_settings` does, since the key is no local variable
    there, which a traceback would show.

    Raises:
        ConfigError: Nothing was given, and the environment has both a key and an OAuth
            client, or an OAuth client that cannot be used.
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
    if not isinstance(given, str | PathLike):
        raise ConfigError(f"journal is {shortened(given)}; write a path, or None")
    return Journal(Path(given))


class _SharedOptions(TypedDict, total=False):
    env: str | None
    values: Mapping[str, Any] | None
    stale: bool
    max_rows: int | None
    max_cost: float | None
    allow_unpriced: bool
    check_columns: bool
    block: str | int | None


class RunOptions(_SharedOptions, total=False):
    """The options of `Client.run`."""

    intent: str | None
    retry: str | None
    specs_override: Mapping[str, Any] | None
    save_json: bool
    result_formats: Sequence[str]


class BatchOptions(_SharedOptions, total=False):
    """The options of `Client.run_batches`."""

    intent: Required[str]
    size: int
    concurrency: int
    retry_failed: bool
    folder: str | PathLike[str] | None
    every: float
    timeout: float
    max_bytes: int | None
    allow_unproven: bool
