"""Frozen JSON: dicts and lists that cannot be changed, and the values that they hold.

`Freezer` copies data into values that cannot be changed, and says at which path a value
is not JSON. `rfc8785` writes plain data as the same bytes everywhere.
"""

from __future__ import annotations

import decimal
import hashlib
import json
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring as quote
from typing import Any, Final, NoReturn, TypeAlias, TypeGuard

from attrs import define, evolve, frozen

from ..errors import BuildError
from ..secrets import MASK
from ..text import shortened

MAX_INTEGER: Final = 2**53 - 1
"""Integers beyond this lose digits in programs that read JSON numbers as doubles."""

MAX_DEPTH: Final = 256
"""How deep specs may nest; more is a finding, and a ReadError in a file."""

VALUE_KEY: Final = "flow64:value"
"""The key that marks an unbound value in unbound JSON."""


# -- Values ----------------------------------------------------------------------------


@frozen
class Value:
    """A whole value of a spec that each environment fills in.

    Attributes:
        name: The name that environments fill in.
        secret: Whether it is filled in for requests alone, and hidden in answers.
    """

    name: str
    secret: bool = False

    def __str__(self) -> str:
        message = f"value({self.name!r}) stands for a whole value, not a part of a text"
        raise BuildError(message, hint="let the environment fill in the whole text")

    def as_data(self) -> dict[str, Any]:
        """Return the form in unbound JSON."""
        return {VALUE_KEY: self.name} | ({"secret": True} if self.secret else {})


@frozen
class Hidden:
    """A text of the service that is not shown, since it is or contains a secret."""

    def as_data(self) -> str:
        """Return the form in JSON."""
        return MASK


# -- Containers ------------------------------------------------------------------------


def _refuse(_self: object, *_: object, **__: object) -> NoReturn:
    raise TypeError("blocks and definitions are frozen: make another block, with_(...)")


class FrozenDict(dict[str, Any]):
    """A dict that cannot be changed."""

    __slots__ = ()


class FrozenList(list[Any]):
    """A list that cannot be changed."""

    __slots__ = ()


_CHANGES: Final = {
    FrozenDict: "__setitem__ __delitem__ __ior__ clear pop popitem setdefault update",
    FrozenList: "__setitem__ __delitem__ __iadd__ __imul__ append clear extend insert "
    "pop remove reverse sort",
}
# By name, since to a type checker an assignment would be a method that fits no dict.
for _frozen, _methods in _CHANGES.items():
    for _method in _methods.split():
        setattr(_frozen, _method, _refuse)
    _rebuild: Any = lambda self: (type(self), (self.copy(),))  # noqa: E731 - see above
    setattr(_frozen, "__reduce__", _rebuild)  # noqa: B010 - for copy and pickle

EMPTY: Final = FrozenDict()


def is_plain(value: Any) -> bool:
    """Return True for a scalar that any JSON reader keeps, which needs no freezing."""
    kind = type(value)
    if kind is str:
        return value.isascii() or is_encodable(value)
    return kind is bool or value is None or (kind is int and abs(value) <= MAX_INTEGER)


