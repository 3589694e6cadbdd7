"""The parts of one emulator, as its handlers and its runs use them."""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Self, TypeAlias, TypeVar

from attrs import define, evolve, field, frozen
from cattrs.errors import BaseValidationError

from .. import tables
from ..errors import ConfigError
from . import records
from .operations import FaultBody, Faults, Location, make_violation
from .records import JsonObject
from .store import Store

if TYPE_CHECKING:
    from .engine import Engine, Fixtures


@frozen(kw_only=True)
class Switches:
    """Behaviours of the emulator that may differ at the service.

    Attributes:
        speed: Seconds that each block of a run takes; 0 is as fast as possible.
        honour_idempotency: Whether a repeated `Idempotency-Key` returns the first run.
        list_runs_late: How many lists of runs leave out a new run.
        fill_defaults: Whether saving writes documented defaults into specs.
        reorder: Whether saving reverses the order of blocks, edges and spec keys.
        drop_unknown: Whether saving drops unknown keys of body, graph, block and edge.
    """

    speed: float = 0.0
    honour_idempotency: bool = True
    list_runs_late: int = 0
    fill_defaults: bool = False
    reorder: bool = False
    drop_unknown: bool = False


def _as_is(value: Any, hint: type[Any]) -> Any:
    """Return a value of exactly this type; cattrs would convert others."""
    if type(value) is not hint and not (hint is float and type(value) is int):
        raise tables.WrongValueError(f"{value!r} is not {hint.__name__}")
    if isinstance(value, int | float) and not 0 <= value < float("inf"):
        raise tables.WrongValueError(f"{value!r} is not 0 or more")
    return value


_CONVERTER: Final = tables.make_converter(
    dict.fromkeys((bool, int, float, str), _as_is)
)
tables.add_class(_CONVERTER, Switches)
_CONVERTER.register_structure_hook(
    FaultBody, lambda value, _: None if value is None else _as_is(value, str)
)


def parse_data(data: JsonObject, cls: type[T]) -> T:
    """Return an object of a class, such as `Switches`, from JSON data.

    Raises:
        ConfigError: A field is unknown, is missing or has a wrong value.
    """
    try:
        return _CONVERTER.structure(data, cls)
    except BaseValidationError as error:
        problems = tables.list_mistakes(error, cls.__name__.lower())
        raise ConfigError("; ".join(problems)) from error


MARKS: Final[Mapping[str, str]] = {
    "C": "sources conflict",
    "I": "inferred",
    "U": "unknown",
}
"""The marks in words."""


@frozen
class Guess:
    """One behaviour that no document states.

    Attributes:
        name: The behaviour, in kebab-case.
        mark: How much is known: a key of `MARKS`.
        evidence: What the documents say.
        assumed: What the emulator does.
        switch: The field of `Switches` that changes it.
    """

    name: str
    mark: str
    evidence: str
    assumed: str
    switch: str | None = None


def _load_guesses() -> Sequence[Guess]:
    text = files(__package__).joinpath("guesses.toml").read_text("utf-8")
    return tuple(
        _CONVERTER.structure({"name": name, **guess}, Guess)
        for name, guess in tomllib.loads(text).items()
    )


GUESSES: Final = _load_guesses()
"""Every behaviour that no document states."""


T = TypeVar("T")
R = TypeVar("R", records.WorkflowRecord, records.RunRecord, records.ScheduleRecord)


class RefusedError(Exception):
    """A request is refused.

    Attributes:
        status: The status of the response.
        body: Its body, with the reason as `detail`.
    """

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(detail)
        self.status = status
        self.body: JsonObject = {"detail": detail}

    @classmethod
    def not_found(cls, what: str) -> Self:
        """Make the error of something that does not exist."""
        return cls(404, f"{what} not found")

    @classmethod
    def violation(cls, place: Location, type: str, message: str) -> Self:
        """Make the error of a request with one violation."""
        return cls(422, [make_violation(place, type, message)])


@frozen(kw_only=True)
class Call:
    """A request that passed validation.

    Attributes:
        org_id: Organisation of the credential; empty on operations that need none.
        path: Path parameters.
        query: Query parameters, with their defaults.
        url: Path without the query.
        base_url: Scheme, host and port of the request.
    """

    org_id: str = ""
    path: JsonObject
    query: JsonObject
    body: Any = None
    url: str
    base_url: str
    idempotency_key: str | None


@define(eq=False, slots=False, kw_only=True)
class Service:
    """The parts of one emulator.

    Attributes:
        store: Holds everything that survives a restart.
        switches: Behaviours that can be changed.
        fixtures: Replacements for synthetic values, by block id or kind.
        failures: Messages that blocks fail with, by block id or kind.
        blocks: What `GET /workflows/blocks` answers; None for the catalogue.
        allow_hosts: Hosts other than loopback that may be posted to.
        url: The address of the emulator while it is served.
        secret: Signs download links.
    """

    store: Store
    switches: Switches
    faults: Faults
    fixtures: Fixtures
    blocks: Sequence[Any] | None
    allow_hosts: Collection[str]
    clock: records.Clock = field(factory=records.Clock)
    failures: dict[str, str] = field(factory=dict)
    url: str = ""
    secret: bytes = field(factory=lambda: secrets.token_bytes(32), repr=False)
    engine: Engine = field(init=False)

    def check_owner(self, record: R | None, call: Call, what: str) -> R:
        """Return the record.

        Raises:
            RefusedError: It does not exist, or belongs to another organisation.
        """
        if record is None or record.org_id != call.org_id:
            raise RefusedError.not_found(what)
        return record

    def find_workflow(self, call: Call, workflow_id: str) -> records.WorkflowRecord:
        """Return a workflow of the caller's organisation, or refuse the request."""
        record = self.store.workflows.get(workflow_id.lower())
        return self.check_owner(record, call, "Workflow")

    def find_run(self, call: Call, run_id: str) -> records.RunRecord:
        """Return a run of the caller's organisation, or refuse the request."""
        return self.check_owner(self.store.runs.get(run_id.lower()), call, "Run")

    def update_run(self, run_id: str, **changes: Any) -> records.RunRecord:
        """Change a run, unless it has ended."""
        changes["updated_at"] = self.clock.now()
        return self.store.runs.change(
            run_id, lambda run: run if run.is_done else evolve(run, **changes)
        )

    def end_run(
        self, run_id: str, status: str, error: str | None = None
    ) -> records.RunRecord:
        """End a run, unless it has ended already."""
        reasons = {"failed": "block_failed", "cancelled": "cancelled_by_user"}
        return self.update_run(
            run_id,
            status=status,
            completed_at=self.clock.now(),
            reason=reasons.get(status),
            error=error,
        )


Handler: TypeAlias = Callable[[Service, Call], Any]
"""Returns the JSON data of a response, or a response of another form."""
