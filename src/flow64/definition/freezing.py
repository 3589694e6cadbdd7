"""Frozen JSON: dicts and lists that cannot be changed, and the paths inside of them.

`freeze` copies data into values that cannot be changed, and says at which path a value
is not JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn, TypeAlias, TypeGuard

from attrs import evolve, frozen

from ..text import shortened
from ._values import VALUE_KEY, Hidden, Value

MAX_INTEGER: Final = 2**53 - 1
"""Integers beyond this lose digits in programs that read JSON numbers as doubles."""


def _refuse(_self: object, *_: object, **__: object) -> NoReturn:
    message = "a definition is frozen: build another one, with_(...) on its block"
    raise TypeError(message)


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override] # it is frozen
        return hash(frozenset(self.items()))

    def __deepcopy__(self, memo: object) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenDict, (dict(self),)


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __slots__ = ()

    def __hash__(self) -> int:  # type: ignore[override] # it is frozen
        return hash(tuple(self))

    def __deepcopy__(self, memo: object) -> FrozenList:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return FrozenList, (list(self),)


_CHANGES: Final = {
    FrozenDict: "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update",
    FrozenList: "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert "
    "pop remove reverse sort",
}
# By name, since to a type checker an assignment would be a method that fits no dict.
for _frozen, _methods in _CHANGES.items():
    for _method in _methods.split():
        setattr(_frozen, _method, _refuse)

EMPTY: Final = FrozenDict()


def is_plain(value: Any) -> bool:
    """Return True for a scalar that any JSON reader keeps, which needs no freezing."""
    kind = type(value)
    if kind is str:
        return value.isascii() or is_encodable(value)
    return (
        kind is bool
        or value is None
        or (kind is int and -MAX_INTEGER <= value <= MAX_INTEGER)
    )


def is_number(value: object) -> TypeGuard[float]:
    """Return True for a number of JSON: an `int` or a `float`, and not a `bool`."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_encodable(text: str) -> bool:
    """Return True if a text is Unicode, without a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


# -- Freezing --------------------------------------------------------------------------

MAX_DEPTH: Final = 256
"""How deep specs may nest; more is a finding, and a ReadError in a file."""

Path: TypeAlias = tuple[str | int, ...]


@frozen
class Problem:
    """A value that cannot be written as JSON, and its place."""

    code: str
    path: Path
    message: str
    help: str


Convert: TypeAlias = Callable[[Any], Any]
"""Turns a value into JSON data, into a `Problem`, or returns it unchanged."""


@frozen
class Limits:
    """Limits of freezing: stricter for code than for data that was read.

    Attributes:
        depth: How deep values may nest.
        whole: Write whole numbers as integers: one spelling for each number.
        integer: The largest integer that passes, up to `MAX_INTEGER`; None for any.
        literals: Whether a literal with the key of an unbound value passes.
    """

    depth: int = MAX_DEPTH
    whole: bool = True
    integer: int | None = MAX_INTEGER
    literals: bool = False


CODE: Final = Limits()


def freeze(
    value: Any,
    path: Path,
    problems: list[Problem],
    convert: Convert | None = None,
    limits: Limits = CODE,
) -> Any:
    """Return a frozen copy of a value. Too deep nesting is a problem and not a crash.

    Args:
        value: Data from code or from a parser.
        path: Its place, for the problems.
        problems: Gets one entry for each value that is not JSON; null takes its place.
        convert: Is asked for everything except plain scalars, dicts and lists.
    """
    return Freezer(problems, convert, limits).freeze(value, path)


class Freezer:
    """Freezes values, as `freeze` does."""

    __slots__ = ("convert", "has_ended", "limits", "problems")

    def __init__(
        self,
        problems: list[Problem],
        convert: Convert | None = None,
        limits: Limits = CODE,
    ) -> None:
        self.problems: list[Problem] = problems
        self.convert: Convert | None = convert
        self.limits: Limits = limits
        self.has_ended: bool = False

    def freeze(self, value: Any, path: Path, level: int = 0) -> Any:
        """Return a frozen copy of a value in so many other containers."""
        kind = type(value)
        if kind is dict and VALUE_KEY not in value:
            return self._freeze_dict(value.items(), path, level)
        if kind is list or kind is tuple:
            return self._freeze_list(value, path, level)
        if is_plain(value):
            return value
        item = value if self.convert is None else self.convert(value)
        if type(item) is Problem:
            self.problems.append(evolve(item, path=path))
            return None
        if type(item) is Value or type(item) is Hidden:
            return item
        return self._freeze_other(item, path, level)

    def _freeze_other(self, item: Any, path: Path, level: int) -> Any:
        if isinstance(item, Mapping):
            members = _items(item, path, self.problems)
            if members is None:
                return None
            if not self.limits.literals and _holds_value_key(members):
                self.problems.append(_reserved_problem(path))
                return None
            return self._freeze_dict(members, path, level)
        if isinstance(item, list | tuple) and not hasattr(type(item), "_fields"):
            return self._freeze_list(item, path, level)
        return _scalar(item, path, self.problems, self.limits)

    def _freeze_dict(
        self, members: Iterable[tuple[Any, Any]], path: Path, level: int
    ) -> FrozenDict | None:
        if self._is_too_deep(path, level):
            return None
        frozen = FrozenDict()
        for key, inner in members:
            if type(key) is not str or not (key.isascii() or is_encodable(key)):
                self.problems.append(_no_key(key, path))
            elif type(inner) is str and inner.isascii():
                _put(frozen, key, inner)
            else:
                _put(frozen, key, self.freeze(inner, (*path, key), level + 1))
        return frozen

    def _freeze_list(
        self, items: Sequence[Any], path: Path, level: int
    ) -> FrozenList | None:
        if self._is_too_deep(path, level):
            return None
        return FrozenList(
            [
                self.freeze(inner, (*path, at), level + 1)
                for at, inner in enumerate(items)
            ]
        )

    def _is_too_deep(self, path: Path, level: int) -> bool:
        limit = self.limits.depth
        if level >= limit and not self.has_ended:
            self.problems.append(too_deep(path, limit))
            # A value may contain itself: after this nothing is looked into.
            self.has_ended = True
        return self.has_ended


_put = dict.__setitem__  # a frozen dict is filled where it is made, and only there


def thaw(value: Any, replace: Callable[[Any], Any] = lambda item: item) -> Any:
    """Return plain dicts and lists; `replace` turns other values into JSON data."""
    if isinstance(value, dict):
        return {key: thaw(item, replace) for key, item in value.items()}
    if isinstance(value, list):
        return [thaw(item, replace) for item in value]
    return replace(value)


def pointer(path: Path) -> str:
    """Return a path as an RFC 6901 JSON pointer."""
    return "".join(f"/{str(p).replace('~', '~0').replace('/', '~1')}" for p in path)


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value inside a frozen value with its path, keys in order."""
    todo = [(path, value)]
    while todo:
        here, item = todo.pop()
        yield here, item
        if isinstance(item, dict):
            todo += [((*here, key), item[key]) for key in reversed(item)]
        elif isinstance(item, list):
            todo += [((*here, i), item[i]) for i in reversed(range(len(item)))]


