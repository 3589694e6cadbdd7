"""Parsing the options of `flow64 serve`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import fields_dict

from ..analysis.live import LiveCatalogue
from ..definition import decode, load_json, parse_json
from ..emulator import OAuthClient, Switches
from ..emulator.records import organisation_of
from ..emulator.service import parse_data
from ..errors import ConfigError, did_you_mean
from ._params import option_error


def read_switches(pairs: Sequence[str]) -> Switches:
    """Read switches in the form `NAME=VALUE`, with a value as in JSON."""
    values: dict[str, Any] = {}
    for pair in pairs:
        written, text = split_pair("--switch", pair, "NAME=VALUE")
        name = written.replace("-", "_")
        if name not in fields_dict(Switches):
            near = did_you_mean(name, fields_dict(Switches))
            switches = ", ".join(fields_dict(Switches))
            problem = f"there is no switch {written!r}{near}; there are {switches}"
            raise option_error("--switch", problem)
        values[name] = load_json(text, text)
    try:
        return parse_data(values, Switches)
    except ConfigError as error:
        raise option_error("--switch", str(error)) from error


def read_keys(path: Path) -> Mapping[str, str]:
    """Read keys from a file: each line is a key, and its organisation if it has one."""
    keys: dict[str, str] = {}
    for number, line in enumerate(read_text("--api-keys", path).splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        org_id = words[1] if len(words) == 2 else organisation_of(words[0])
        if len(words) > 2 or keys.setdefault(words[0], org_id) != org_id:
            problem = f"line {number} of {path} is not one key, or one key and its "
            raise option_error("--api-keys", f"{problem}organisation")
    if not keys:
        raise option_error("--api-keys", f"{path} has no key")
    return keys


def read_blocks(path: Path) -> Sequence[Any]:
    """Read a list of blocks to answer."""
    LiveCatalogue.read(path)  # or a ReadError says what is wrong
    data = parse_json(decode(path.read_bytes(), str(path)), str(path))
    entries: Sequence[Any] = data["blocks"] if isinstance(data, Mapping) else data
    return entries


def read_client(text: str) -> OAuthClient:
    """Read a client in the form `ID=FILE`, with the file of its public key."""
    client_id, file = split_pair("--oauth-client", text, "ID=FILE")
    pem = read_text("--oauth-client", Path(file))
    return OAuthClient(client_id=client_id, public_key_pem=pem)


def split_pair(option: str, pair: str, form: str) -> tuple[str, str]:
    """Split an option at its equals sign."""
    name, equals, text = pair.partition("=")
    if not (name and equals):
        raise option_error(option, f"{pair!r} is not written as {form}")
    return name, text


def read_text(option: str, path: Path) -> str:
    """Read the text of a file that an option names."""
    try:
        return path.read_text("utf-8")
    except OSError as error:
        problem = f"{path} cannot be read ({error.strerror})"
        raise option_error(option, problem) from error
    except UnicodeDecodeError as error:
        raise option_error(option, f"{path} is not text in UTF-8") from error
