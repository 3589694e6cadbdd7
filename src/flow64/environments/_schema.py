"""The JSON Schema of `[tool.flow64]`, recorded while its reader reads an empty one.

So the reader is the only list of keys. The keywords are those of draft 7, which
SchemaStore and Taplo take, and mean the same in later drafts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from attrs import field, frozen

from ..analysis import severities_by_code
from ..text import find_attribute_docs
from ._lines import ROOT
from ._model import EMULATOR, Environment, OAuthFile, Settings
from ._read import FILE, SettingsReader, SettingsSection
from ._value_checks import (
    VARIABLE,
    as_amount,
    as_count,
    as_endpoint,
    as_flag,
    as_hosts,
    as_reference_or_text,
    as_rule,
    as_text,
    as_value,
    as_variable,
)

DIALECT: Final = "http://json-schema.org/draft-07/schema#"

ANY: Final = "*"
"""Stands for the names of a section that takes any names."""


def settings_schema() -> dict[str, Any]:
    """Return the JSON Schema of the table `[tool.flow64]`."""
    title = "The settings of flow64, [tool.flow64] in pyproject.toml"
    return {"$schema": DIALECT, "title": title, **_record()}


def pyproject_schema() -> dict[str, Any]:
    """Return the JSON Schema of a `pyproject.toml`; it judges `[tool.flow64]` alone."""
    found = _record()
    for name in reversed(ROOT):
        found = {"type": "object", "properties": {name: found}}
    title = "pyproject.toml, with the settings of flow64"
    return {"$schema": DIALECT, "title": title, **found}


def _record() -> dict[str, Any]:
    reader = SettingsReader(Path(FILE), "")
    top = _SchemaSection(reader, ROOT, {})
    reader.read(top)
    return top.schema()


_NAMED: Final = frozenset({"values", "prices", "environments"})
"""Sections that take any names."""


@frozen
class _SchemaSection(SettingsSection):
    """A section that records which keys are taken, and how each is checked."""

    schemas: dict[str, dict[str, Any]] = field(factory=dict)
    sections: dict[str, _SchemaSection] = field(factory=dict)
    required: list[str] = field(factory=list)
    choices: list[str] = field(factory=list)

    def take(self, key: str, check: Callable[[Any], Any], default: Any = None) -> Any:
        """Record a key."""
        plain = check.func if isinstance(check, partial) else check
        self.schemas[key] = {**_SCHEMAS[getattr(plain, "__func__", plain)]}
        if isinstance(default, Path):
            self.schemas[key]["default"] = default.as_posix()
        elif default or default is False:
            self.schemas[key]["default"] = default
        return default

    def section(self, key: str) -> _SchemaSection:
        """Record a section."""
        data: dict[str, Any] = dict.fromkeys([ANY] if key in _NAMED else [])
        if key == "rules":
            known = severities_by_code()
            data = {code: None for code in known if {*known[code]} != {"error"}}
        if key == "environments":
            data[EMULATOR] = None
        found = _SchemaSection(self.reader, (*self.path, key), data)
        self.sections[key] = found
        return found

    def require(self, *keys: str) -> None:
        """Record keys that must be there."""
        self.required.extend(keys)

    def require_one(
        self,
        *keys: str,
        example: str,  # noqa: ARG002 - see above
        is_optional: bool = False,  # noqa: ARG002 - see above
    ) -> None:
        """Record keys. One of them must be there, except for `_HERE`."""
        self.choices.extend(keys)

    def wrong(self, key: str, problem: str) -> None:
        """Report nothing."""

    def schema(self) -> dict[str, Any]:
        """Return the schema of this section."""
        made = {
            **self.schemas,
            **{key: found.schema() for key, found in self.sections.items()},
        }
        docs = _docs_of(self.path)
        named = {
            key: {**_describe(docs.get(key, "")), **made[key]}
            for key in sorted(made)
            if key != ANY
        }
        found: dict[str, Any] = {"type": "object"}
        if named:
            found["properties"] = named
        if self.required:
            found["required"] = self.required
        if self.choices:
            given = [{"required": [key]} for key in self.choices]
            found["oneOf"] = [*given, {**_HERE, "not": {"anyOf": given}}]
        return {**found, "additionalProperties": made.get(ANY, False)}


def _describe(text: str) -> dict[str, str]:
    """Return a description, without what `None` means in Python."""
    return (
        {"description": f"{text.partition('; None')[0].rstrip('.')}."} if text else {}
    )


def _docs_of(path: tuple[str, ...]) -> Mapping[str, str]:
    """Return the descriptions of the keys of a section."""
    of_one = find_attribute_docs(Environment)
    for key in ("api_key", "oauth"):
        of_one[key] = of_one["credential"]
    match len(path) - len(ROOT):
        case 0:
            return {**of_one, **find_attribute_docs(Settings)}
        case 2:
            return of_one
        case 3 if path[-1] == "oauth":
            return find_attribute_docs(OAuthFile)
        case _:
            return {}


_HERE: Final = {
    "required": ["endpoint"],
    "properties": {
        "endpoint": {
            "type": "string",
            "pattern": r"^https?://(127\.[0-9.]+|localhost|\[::1\])([:/]|$)",
        }
    },
}
"""An endpoint on this machine, which needs no credential."""

_TEXT: Final = {"type": "string", "pattern": "\\S"}

_REFERENCE: Final = {
    "type": "object",
    "properties": {"env": {"type": "string", "pattern": f"^{VARIABLE.pattern}$"}},
    "required": ["env"],
    "additionalProperties": False,
}

_EITHER: Final = {"anyOf": [_TEXT, _REFERENCE]}

_SCHEMAS: Final[Mapping[Any, Mapping[str, Any]]] = {
    as_text: _TEXT,
    as_hosts: {"type": "array", "items": _TEXT},
    as_rule: {"enum": ["error", "warning", "note", "ignore"]},
    as_flag: {"type": "boolean"},
    as_count: {"type": "integer", "minimum": 0},
    as_amount: {"type": "number", "minimum": 0},
    as_variable: _REFERENCE,
    as_reference_or_text: _EITHER,
    as_endpoint: _EITHER,
    as_value: {},
    SettingsReader.place: _TEXT,
    SettingsReader.place_or_none: {"anyOf": [{"const": False}, _TEXT]},
    SettingsReader.key_file: _EITHER,
}
"""The schema of the values that each check accepts."""