def nesting(value: Any) -> int:
    """Count the levels of dicts and lists in a frozen value."""
    containers = (path for path, item in walk(value) if isinstance(item, dict | list))
    return max((len(path) + 1 for path in containers), default=0)


def _items(
    item: Mapping[Any, Any], here: Path, problems: list[Problem]
) -> list[tuple[Any, Any]] | None:
    """Return the members of a mapping; None if it cannot be read."""
    try:
        return [(key, inner) for key, inner in item.items()]
    except Exception as error:  # noqa: BLE001 - a mapping of theirs may do anything
        what = f"{_name_of(type(item))} cannot be read: {shortened(error)}"
        advice = "write a plain dict"
        problems.append(Problem("not-json", here, f"a mapping {what}", advice))
        return None


def _holds_value_key(members: list[tuple[Any, Any]]) -> bool:
    return any(type(key) is str and key == VALUE_KEY for key, _ in members)


def _scalar(item: Any, here: Path, problems: list[Problem], limits: Limits) -> Any:
    if is_plain(item):
        return item
    if type(item) is int and limits.integer is None:
        return item
    if type(item) is float and item - item == 0:
        is_whole = limits.whole and item.is_integer() and abs(item) <= MAX_INTEGER
        return int(item) if is_whole else item
    problems.append(_no_json(item, here))
    return None


def _no_key(key: Any, here: Path) -> Problem:
    is_text = type(key) is str
    what = "text with a lone surrogate" if is_text else _a(key)
    message = f"{shortened(key)} is {what}, and JSON keys are Unicode text"
    return Problem("not-json", here, message, "write the key as a plain str")


def _no_json(item: Any, here: Path) -> Problem:
    kind = type(item)
    if kind is str:
        message, advice = "text with a lone surrogate is not Unicode", "mend the text"
    elif kind is float:
        message = f"{item} is not a JSON number"
        advice = "leave the field out, or use null"
    elif kind is int:
        message = "integers beyond 2^53 - 1 lose digits in JSON"
        advice = "write it as text"
    elif isinstance(item, set | frozenset):
        message, advice = "a set has no order", "write a list: sorted(...)"
    elif isinstance(item, type):
        message = f"the class {_name_of(item)} is not JSON"
        advice = f"to ask for its fields, put @returns above class {item.__name__}"
        if item.__module__ == "builtins":
            advice = f'write the type as text: "{item.__name__}"'
    else:
        message = f"{_a(item)} is not JSON ({shortened(item)})"
        ways = next((way for name, way in _WAYS if hasattr(kind, name)), "list(...)")
        advice = f"convert it where you write it: str(...), or {ways}"
    return Problem("not-json", here, message, advice)


_WAYS: Final = (
    ("isoformat", ".isoformat()"),
    ("tolist", ".tolist()"),
    ("decode", ".decode()"),
    ("_member_map_", ".value"),
)
"""Attributes of the class, which an object of theirs cannot fake, with a conversion."""


def _a(item: Any) -> str:
    """Return the name of a value's type with its article."""
    name = _name_of(type(item))
    return f"{'an' if name[0] in 'aeio' else 'a'} {name}"


def _name_of(kind: type[Any]) -> str:
    # Without private modules, which differ between versions: pathlib._local.Path.
    parts = [part for part in kind.__module__.split(".") if not part.startswith("_")]
    names = [part for part in parts if part != "builtins"]
    return ".".join([*names, kind.__qualname__])


def too_deep(here: Path, limit: int) -> Problem:
    """Return the problem of a value that nests deeper than a limit."""
    return Problem(
        "too-deep",
        here[:4],  # the place where the nesting begins says more than its depths
        f"values nest deeper than {limit} levels",
        "flatten the value, or send it as JSON text",
    )


def _reserved_problem(here: Path) -> Problem:
    return Problem(
        "reserved-literal",
        here,
        f"a literal with the key {VALUE_KEY!r} would be read back as an unbound value",
        'write value("name") for a value that differs by environment',
    )
