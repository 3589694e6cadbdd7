"""Redact definitions: apply `redaction` to the contents of a definition."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from attrs import evolve, frozen

from ..errors import ConfigError
from ..redaction import (
    MASK,
    Secrets,
    is_aligned,
    map_json,
    map_json_pairs,
    texts_in,
)
from ._values import VALUE_KEY, BoundSecret, Value
from .freezing import EMPTY, FrozenDict, Path, pointer, thaw
from .model import Definition, Edge

SHORTEST_VALUE: Final = 8
"""Characters that a value must have to count as secret if the code does not name it."""

# -- Which secrets there are -----------------------------------------------------------


def secrets_in(value: Any) -> list[Value | BoundSecret]:
    """Return the secrets inside of a frozen value, filled in or not."""
    found: list[Value | BoundSecret] = []
    _collect(value, found)
    return found


def bound_secrets(definitions: Iterable[Definition]) -> Sequence[BoundSecret]:
    """Return the secrets that were filled in in definitions, each once."""
    found: dict[tuple[str, str], BoundSecret] = {}
    for definition in definitions:
        for block in definition.blocks:
            for item in secrets_in(block.specs):
                if type(item) is BoundSecret:
                    found.setdefault((item.value.name, repr(item.content)), item)
    return list(found.values())


def secret_values(
    values: Mapping[str, Any] | None,
    names: Collection[str] | None = None,
    known: Iterable[BoundSecret] = (),
) -> Sequence[BoundSecret]:
    """Return values of an environment that may be secret although code does not say so.

    Short texts and numbers are left out: they occur in many places by chance.

    Args:
        values: The values by name. A value that cannot be read, since its variable is
            not set, is left out.
        names: The wanted names; None takes all.
        known: Secrets to leave out.
    """
    values = values or {}
    wanted = values.keys() - {item.value.name for item in known}
    found: list[BoundSecret] = []
    for name in sorted(wanted if names is None else wanted & {*names}):
        try:
            content = values[name]
        except ConfigError:
            continue
        if any(len(text) >= SHORTEST_VALUE for _, text in texts_in(content)):
            found.append(BoundSecret(Value(name, secret=True), content))
    return found


def secret_texts(
    definitions: Iterable[Definition], more: Iterable[BoundSecret] = ()
) -> tuple[str, ...]:
    """Return all texts in the secrets that were filled in, and in more secrets."""
    secrets = (*bound_secrets(definitions), *more)
    return tuple(sorted({text for one in secrets for _, text in texts_in(one.content)}))


def secrets_of(
    definitions: Iterable[Definition], more: Iterable[BoundSecret] = ()
) -> Secrets:
    """Return the secrets that were filled in, and more secrets, as they are hidden."""
    return Secrets(item.content for item in (*bound_secrets(definitions), *more))


def name_secrets(value: Any) -> Any:
    """Return a frozen value with the names of secrets that were filled in."""
    return map_json(
        value, lambda item: item.value if type(item) is BoundSecret else item
    )


_TEXT: Final = frozenset({str})


def _collect(value: Any, found: list[Value | BoundSecret]) -> None:
    if isinstance(value, dict):
        # Most dicts hold nothing but text, which needs no look at each member.
        if not _TEXT.issuperset(map(type, value.values())):
            for inner in value.values():
                _collect(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, found)
    elif type(value) is BoundSecret or (type(value) is Value and value.secret):
        found.append(value)


# -- Show ------------------------------------------------------------------------------


def redact_for_display(
    live: Definition, code: Definition | None, secrets: Iterable[BoundSecret] = ()
) -> Definition:
    """Return a live definition as it may be shown.

    The service has secrets as plain text. If the code fills a field with a secret, the
    field is shown as in the code if it is equal, and masked if not. A secret in any
    other place, in any spelling, is masked too.

    Args:
        live: The definition of the service.
        code: The definition of the code, with its values filled in. None if there is no
            code.
        secrets: More secrets, such as values of the environment that the code no longer
            names. A field that is one of them is shown by its name.
    """
    code = code or _NO_CODE
    more = [*secrets]
    known = secrets_of([code], more)
    if not known:
        return live
    named = {one.content: one for one in more if isinstance(one.content, str)}
    ours = {block.id.lower(): block.specs for block in code.blocks}

    def show(found: Any, wanted: Any) -> Any:
        return show_beside(found, wanted, known)

    def show_field(found: Any, wanted: Any) -> Any:
        is_other = isinstance(found, str) and found != wanted
        if is_other and found in named and not _has_bound(wanted):
            return named[found]
        return show(found, wanted)

    blocks = tuple(
        block._replace(
            specs=FrozenDict(
                {
                    name: show_field(item, ours.get(block.id.lower(), EMPTY).get(name))
                    for name, item in block.specs.items()
                }
            ),
            extra=known.hide(block.extra),
        )
        for block in live.blocks
    )
    return evolve(
        live,
        name=show(live.name, code.name),
        description=show(live.description, code.description),
        blocks=blocks,
        edges=tuple(edge._replace(extra=known.hide(edge.extra)) for edge in live.edges),
        graph_extra=known.hide(live.graph_extra),
    )


_NO_CODE: Final = Definition("", "", (), ())


def show_beside(found: Any, wanted: Any, secrets: Secrets) -> Any:
    """Return a live value as it may be shown, given the value in code."""

    def show(found: Any, wanted: Any, _: Path) -> Any:
        if _has_bound(wanted):
            return wanted if _reveal(wanted) == _reveal(found) else MASK
        if wanted is not None and found == wanted:
            return found
        if secrets.is_one(found):
            return MASK
        if not is_aligned(found, wanted):
            return secrets.hide(found)
        if isinstance(found, dict) and any(
            map(secrets.is_in, found.keys() - wanted.keys())
        ):
            return secrets.hide(found)
        return found

    return map_json_pairs(found, wanted, show)


def _has_bound(value: Any) -> bool:
    return any(type(item) is BoundSecret for item in secrets_in(value))


def _reveal(value: Any) -> Any:
    return thaw(
        value, lambda one: thaw(one.content) if type(one) is BoundSecret else one
    )


# -- Store -----------------------------------------------------------------------------


@frozen
class Stored:
    """A definition without the text of any secret.

    Attributes:
        definition: Secrets are unbound values in it.
        withheld: JSON pointers of the texts that were left out, since no value replaces
            them: a text in the place of a secret that is not the known secret, and a
            text that contains a secret.
    """

    definition: Definition
    withheld: Sequence[str] = ()


def redact_for_storage(
    live: Definition,
    code: Definition | None = None,
    secrets: Iterable[BoundSecret] = (),
    *,
    stand_in: Callable[[Any], Any] | None = None,
) -> Stored:
    """Return a live definition as it may be stored, as a body without response keys.

    Args:
        live: The definition of the service. Secrets are plain text in it.
        code: The definition that has the secrets in their places, with values bound.
        secrets: More secrets, such as those of other workflows.
        stand_in: Returns the replacement of a text that is left out. By default that is
            the value in code, or else the mask.
    """
    known = [*bound_secrets([code] if code else []), *secrets]
    copy = _StorageCopy(known, stand_in)
    wanted = {block.id.lower(): block.specs for block in code.blocks} if code else {}
    graph: Path = ("workflow_definition",)
    blocks = tuple(
        block._replace(
            specs=copy.specs(
                block.specs,
                wanted.get(block.id.lower(), EMPTY),
                (*graph, "blocks", at, "specs"),
            ),
            extra=copy.other(block.extra, (*graph, "blocks", at)),
        )
        for at, block in enumerate(live.blocks)
    )
    edges = tuple(
        Edge(edge.source, edge.target, copy.other(edge.extra, (*graph, "edges", at)))
        for at, edge in enumerate(live.edges)
    )
    made = evolve(
        live,
        name=copy.other(live.name, ("workflow_name",)),
        description=copy.other(live.description, ("workflow_description",)),
        blocks=blocks,
        edges=edges,
        extra=EMPTY,
        graph_extra=copy.other(live.graph_extra, graph),
    )
    return Stored(made, copy.withheld)


class _StorageCopy:
    """Copies a definition, and remembers what it left out."""

    def __init__(
        self, known: Sequence[BoundSecret], stand_in: Callable[[Any], Any] | None
    ) -> None:
        self._known = [(thaw(item.content), item.value) for item in known]
        self._secrets = Secrets(item.content for item in known)
        self._stand_in = stand_in
        self.withheld: list[str] = []

    def specs(self, found: FrozenDict, wanted: FrozenDict, path: Path) -> FrozenDict:
        """Store the specs of a block, given those of the code."""
        made = {
            name: map_json_pairs(
                item, wanted.get(name), self._store_field, (*path, name)
            )
            for name, item in found.items()
        }
        return FrozenDict(made)

    def other(self, found: Any, path: Path) -> Any:
        """Store a title, a description or unknown keys.

        A value is filled in only in specs. So a text here never becomes a value, even
        if it equals a secret.
        """
        return map_json_pairs(found, None, self._store_other, path)

    def _store_field(self, found: Any, wanted: Any, path: Path) -> Any:
        if type(wanted) is BoundSecret:
            if thaw(wanted.content) == thaw(found):
                return wanted.value
            return self._leave_out(found, path, wanted.value)
        if type(wanted) is Value and wanted.secret:
            return self._leave_out(found, path, wanted)
        if (value := self._value_of(found)) is not None:
            return value
        if secrets_in(wanted) and not is_aligned(found, wanted):
            return self._leave_out(found, path)
        return self._leave_out(found, path) if self._is_unfit(found) else found

    def _store_other(self, found: Any, _: Any, path: Path) -> Any:
        if self._value_of(found) is not None or self._is_unfit(found):
            return self._leave_out(found, path)
        return found

    def _is_unfit(self, found: Any) -> bool:
        """Return True for a text, or names of members, that contain a secret.

        An object that would be read as an unbound value is unfit too.
        """
        if isinstance(found, dict):
            return VALUE_KEY in found or any(map(self._secrets.is_in, found))
        return isinstance(found, str) and self._secrets.is_in(found)

    def _value_of(self, found: Any) -> Value | None:
        """Return the value of a secret that the code does not have in this place."""
        plain = thaw(found)
        if type(plain) in (bool, int, float) or plain in ("", None):
            return None  # too few of them exist to recognise a secret
        return next((value for known, value in self._known if known == plain), None)

    def _leave_out(self, found: Any, path: Path, wanted: Value | None = None) -> Any:
        self.withheld.append(pointer(path))
        if self._stand_in is not None:
            return self._stand_in(found)
        return MASK if wanted is None else wanted
