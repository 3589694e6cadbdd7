"""Secrets: a definition names them, a request fills them in, an answer is rid of them.

A definition has `Value("hook", secret=True)` in the place of a secret. `as_body` fills
values in, for a request alone. `hide_secrets` reads what comes back. So nothing else
ever has the text of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeAlias, final

from attrs import evolve

from ..errors import ConfigError
from ..secrets import Secrets, map_json, texts_in
from ._stamp import Stamp
from ._values import VALUE_KEY, Hidden, Value
from .freezing import FrozenDict, FrozenList, pointer, thaw, walk
from .model import Definition

Places: TypeAlias = Mapping[str, Mapping[tuple[str, ...], str]]
"""Names of secret values, by block id in lower case and by path from the field down."""


@final
class Values(Mapping[str, Any]):
    """The values of an environment, read on demand. No repr shows their contents.

    Args:
        values: The contents by name.
        hidden: Names of values that are secret, also if code does not say so. By
            default those that `values` has as hidden.
    """

    __slots__ = ("_values", "hidden")

    def __init__(
        self,
        values: Mapping[str, Any] | None = None,
        hidden: Iterable[str] | None = None,
    ) -> None:
        self._values = {} if values is None else values
        names = getattr(values, "hidden", ()) if hidden is None else hidden
        self.hidden: Final[frozenset[str]] = frozenset(names)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in {*self._values}  # without reading its variable

    def __repr__(self) -> str:
        return f"<values: {', '.join(map(str, self))}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("values may be secret, so they are neither copied nor pickled")

    def find(self, name: str) -> Any:
        """Return a content as plain JSON data; `UNSET` if there is none here."""
        with suppress(ConfigError, KeyError):
            return thaw(self._values[name])
        return UNSET

    def has_content(self, name: str) -> bool:
        """Return True if a content is given, and its variable is set."""
        return self.find(name) is not UNSET


UNSET: Final = object()
"""The content of a value that is not given, or whose variable is not set."""


def secret_places(definition: Definition) -> Places:
    """Return where a definition names secrets."""
    places: dict[str, dict[tuple[str, ...], str]] = {}
    for block in definition.blocks:
        for path, item in walk(block.specs):
            if type(item) is Value and item.secret:
                at = tuple(map(str, path))
                places.setdefault(block.id.lower(), {})[at] = item.name
    return places


def stamped_places(live: Definition, stamp: Stamp | None) -> Places:
    """Return where the deploy that left a stamp has filled in secrets."""
    if stamp is None:
        return {}
    return {
        block.id.lower(): names
        for block in live.blocks
        if (names := stamp.secrets_of(block.id))
    }


def join_places(first: Places, second: Places) -> Places:
    """Return the places of both. If they name one differently, the first counts."""
    return {
        block_id: {**second.get(block_id, {}), **first.get(block_id, {})}
        for block_id in {**second, **first}
    }


def secret_names(definition: Definition) -> frozenset[str]:
    """Return the names of the secrets that a definition needs."""
    return frozenset(
        name for names in secret_places(definition).values() for name in names.values()
    )


def secret_texts(values: Values, names: Iterable[str] = ()) -> frozenset[str]:
    """Return the texts of secrets: of all that are hidden, and of some names."""
    return frozenset(
        text
        for name in {*values.hidden, *names}
        for _, text in texts_in(values.find(name))
    )


# -- What comes back -------------------------------------------------------------------


def name_secrets(
    live: Definition, places: Places, values: Values | None = None
) -> Definition:
    """Return a live definition with the names of secrets in their places.

    Args:
        live: What the service has.
        places: Where secrets stand.
        values: The secrets. A text that is not the one of its place becomes `Hidden()`.
            None names whatever stands there.
    """

    def name_all(specs: FrozenDict, names: Mapping[tuple[str, ...], str]) -> Any:
        for path, name in names.items():
            wanted = UNSET if values is None else values.find(name)
            specs = _replace(specs, path, Value(name, secret=True), wanted)
        return specs

    if not any(block.id.lower() in places for block in live.blocks):
        return live
    return live.map_specs(
        lambda block: name_all(block.specs, places.get(block.id.lower(), {}))
    )


def _replace(item: Any, path: tuple[str, ...], value: Value, wanted: Any) -> Any:
    """Return an item with a value at a path. What is not there stays absent."""
    if not path:
        is_named = type(item) is Value and item.name == value.name
        is_same = is_named or wanted is UNSET or _is_same(item, wanted)
        return value if is_same else Hidden()
    key, *inner = path
    if isinstance(item, dict):
        if key not in item:
            return item
        return FrozenDict({**item, key: _replace(item[key], (*inner,), value, wanted)})
    if isinstance(item, list):
        if not (key.isdecimal() and int(key) < len(item)):
            return item
        at = int(key)
        changed = _replace(item[at], (*inner,), value, wanted)
        return FrozenList([*item[:at], changed, *item[at + 1 :]])
    # Another form of what has the secret inside may show it as well.
    return Hidden() if isinstance(item, str) else item


def _is_same(item: Any, wanted: Any) -> bool:
    plain = thaw(item)
    return type(plain) is type(wanted) and bool(plain == wanted)


def hide_secrets(live: Definition, places: Places, values: Values) -> Definition:
    """Return a live definition without the text of any secret.

    In the place of a secret stands its name, or `Hidden()` if the text there is not
    that of the secret. So does every other text that contains a secret.

    Args:
        live: What the service has; or code, whose literals may repeat a secret.
        places: Where secrets stand, by the stamp and by code.
        values: The values of the environment.
    """
    names = {name for paths in places.values() for name in paths.values()}
    secrets = Secrets(secret_texts(values, names))

    def hide(item: Any, _: object) -> Any:
        if isinstance(item, str) and secrets.is_in(item):
            return Hidden()
        # An object that would be read as the name of a value is hidden too.
        if isinstance(item, dict) and (
            VALUE_KEY in item or any(map(secrets.is_in, item))
        ):
            return Hidden()
        return item

    def hide_members(members: FrozenDict) -> FrozenDict:
        if any(map(secrets.is_in, members)):
            members = FrozenDict({secrets.mask(key): v for key, v in members.items()})
        return FrozenDict({key: map_json(v, hide) for key, v in members.items()})

    named = name_secrets(live, places, values)
    return evolve(
        named,
        name=secrets.mask(named.name),
        description=secrets.mask(named.description),
        blocks=tuple(
            block._replace(
                specs=hide_members(block.specs), extra=hide_members(block.extra)
            )
            for block in named.blocks
        ),
        edges=tuple(
            edge._replace(extra=hide_members(edge.extra)) if edge.extra else edge
            for edge in named.edges
        ),
        extra=hide_members(named.extra),
        graph_extra=hide_members(named.graph_extra),
    )


def list_hidden(definition: Definition) -> list[str]:
    """Return JSON pointers of what is hidden in the graph of a body."""
    parts: list[tuple[tuple[str | int, ...], Any]] = [
        *((("blocks", at, "specs"), b.specs) for at, b in enumerate(definition.blocks)),
        *((("blocks", at), block.extra) for at, block in enumerate(definition.blocks)),
        *((("edges", at), edge.extra) for at, edge in enumerate(definition.edges)),
        ((), definition.graph_extra),
    ]
    return [
        pointer(("workflow_definition", *start, *path))
        for start, members in parts
        for path, item in walk(members)
        if type(item) is Hidden
    ]
