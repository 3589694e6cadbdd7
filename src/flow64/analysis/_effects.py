"""What a workflow spends and touches, and when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from attrs import frozen

from ..blocks import CATALOGUE, CREATE_NEW, Effect
from ..definition import BoundSecret, Definition, Value
from ..errors import shortened
from ._asking import asker, unknown_kinds


class Touch(NamedTuple):
    """One effect, with the blocks of one kind that have it.

    Attributes:
        kind: The kind of the blocks.
        effect: What they do beyond their rows.
        target: What they touch outside, in words; never a path or query of a URL, since
            these may hold a secret.
        positions: Positions of the blocks in the definition.
    """

    kind: str
    effect: Effect
    target: str | None
    positions: Sequence[int]

    def __str__(self) -> str:
        count = len(self.positions)
        more = f" ({count} blocks)" if count > 1 else ""
        return f"{self.target or self.kind}{more}"


@frozen
class Effects:
    """What a workflow spends and touches.

    Attributes:
        touches: The effects, in order of the kinds.
        unknown: Kinds whose effects nobody knows.
    """

    touches: Sequence[Touch]
    unknown: Sequence[str]

    def of(self, *effects: Effect) -> Sequence[Touch]:
        """The touches with one of some effects."""
        return [touch for touch in self.touches if touch.effect in effects]

    @property
    def at_creation(self) -> Sequence[Touch]:
        """What is spent as soon as the workflow is created or updated."""
        return self.of("spends-on-create")

    @property
    def outside(self) -> Sequence[Touch]:
        """What stays outside after a run."""
        return self.of("writes-outside", "creates-storage")

    def __str__(self) -> str:
        return "; ".join(self._parts())

    def _parts(self) -> Iterator[str]:
        for words, effect in _SPENDING.items():
            if found := self.of(effect):
                yield f"{words}: {', '.join(map(str, found))}"
        if self.outside:
            found = self.outside
            yield f"leaves something outside at each run: {', '.join(map(str, found))}"
        if self.unknown:
            yield f"unknown: {', '.join(self.unknown)}"


_SPENDING: Final[Mapping[str, Effect]] = {
    "spends as soon as it is created": "spends-on-create",
    "spends at each run": "spends",
    "may spend at each run (no source says)": "may-spend",
}


def effects(definition: Definition) -> Effects:
    """What a workflow spends and touches, by what is known of its blocks."""
    found: dict[tuple[str, Effect, str | None], list[int]] = {}
    blocks = definition.blocks
    for kind, positions in definition.by_kind.items():
        if kind not in CATALOGUE:
            continue
        ask = asker(CATALOGUE[kind], "effects")
        for position in positions:
            specs = blocks[position].specs
            for effect in ask(specs):
                target = _target(kind, specs, effect) if effect in _OUTSIDE else None
                found.setdefault((kind, effect, target), []).append(position)
    touches = [Touch(*what, where) for what, where in found.items()]
    return Effects(touches, unknown_kinds(definition))


_OUTSIDE: Final = ("writes-outside", "creates-storage")


def _target(kind: str, specs: Mapping[str, Any], effect: Effect) -> str | None:
    if kind == "outgoing_webhook":
        return f"posts to {_host(specs.get('url'))}"
    if kind != "append_to_notebook":
        return _DOES.get(kind)
    if effect == "creates-storage":
        return "makes a notebook"
    notebook = specs.get("notebook_id")
    if notebook == CREATE_NEW:
        return "adds rows to it"
    return f"adds rows to notebook {_shown(notebook)}"


_DOES: Final = {"send_slack_message": "sends to Slack"}


def _host(url: Any) -> str:
    if not isinstance(url, str):
        return _shown(url)
    try:
        parts = urlsplit(url)
        return f"{parts.scheme}://{parts.hostname}" if parts.hostname else "no address"
    except ValueError:
        return "no address"


def _shown(found: Any) -> str:
    if isinstance(found, BoundSecret):
        found = found.value
    if isinstance(found, Value):
        return f"value {found.name!r}"
    return "nothing" if found is None else shortened(found)
