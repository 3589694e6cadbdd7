"""The settings of a client, and workflows compiled with them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypedDict

from attrs import field, frozen

from ..api.auth import Key, OAuth, from_environment
from ..definition import (
    DEFAULT_ENV,
    EMPTY,
    Definition,
    Values,
    secret_names,
    secret_texts,
)
from ..deploy.history import History
from ..deploy.target import Deployable, Ready, prepare, require_namespace
from ..errors import BuildError, ConfigError
from ..runs.journal import Journal
from ..text import shortened

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
        prices: Dollars for one row by kind, in place of the documented ones.
        org_id: The organisation that the credential must belong to; None for any.
    """

    values: Mapping[str, Any] | None = field(default=None, repr=False)
    suffix: str = ""
    max_rows: int | None = None
    max_cost: float | None = None
    prices: Mapping[str, float] = EMPTY
    org_id: str | None = None


class _SharedOptions(TypedDict, total=False):
    env: str | None
    """The environment. The default is that of the client, then `default`."""
    values: Mapping[str, Any] | None
    """Values for `value("name")`."""
    max_rows: int | None
    """Start nothing if the run, or all batches together, may take more rows."""
    max_cost: float | None
    """Start nothing if it may cost more dollars, by known prices."""
    block: str | int | None
    """Key path or number of the block that rows come from by default."""
    intent: str | None
    """Name of what must happen once, such as a date. The same intent with the same rows
    is the same run, on any machine."""


class RunOptions(_SharedOptions, total=False):
    """The options of `Client.run`."""

    new: bool
    """Start another run of the same definition and rows, and pay again."""
    retry: str | None
    """Id of a run that ended without success, to start it again, once."""
    attach: str | None
    """Id of the run that a start whose answer was lost has started."""
    specs_override: Mapping[str, Any] | None
    """Fields of the source block for this run, such as `dict(max_results=50)`. They are
    checked like code, and sent with all other fields that the code sets."""
    save_json: bool
    """Save the results as JSON too, which keeps types (default)."""
    result_formats: Sequence[str]
    """Further formats, such as `ndjson`."""


class BatchOptions(_SharedOptions, total=False):
    """The options of `Client.run_batches`."""

    size: int
    """Rows of each batch but the last; 1,000 by default."""
    concurrency: int
    """The most runs under way at a time; 4 by default."""
    retry_failed: bool
    """Start batches again that failed when they were run before, and pay again."""
    every: float
    """Seconds between polls of a run; 5 by default."""
    timeout: float
    """Seconds after which to stop waiting for a run; a day by default."""


LAUNCHING: Final = (
    *("env", "values", "max_rows", "max_cost", "block"),
    *("specs_override", "save_json", "result_formats"),
)
"""The options that are of the launch. The others are of the start."""


@frozen
class Settings:
    """The settings of a client.

    Attributes:
        endpoint: Base URL.
        is_local: True if it is on this machine.
        journal: Remembers runs, in a file or in this process.
        env: The environment of the client; None for any.
        history: Keeps what a deploy replaces.
        terms: Settings of the environment.
    """

    endpoint: str
    is_local: bool
    journal: Journal
    env: str | None
    history: History
    terms: Terms

    def choose_env(self, callee: str, env: str | None) -> str:
        """Return the environment of a call.

        Raises:
            BuildError: The client is for another one.
        """
        if env is None or self.env in (None, env):
            return env or self.env or DEFAULT_ENV
        problem = f"env is {env!r}, and this client is for {self.env!r}"
        raise BuildError(f"{callee}: {problem}", hint=f"make one for {env!r}")

    def choose_values(self, values: Mapping[str, Any] | None) -> Any:
        """Return the values of a call, or else those of the environment.

        What is secret in the environment is secret in those of a call too.
        """
        own = self.terms.values
        hidden: frozenset[str] = getattr(own, "hidden", frozenset())
        if values is not None and not isinstance(values, Mapping):
            return values  # compiling says what is wrong with it
        hidden |= getattr(values, "hidden", frozenset())
        return Values(own if values is None else values, hidden)

    def compile(
        self,
        callee: str,
        workflow: Deployable,
        env: str | None,
        values: Mapping[str, Any] | None,
    ) -> Ready:
        """Compile a workflow with the values of the environment.

        Raises:
            BuildError: The client is for another environment.
            CompileError: The workflow has errors.
            DeployError: The environment does not give all its values.
            ConsentError: Another user's workflow may have the same id there.
        """
        bound, terms = self.choose_values(values), self.terms
        env = self.choose_env(callee, env)
        ready = prepare(workflow, env, bound, terms.suffix)
        require_namespace(
            ready.target, ready.name, self.endpoint, is_local=self.is_local
        )
        return ready

    def list_secrets(
        self,
        definition: Definition | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> frozenset[str]:
        """Return the secrets that no text of an answer may show."""
        names = () if definition is None else secret_names(definition)
        return secret_texts(self.choose_values(None), ()) | secret_texts(
            self.choose_values(values), names
        )


def choose_credential(key: Key | None, oauth: OAuth | None) -> Key | OAuth:
    """Return the credential that was given, or else that of the environment.

    A key is not checked here: `Key.require_usable` does, where no local holds it.

    Raises:
        ConfigError: There are two credentials, or an OAuth client cannot be used.
    """
    if key is not None and oauth is not None:
        raise ConfigError(
            "both an API key and OAuth were given, and the service takes one: pass "
            "either api_key= or oauth="
        )
    if oauth is not None:
        if not isinstance(oauth, OAuth):
            raise ConfigError("oauth= takes an OAuth(...), which is not what was given")
        return oauth
    return key or from_environment()


def open_journal(journal: Any) -> Journal:
    """Return the journal of an argument, or else that of the environment."""
    if journal is DEFAULT:
        journal = os.environ.get(PLACE_NAME, PLACE) or None
    if isinstance(journal, Journal):
        return journal
    if journal is None:
        return Journal(None)
    if not isinstance(journal, str | PathLike):
        raise ConfigError(f"journal is {shortened(journal)}; write a path, or None")
    return Journal(Path(journal))
