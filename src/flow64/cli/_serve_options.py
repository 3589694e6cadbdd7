"""Parsing the options of `flow64 serve`."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, get_type_hints

from ..analysis import LiveCatalogue
from ..definition import decode, parse_json
from ..emulator import (
    OAuthClient,
    Switches,
    describe_switch_type,
    is_switch_value,
)
from ..errors import did_you_mean
from ._params import option_error

WORDS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}
"""Words for true and false."""


def parse_switches(given: Sequence[str]) -> Switches:
    """Parse switches in the form `NAME=VALUE`."""
    hints = get_type_hints(Switches)
    chosen: dict[str, Any] = {}
    for pair in given:
        written, text = split_pair("--switch", pair, "NAME=VALUE")
        name = written.replace("-", "_")
        if name not in hints:
            near = did_you_mean(name, hints)
            problem = f"there is no switch {written!r}{near}"
            raise option_error("--switch", f"{problem}; there are {', '.join(hints)}")
        hint = hints[name]
        fitting = [one for one in _list_meanings(text) if is_switch_value(hint, one)]
        if not fitting:
            what = describe_switch_type(hint)
            raise option_error("--switch", f"{name} is {text!r}; it takes {what}")
        chosen[name] = fitting[0]
    return Switches(**chosen)


def read_keys(path: Path) -> Collection[str] | Mapping[str, str]:
    """Read keys from a file, one a line, all with an organisation or all without."""
    lines = enumerate(read_text("--api-keys", path).splitlines(), 1)
    parted = ((number, line.split()) for number, line in lines)
    keys = [(n, parts) for n, parts in parted if parts and parts[0][0] != "#"]
    widths = {len(parts) for _, parts in keys}
    if widths == {1}:
        return [key for _, (key,) in keys]
    if widths != {2}:
        problem = f"{path} is not one key a line, or one key and its organisation"
        raise option_error("--api-keys", problem)
    found: dict[str, tuple[int, str]] = {}
    for number, (key, org) in keys:
        before, other = found.setdefault(key, (number, org))
        if org != other:
            problem = f"{path} gives one key to two organisations"
            raise option_error(
                "--api-keys", f"{problem}, in lines {before} and {number}"
            )
    return {key: org for key, (_, org) in found.items()}


def read_blocks(path: Path) -> Sequence[Any]:
    """Read a list of blocks to answer."""
    LiveCatalogue.read(path)  # or a ReadError says what is wrong
    data = parse_json(decode(path.read_bytes(), str(path)), str(path))
    entries: Sequence[Any] = data["blocks"] if isinstance(data, Mapping) else data
    return entries


def parse_client(given: str) -> OAuthClient:
    """Parse a client in the form `ID=FILE`, with the file of its public key."""
    client_id, file = split_pair("--oauth-client", given, "ID=FILE")
    pem = read_text("--oauth-client", Path(file))
    return OAuthClient(client_id=client_id, public_key_pem=pem)


def split_pair(option: str, given: str, form: str) -> tuple[str, str]:
    """Split an option at its equals sign."""
    name, equals, text = given.partition("=")
    if not (name and equals):
        raise option_error(option, f"{given!r} is not written as {form}")
    return name, text


def read_text(option: str, path: Path) -> str:
    """Read the text of a file that an option names."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise option_error(
            option, f"{path} cannot be read ({error.strerror})"
        ) from error
    except UnicodeDecodeError as error:
        raise option_error(option, f"{path} is not text in UTF-8") from error


def _list_meanings(text: str) -> Iterator[Any]:
    """Yield the values that a text may stand for."""
    word = text.lower()
    if word in WORDS:
        yield WORDS[word]
    if word in ("none", "null"):
        yield None
    for kind in (float, int):
        with suppress(ValueError):
            yield kind(text)
    yield text
