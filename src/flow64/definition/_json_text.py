"""JSON as text: its encoding, numbers and keys, and the place of a value."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from json.decoder import scanstring  # type: ignore[attr-defined]  # not in typeshed
from typing import Any, Final

from ..errors import ArgumentError, ReadError
from ..text import shortened
from ._json import MAX_DEPTH, Path, Problem

MAX_BYTES: Final = 32 * 2**20
"""The largest text that is read; a longer one is refused before it is parsed."""

MAX_NESTING: Final = MAX_DEPTH + 8
"""How deep a text may nest: a spec's depth and the levels around it."""

MAX_DIGITS: Final = 400
"""Characters of the longest number that is read."""


def decode(text: str | bytes, source: str) -> str:
    """Return the text of JSON in UTF-8.

    Raises:
        ReadError: It is too long, or has another encoding.
        ArgumentError: It is not text.
    """
    if not isinstance(text, str | bytes):
        problem = f"text is {shortened(text)}; give the JSON text, or its UTF-8 bytes"
        raise ArgumentError("from_json", problem)
    if len(text) > MAX_BYTES:
        problem = f"it is longer than {MAX_BYTES // 2**20} MiB, the most that is read"
        raise ReadError(problem, source, MAX_BYTES)
    if isinstance(text, bytes):
        for mark, name in _FORMATS.items():
            if text.startswith(mark):
                problem = f"not UTF-8 JSON: it begins like {name}"
                raise ReadError(problem, source, 0)
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            problem = f"not UTF-8: {error.reason}"
            raise ReadError(problem, source, error.start) from None
    if text.startswith("\ufeff"):
        raise ReadError("it begins with a byte order mark; save it without", source, 0)
    return text


def parse_json(text: str, source: str) -> Any:
    """Parse a JSON text. A value that JSON does not have becomes a `Problem`.

    Raises:
        ReadError: It is not JSON, or nests too deep.
    """
    try:
        return json.loads(
            text,
            object_pairs_hook=_as_object,
            parse_int=_as_integer,
            parse_float=_as_float,
            parse_constant=_as_constant,
        )
    except json.JSONDecodeError as error:
        problem = f"not valid JSON: {error.msg}{_name_other_format(text)}"
        raise ReadError(problem, source, error.pos, error.lineno) from None
    except RecursionError:
        raise too_deep_error(text, source) from None


JSON_TYPE_NAMES: Final[Mapping[type, str]] = {
    type(None): "null",
    bool: "true or false",  # before int, which it is one of
    int: "a whole number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "an object",
}
"""The types of JSON in words."""


def name_json_type(value: object) -> str:
    """Return the type of a value in words."""
    found = (name for kind, name in JSON_TYPE_NAMES.items() if isinstance(value, kind))
    return next(found, "something else")


