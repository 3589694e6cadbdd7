"""Facts about kinds that no schema says, from a file `blocks.toml`."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, get_args

from attrs import evolve, field, frozen

from ..analysis import LiveCatalogue
from ..blocks import (
    BUILT_IN,
    About,
    Column,
    Columns,
    Effect,
    Price,
    Role,
    Takes,
)
from ..definition import is_number
from ..errors import SettingsError
from ..text import did_you_mean, join_words, shortened

FACTS: Final = "blocks.toml"
"""The name of the file, next to the module."""

GIVES: Final = ("LEAD", "COMPANY", "same", "unknown")


@frozen
class BlockFacts:
    """Facts about kinds, by kind and name.

    Attributes:
        source: The file, as messages name it.
    """

    by_kind: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    source: str = FACTS

    @classmethod
    def read(cls, path: Path) -> BlockFacts:
        """Read a file.

        Raises:
            SettingsError: It is not valid TOML, or has mistakes.
            OSError: It cannot be read.
        """
        try:
            found = tomllib.loads(path.read_text("utf-8"))
        except (ValueError, RecursionError) as error:
            raise SettingsError(str(path), [f"it is not TOML: {error}"]) from None
        mistakes: list[str] = []
        for kind, facts in found.items():
            if isinstance(facts, Mapping):
                mistakes += _list_mistakes(kind, facts)
            else:
                advice = f"write [{kind}] and the facts below it"
                mistakes.append(f"{shortened(kind)} is not a table; {advice}")
        if mistakes:
            raise SettingsError(str(path), mistakes)
        return cls(found, str(path))

    def require_kinds(self, live: LiveCatalogue) -> None:
        """Check that each kind is listed, and that flow64 does not know its facts.

        Raises:
            SettingsError: One is not.
        """
        mistakes = []
        for kind in self.by_kind:
            known = BUILT_IN.get(kind)
            if kind not in live.blocks:
                near = did_you_mean(kind, live.blocks)
                mistakes.append(f"{live.name} does not list {shortened(kind)}{near}")
            elif known is not None and known.specs_known:
                problem = f"flow64 knows {kind} and its rows"
                mistakes.append(f"{problem}; remove [{kind}]")
        if mistakes:
            raise SettingsError(self.source, mistakes)

    def add_to(self, about: About, kind: str) -> About:
        """Return the facts about a kind, with those of the file."""
        facts = self.by_kind.get(kind)
        if facts is None:
            return about
        takes = facts.get("takes", about.takes)
        role = "source" if takes == "none" else about.role
        if takes != "none" and role == "source":
            role = "step"
        changes: dict[str, Any] = {"takes": takes, "role": facts.get("role", role)}
        if "gives" in facts:
            changes["gives"] = facts["gives"]
        if {"takes", "gives"} <= facts.keys():
            changes["rows"] = "D"
        if "price" in facts:
            price = float(facts["price"])
            changes["price"] = Price(price, "D", about.source)
            changes["effects"] = ("spends",) if price else ()
        if "effects" in facts:
            changes["effects"] = tuple(facts["effects"])
        if not _COLUMNS.isdisjoint(facts):
            changes["columns"] = Columns(
                reads=_columns(facts.get("reads", ())),
                adds=_columns(facts.get("adds", ())),
                drops=tuple(facts.get("drops", ())),
                opens=facts.get("opens", False),
                resets=facts.get("resets", False),
            )
        return evolve(about, **changes)


_COLUMNS: Final = frozenset({"reads", "adds", "drops", "opens", "resets"})


def _columns(named: Mapping[str, str] | Sequence[str]) -> Sequence[Column]:
    if isinstance(named, Mapping):
        return [Column(name, kind) for name, kind in named.items()]
    return [Column(name) for name in named]


# -- Mistakes --------------------------------------------------------------------------


def _list_mistakes(kind: str, facts: Mapping[str, Any]) -> Iterable[str]:
    for name, value in facts.items():
        if name not in _JUDGES:
            near = did_you_mean(name, _JUDGES) or f"; it has {join_words(_JUDGES)}"
            yield f"[{kind}] has no fact {shortened(name)}{near}"
        elif (wanted := _JUDGES[name](value)) is not None:
            yield f"[{kind}] {name} is {shortened(value)}; write {wanted}"
    if facts.get("takes") == "none" and facts.get("gives") == "same":
        yield f'[{kind}] takes "none", so it cannot give the "same"'


def _one_of(words: Sequence[str]) -> Callable[[Any], str | None]:
    def judge(value: Any) -> str | None:
        return None if value in words else f"one of {join_words(words)}"

    return judge


def _some_of(words: Sequence[str]) -> Callable[[Any], str | None]:
    def judge(value: Any) -> str | None:
        is_list = isinstance(value, list) and all(one in words for one in value)
        return None if is_list else f"a list of {join_words(words)}"

    return judge


def _judge_price(value: Any) -> str | None:
    is_price = is_number(value) and math.isfinite(value) and value >= 0
    return None if is_price else "dollars for one input row, such as 0.02"


def _judge_names(value: Any) -> str | None:
    is_list = isinstance(value, list) and all(isinstance(one, str) for one in value)
    return None if is_list else 'a list of names, such as ["company"]'


def _judge_columns(value: Any) -> str | None:
    is_table = isinstance(value, dict) and all(
        isinstance(one, str) for one in value.values()
    )
    if is_table or _judge_names(value) is None:
        return None
    return 'a list of names, or names with types, such as {score = "int"}'


def _judge_flag(value: Any) -> str | None:
    return None if isinstance(value, bool) else "true or false"


_JUDGES: Final[Mapping[str, Callable[[Any], str | None]]] = {
    "role": _one_of(get_args(Role)),
    "takes": _one_of(get_args(Takes)),
    "gives": _one_of(GIVES),
    "effects": _some_of(get_args(Effect)),
    "price": _judge_price,
    "reads": _judge_columns,
    "adds": _judge_columns,
    "drops": _judge_names,
    "opens": _judge_flag,
    "resets": _judge_flag,
}