def is_number(value: object) -> TypeGuard[float]:
    """Return True for a number of JSON: an `int` or a `float`, and not a `bool`."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_encodable(text: Any) -> bool:
    """Return True for a text of Unicode, without a lone surrogate."""
    try:
        text.encode()
    except (AttributeError, UnicodeEncodeError):  # it is no text
        return False
    return True


# -- Freezing --------------------------------------------------------------------------

Path: TypeAlias = tuple[str | int, ...]


@frozen
class Problem:
    """A value that cannot be written as JSON, and its place."""

    message: str
    help: str
    path: Path = ()
    code: str = "not-json"


Convert: TypeAlias = Callable[[Any], Any]
"""Turns a value into JSON data, into a `Problem`, or returns it unchanged."""


def refuse_marker(_: Any) -> Problem:
    """Refuse a literal that would be an unbound value."""
    message = f"a literal with the key {VALUE_KEY!r} would be an unbound value"
    advice = 'write value("name") for what differs by environment'
    return Problem(message, advice, code="reserved-literal")


def unchanged(item: Any) -> Any:
    """Return a value unchanged."""
    return item


class _TooDeepError(Exception):
    """Ends the freezing of a value. Its argument is the path."""


@define
class Freezer:
    """Copies values, one after the other, into values that cannot be changed.

    Attributes:
        report: Is told of each value that is not JSON. `Hidden()` takes its place: it
            fits everywhere, so no rule finds a second fault.
        read_marker: Is asked for each object that has the key of an unbound value.
        convert: Is asked for what is not JSON.
        depth: How deep values may nest.
        is_code: Write whole numbers as integers, one spelling for each number, and
            refuse integers beyond `MAX_INTEGER`.
    """

    report: Callable[[Problem], object]
    read_marker: Convert = refuse_marker
    convert: Convert = unchanged
    depth: int = MAX_DEPTH
    is_code: bool = True

    def freeze(self, value: Any, path: Path = ()) -> Any:
        """Return a frozen copy. Too deep nesting is a problem and not a crash."""
        try:
            return self._freeze(value, path, 0)
        except _TooDeepError as error:  # the value may contain itself
            (place,) = error.args
            advice = "flatten the value, or send it as JSON text"
            message = f"values nest deeper than {self.depth} levels"
            self.report(Problem(message, advice, place[:4], "too-deep"))
            return None

    def _freeze(self, value: Any, path: Path, level: int) -> Any:
        if isinstance(value, dict):
            return self._freeze_dict(value, path, level)
        if is_plain(value):
            return value
        item = self.convert(value)
        if isinstance(item, Mapping):
            return self._freeze_dict(item, path, level)
        if isinstance(item, list | tuple):
            if level >= self.depth:
                raise _TooDeepError(path)
            inner, level = enumerate(item), level + 1
            return FrozenList([self._freeze(v, (*path, at), level) for at, v in inner])
        return item if is_plain(item) else self._scalar(item, path)

    def _scalar(self, item: Any, path: Path) -> Any:
        if isinstance(item, Value | Hidden) or (type(item) is int and not self.is_code):
            return item
        if type(item) is float and item - item == 0:
            is_whole = self.is_code and item.is_integer()
            return int(item) if is_whole and abs(item) <= MAX_INTEGER else item
        problem = item if isinstance(item, Problem) else _no_json(item)
        self.report(evolve(problem, path=path))
        return Hidden()

    def _freeze_dict(self, members: Mapping[Any, Any], path: Path, level: int) -> Any:
        if level >= self.depth:
            raise _TooDeepError(path)
        if VALUE_KEY in members:
            item = self.read_marker(members)
            if isinstance(item, Value):
                return item
            if isinstance(item, Problem):
                self.report(evolve(item, path=path))
                members = {k: v for k, v in members.items() if k != VALUE_KEY}
        frozen = FrozenDict()
        for key, inner in members.items():
            if type(key) is not str or not (key.isascii() or is_encodable(key)):
                message = f"the key {shortened(key)} is not Unicode text"
                advice = "write the key as a plain str"
                self.report(Problem(message, advice, path))
            elif type(inner) is str and inner.isascii():
                _put(frozen, key, inner)
            else:
                _put(frozen, key, self._freeze(inner, (*path, key), level + 1))
        return frozen


_put = dict.__setitem__  # a frozen dict is filled where it is made, and only there


def _no_json(item: Any) -> Problem:
    kind = type(item)
    if kind is str:
        message, advice = "text with a lone surrogate is not Unicode", "mend the text"
    elif kind is float:
        message, advice = f"{item} is not a JSON number", "leave the field out"
    elif kind is int:
        message = "integers beyond 2^53 - 1 lose digits in JSON"
        advice = "write it as text"
    elif kind is type:
        message = f"the class {item.__name__} is not JSON"
        advice = f"to ask for its fields, put @returns above class {item.__name__}"
    else:
        message = f"{kind.__name__} is not JSON ({shortened(item)})"
        advice = "convert it where you write it, for example by str(...) or list(...)"
    return Problem(message, advice)


# -- Paths and values ------------------------------------------------------------------


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


def rfc8785(value: Any) -> bytes:
    """Return the canonical JSON of RFC 8785 (JCS): sorted keys, one form of a number.

    Integers beyond 2^53 - 1 keep their digits. Only data that was read has such ones.

    Raises:
        ValueError: A number is not JSON (NaN, infinity), or a text is not Unicode.
        TypeError: A value is not JSON.
    """
    return _rfc8785(value).encode()


def digest(value: Any) -> str:
    """Return the SHA-256, in hex, of the RFC 8785 form of plain JSON data."""
    return hashlib.sha256(rfc8785(value)).hexdigest()


def _rfc8785(value: Any) -> str:
    if isinstance(value, str):
        return quote(value)
    if isinstance(value, Mapping):
        # RFC 8785 sorts by UTF-16 code units, which differs from code points where
        # characters beyond U+FFFF meet U+E000 to U+FFFF.
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        members = [f"{quote(key)}:{_rfc8785(value[key])}" for key in keys]
        return f"{{{','.join(members)}}}"
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_rfc8785, value))}]"
    return _double(value) if isinstance(value, float) else json.dumps(value)


def _double(value: float) -> str:
    """Return a double as ECMAScript and RFC 8785 print it."""
    if value == 0:
        return "0"
    text = json.dumps(value, allow_nan=False)
    if 1e-6 <= abs(value) < 1e21:
        text = format(decimal.Decimal(text), "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    mantissa, _, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"