def load_json(text: str | bytes, default: Any = None) -> Any:
    """Parse a JSON text of any size; return the default if it cannot be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return default


def too_deep_error(text: str, source: str) -> ReadError:
    """Return the error of a text that nests too deep, with the place of the bracket."""
    offset = _find_deep_bracket(text)
    line = text.count("\n", 0, offset) + 1
    advice = "flatten it, or write inner values as JSON text"
    problem = f"it nests deeper than {MAX_NESTING} levels; {advice}"
    return ReadError(problem, source, offset, line)


_FORMATS: Mapping[bytes, str] = {
    b"\xef\xbb\xbf": "UTF-8 with a byte order mark; save it without",
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
    b"\x1f\x8b": "a gzip file; unpack it first",
    b"PK\x03\x04": "a zip file; unpack it first",
    b"{\x00": "UTF-16",
    b"\x00": "UTF-16 or UTF-32",
}


def has_more_values(texts: Sequence[bytes], most: int) -> bool:
    """Return True if JSON texts together hold more values than a limit.

    Separators are counted, since parsing would cost what the limit should save.

    Args:
        texts: In UTF-8.
        most: Maximum values.
    """
    # Commas and brackets inside of strings count here as well, so this is an estimate
    # from above. It is fast, and nearly always enough.
    if sum(map(_separators, texts)) + len(texts) <= most:
        return False
    count = len(texts)
    for text in texts:
        for part in _outside_of_strings(text):
            count += _separators(part) - part.count(b"[]") - part.count(b"{}")
            if count > most:
                return True
    return False


def _separators(text: bytes) -> int:
    """Count commas and opening brackets: nearly the number of values."""
    return text.count(b",") + text.count(b"[") + text.count(b"{")


def _outside_of_strings(text: bytes) -> Iterator[bytes]:
    """Yield a JSON text piece by piece, each string in it as one quote."""
    plain = text.replace(b"\\\\", b"").replace(b'\\"', b"")
    is_inside = False
    for start in range(0, len(plain), _PIECE):
        parts = plain[start : start + _PIECE].split(b'"')
        yield b'"'.join(parts[is_inside::2])
        is_inside ^= len(parts) % 2 == 0  # each quote begins or ends a string


_PIECE: Final = 2**16
"""Bytes that are split at a time, so that few parts are held."""


def _name_other_format(text: str) -> str:
    if not text.strip():
        return " (there is no text)"
    if re.match(r"(---|[A-Za-z_]+:(\s|$))", text):
        return " (it looks like YAML, which flow64 never reads)"
    if re.fullmatch(r"[^\n{\[]{1,200}\.json", text):
        return " (it looks like a file name; give the text: Path(...).read_text())"
    return ""


def _as_object(pairs: list[tuple[str, Any]]) -> Any:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    seen: set[str] = set()
    # `add` gives None, so that only a key that was seen before ends the search.
    twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value] # None, which is false
    return Problem("not-json", (), f"the key {shortened(twice)} stands twice", _ONE)


def _as_integer(digits: str) -> Any:
    if len(digits) > MAX_DIGITS:
        return Problem("not-json", (), f"a number of {len(digits)} digits", _TEXT)
    return int(digits)


def _as_float(digits: str) -> Any:
    number = float(digits)
    if len(digits) > MAX_DIGITS or number - number != 0:
        message = f"the number {shortened(digits)} is beyond what a double holds"
        return Problem("not-json", (), message, _TEXT)
    return number


def _as_constant(name: str) -> Any:
    return Problem("not-json", (), f"{name} is not JSON", _NULL)


_ONE = "keep one of them"
_TEXT = "write it as text"
_NULL = "write null, or leave the field out"


_SPACE = re.compile(r"[ \t\r\n]*")
# A string without an end is taken whole, so that no quote in it is tried again.
_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


def _find_deep_bracket(text: str) -> int:
    """Return the offset of the bracket that opens one level too many."""
    brackets = (
        (match.start(), 1 if match[1] else -1)
        for match in _BRACKETS.finditer(text)
        if match.lastindex
    )
    depths = accumulate(brackets, lambda seen, here: (here[0], seen[1] + here[1]))
    return next((start for start, depth in depths if depth > MAX_NESTING), 0)


def find_offset(text: str, path: Path) -> int:
    """Return the offset of a value, by its path, in a text of valid JSON."""
    at = _skip(text, 0)
    for step in path:
        at = _member(text, at, step)
    return at


def _member(text: str, at: int, step: str | int) -> int:
    """Return the offset of a member, by key or index, of the container at an offset."""
    decoder = json.JSONDecoder(object_pairs_hook=_as_object, parse_int=_as_integer)
    is_object, position, at = text[at] == "{", 0, _skip(text, at + 1)
    while True:
        key: str | int = position
        if is_object:
            key, at = scanstring(text, at + 1)
            at = _skip(text, _skip(text, at) + 1)
        if key == step:
            return at
        _, at = decoder.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)
        position += 1


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at
