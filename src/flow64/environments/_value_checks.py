"""Checks of single values in `[tool.flow64]`. No message shows a value.

A value may be a secret in the wrong place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..definition import Problem, freeze
from ..endpoints import DEFAULT_ENDPOINT, endpoint_of
from ..errors import ConfigError, shortened
from ..secrets import map_json, mask
from ._model import Reference

if TYPE_CHECKING:
    from ..analysis import RuleSetting

T = TypeVar("T")

VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
"""The name of an environment variable."""


class WrongValueError(Exception):
    """A mistake in one value. The message never shows the value."""


def describe_type(value: Any) -> str:
    """Return the TOML name of a type. The value itself may be a misplaced secret."""
    names: dict[type, str] = {
        str: "text",
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "a table",
    }
    return names.get(type(value), "a date or time")


def _of(kind: type[T], wanted: str, value: Any) -> T:
    if type(value) is kind:
        return value
    raise WrongValueError(f"is {describe_type(value)}; write {wanted}")


def as_text(value: Any) -> str:
    """Return a text on one line that does not look like a secret."""
    text = _of(str, 'text, as in "..."', value)
    if not text.strip() or not text.isprintable():
        raise WrongValueError("is empty, or has line breaks or invisible characters")
    _require_no_secret(text)
    return text


def as_table(value: Any) -> dict[str, Any]:
    """Return a table."""
    return _of(dict, "a table", value)


def as_flag(value: Any) -> bool:
    """Return true or false."""
    return _of(bool, "true or false", value)


def as_count(value: Any) -> int:
    """Return a whole number from 0 up."""
    count = _of(int, "a whole number, as in 500", value)
    if count < 0:
        raise WrongValueError("is below 0; write a number from 0 up")
    return count


def as_amount(value: Any) -> float:
    """Return dollars from 0 up."""
    number = value if type(value) is int else _of(float, "dollars, as in 2.5", value)
    if not math.isfinite(number) or number < 0:
        raise WrongValueError("is not a number from 0 up; write dollars, as in 2.5")
    return number


def _as_texts(value: Any) -> Sequence[str]:
    return tuple(map(as_text, _of(list, 'a list of texts, as in ["..."]', value)))


def as_rule(code: str, value: Any) -> RuleSetting:
    """Return the setting of a rule."""
    # Only a project with rules needs to know all of them.
    from ..analysis import describe_wrong_rule  # noqa: PLC0415 - see above

    if problem := describe_wrong_rule(code, value):
        raise WrongValueError(problem)
    setting: RuleSetting = value
    return setting


def as_hosts(value: Any) -> Sequence[str]:
    """Return names of hosts."""
    hosts = _as_texts(value)
    for host in hosts:
        if not re.fullmatch(r"[A-Za-z0-9.-]+|\[?[0-9A-Fa-f:.]+\]?", host):
            raise WrongValueError(
                f"has {shortened(host)}, which is not a host; write only a name, as in "
                '"files.example.com"'
            )
    return hosts


def as_variable(value: Any) -> Reference:
    """Return the variable in `{ env = "NAME" }`."""
    name = value.get("env") if isinstance(value, dict) else None
    is_alone = isinstance(value, dict) and len(value) == 1
    if not is_alone or not isinstance(name, str):
        raise WrongValueError(
            "is not an environment variable, and a secret must come from one; write "
            '{ env = "NAME_OF_THE_VARIABLE" }'
        )
    if not VARIABLE.fullmatch(name) or mask(name) != name:
        raise WrongValueError(
            "is not the name of a variable; write its name, and never its content: "
            '{ env = "NAME_OF_THE_VARIABLE" }'
        )
    return Reference(name)


def as_reference_or_text(value: Any) -> str | Reference:
    """Return a text, or the variable that it comes from."""
    return as_variable(value) if isinstance(value, dict) else as_text(value)


def as_value(value: Any) -> Any:
    """Return the content of a `value("name")`, with references for secrets."""
    problems: list[Problem] = []
    freeze(value, (), problems)
    if problems:
        # To say which of these it is would show the value.
        raise WrongValueError(
            "is not JSON: it contains a date, a time, NaN, or a number beyond 2^53; "
            "write that as text"
        )
    return map_json(value, _convert_reference)


def _convert_reference(value: Any, _: object) -> Any:
    """Return the reference that a table is, and refuse secrets in any other text."""
    if isinstance(value, dict):
        if value.keys() == {"env"}:
            return as_variable(value)
        for key in value:
            _require_no_secret(key)
    elif isinstance(value, str):
        _require_no_secret(value)
    return value


def _require_no_secret(text: str) -> None:
    if mask(text) != text:
        raise WrongValueError(
            "looks like a key, and secrets do not belong into this file; write "
            '{ env = "NAME_OF_THE_VARIABLE" }, and make that key a new one'
        )


def as_endpoint(value: Any, *, allow_http: bool) -> str | Reference:
    """Return an address of the service, or the variable that it comes from."""
    given = as_reference_or_text(value)
    if isinstance(given, Reference):  # judged when it is used
        return given
    try:
        return endpoint_of(given, allow_http=allow_http)
    except ConfigError as error:
        if " has no scheme; " in error.message:
            raise WrongValueError(error.message.partition("base_url= ")[2]) from None
        # The error of the client is for Python, and may show a secret.
        raise WrongValueError(
            f"is not a plain https address, such as {DEFAULT_ENDPOINT}; http is only "
            "for this machine, or with allow_http = true, and no password belongs in it"
        ) from None
