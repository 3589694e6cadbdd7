"""What the emulator assumes where no document says it, and what can be changed."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen
from cattrs import Converter
from cattrs.errors import BaseValidationError

from ..errors import ConfigError


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
        rate_limit: Requests a minute for each key; None for no limit.
        credits: Credits that an organisation may spend; None for no limit.
    """

    speed: float = 0.0
    honour_idempotency: bool = True
    list_runs_late: int = 0
    fill_defaults: bool = False
    reorder: bool = False
    drop_unknown: bool = False
    rate_limit: int | None = None
    credits: float | None = None


def _as_is(value: Any, hint: type[Any]) -> Any:
    """Return a value of exactly this type; cattrs would convert others."""
    if type(value) is not hint and not (hint is float and type(value) is int):
        raise TypeError(f"{value!r} is not {hint.__name__}")
    if isinstance(value, int | float) and not 0 <= value < float("inf"):
        raise ValueError(f"{value!r} is not 0 or more")
    return value


_CONVERTER: Final = Converter(forbid_extra_keys=True)
for _type in (bool, int, float):
    _CONVERTER.register_structure_hook(_type, _as_is)
_CONVERTER.register_structure_hook(
    float | None, lambda value, _: None if value is None else _as_is(value, float)
)
_CONVERTER.register_structure_hook(
    int | None, lambda value, _: None if value is None else _as_is(value, int)
)


def parse_switches(data: Mapping[str, Any]) -> Switches:
    """Return switches from JSON data.

    Raises:
        ConfigError: A switch is unknown, or has a wrong value.
    """
    try:
        return _CONVERTER.structure(data, Switches)
    except BaseValidationError as error:
        problem = "; ".join(str(cause) for cause in error.exceptions)
        raise ConfigError(f"the switches cannot be set: {problem}") from error


GuessMark: TypeAlias = Literal["C", "I", "U"]
"""C: sources conflict. I: inferred from related facts. U: unknown."""

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
        mark: How much is known.
        known: What the documents say.
        assumed: What the emulator does.
        switch: The field of `Switches` that changes it.
    """

    name: str
    mark: GuessMark
    known: str
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
