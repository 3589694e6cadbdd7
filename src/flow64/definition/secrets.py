"""Values of an environment: filled in, and hidden in answers if they are secret.

`bind` fills plain values into a definition. In the place of a secret it has
`Value("hook", secret=True)`: `as_body` fills that in, for a request alone, and
`hide_secrets` reads what comes back. So nothing else ever has the text of a secret.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final, NoReturn, TypeAlias, final

from attrs import NOTHING, evolve

from ..errors import ConfigError
from ..secrets import Secrets, map_json, texts_in, walk
from .freezing import (
    EMPTY,
    VALUE_KEY,
    Freezer,
    FrozenDict,
    Hidden,
    Problem,
    Value,
    thaw,
)
from .ids import Stamp
from .model import Definition

Places: TypeAlias = Mapping[tuple[str, ...], str]
"""Names of secret values by path: block id in lower case, and from the field down."""


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
        """Return a content as plain JSON data; `NOTHING` without it or its variable."""
        with suppress(ConfigError, KeyError):
            return thaw(self._values[name])
        return NOTHING

    def has_content(self, name: str) -> bool:
        """Return True if a content is given, and its variable is set."""
        return self.find(name) is not NOTHING


# -- Plain values ----------------------------------------------------------------------


def _unbound(definition: Definition) -> set[Value]:
    """Return the values that are not filled in."""
    items = (item for block in definition.blocks for _, item in walk(block.specs))
    return {item for item in items if type(item) is Value}


def unbound_names(definition: Definition) -> list[str]:
    """Return the names of the plain values that are not filled in yet, sorted."""
    return sorted({value.name for value in _unbound(definition) if not value.secret})


def bind(
    definition: Definition, values: Mapping[str, Any], problems: list[Problem]
) -> Definition:
    """Return the definition with each plain value in `values` filled in.

    A value is secret in all places if code marks it in one, or if the settings take it
    from a variable (`values.hidden`). It stays a name.

    Args:
        values: JSON data by value name. Unused names are ignored, since the workflows
            of a fleet share one environment.
        problems: Gets one entry for each value that is not JSON. Its path begins with
            the name.
    """
    unbound = _unbound(definition)
    names = {value.name for value in unbound}
    hidden = {value.name for value in unbound if value.secret}
    hidden |= names & getattr(values, "hidden", frozenset())
    plain = sorted((names - hidden) & values.keys())
    freezer = Freezer(problems.append)
    contents = {name: freezer.freeze(values[name], (name,)) for name in plain}
    contents |= {name: Value(name, secret=True) for name in hidden}
    if not contents:
        return definition

    def fill(item: Any, _: object) -> Any:
        return contents.get(item.name, item) if type(item) is Value else item

    return definition.map_specs(lambda block: map_json(block.specs, fill))


def add_suffix(definition: Definition, suffix: str) -> Definition:
    """Return the definition with the name suffix of an environment after its title.

    The ids are already made, even if the title gave the key.

    Args:
        suffix: Such as `(staging)`; empty adds nothing. A title that already ends in it
            does not get a second one.
    """
    name = definition.name
    if not suffix or name == suffix or name.endswith(f" {suffix}"):
        return definition
    return evolve(definition, name=f"{name} {suffix}")


# -- Where secrets stand ---------------------------------------------------------------


def secrets_in(specs: FrozenDict, *above: str) -> dict[tuple[str, ...], str]:
    """Return the names of secrets in specs by path; each path begins with `above`."""
    return {
        tuple(map(str, path)): item.name
        for path, item in walk(specs, above)
        if type(item) is Value and item.secret
    }


def secret_places(definition: Definition) -> Places:
    """Return where a definition names secrets."""
    places: dict[tuple[str, ...], str] = {}
    for block in definition.blocks:
        places |= secrets_in(block.specs, block.id.lower())
    return places


def stamped_places(live: Definition, stamp: Stamp | None) -> Places:
    """Return where the deploy that left a stamp has filled in secrets."""
    return {
        (block.id.lower(), *path): name
        for block in live.blocks
        for path, name in (stamp.secrets_of(block.id) if stamp else EMPTY).items()
    }


def secret_names(definition: Definition) -> frozenset[str]:
    """Return the names of the secrets that a definition needs."""
    return frozenset(value.name for value in _unbound(definition) if value.secret)


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
            None gives a place its name, also if it has another text.
    """
    if not places:
        return live
    around = {place[:end] for place in places for end in range(len(place))}

    def replace(item: Any, path: tuple[str | int, ...]) -> Any:
        at = tuple(map(str, path))
        if at not in places:
            # Another form of what has the secret inside may show it as well.
            return Hidden() if at in around and isinstance(item, str) else item
        named = Value(places[at], secret=True)
        wanted = NOTHING if values is None else values.find(named.name)
        plain = thaw(item)
        is_same = type(plain) is type(wanted) and plain == wanted
        is_named = isinstance(item, Value) and item.name == named.name
        return named if is_same or is_named or wanted is NOTHING else Hidden()

    return live.map_specs(
        lambda block: map_json(block.specs, replace, (block.id.lower(),))
    )


def hide_secrets(live: Definition, places: Places, values: Values) -> Definition:
    """Return a live definition without the text of any secret.

    In the place of a secret stands its name, or `Hidden()` if the text there is not
    that of the secret. So does every other text that contains a secret.

    Args:
        live: What the service has; or code, in which a literal may repeat a secret.
        places: Where secrets stand, by the stamp and by code.
        values: The values of the environment.
    """
    secrets = Secrets(secret_texts(values, places.values()))

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
        shown = {secrets.mask(key): map_json(v, hide) for key, v in members.items()}
        return FrozenDict(shown)

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
        edges=tuple(e._replace(extra=hide_members(e.extra)) for e in named.edges),
        extra=hide_members(named.extra),
        graph_extra=hide_members(named.graph_extra),
    )
