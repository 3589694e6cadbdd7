"""Types of parameters: what they accept, and how they say what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar, Final

import click

from ..definition import is_uuid
from ..errors import did_you_mean, shortened
from ._options import name_environment


class _Limited(click.ParamType[Any]):
    """A number inside limits, which errors and help describe in words."""

    number: ClassVar[type]
    min: Any
    max: Any
    min_open: bool

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Convert it, and fail with an example."""
        try:
            self.number(value)
        except ValueError:
            unit = getattr(param, "metavar", None) or "N"
            of = "" if unit == "N" else f" of {unit.lower()}"
            option = max(param.opts, key=len) if param else ""
            problem = f"{value!r} is not a {self.name}{of} {self._describe_range()}"
            default = getattr(param, "default", None)
            example = default if type(default) in (int, float) else 50
            advice = f"write for example {option} {example:g}"
            raise click.BadParameter(f"{problem}; {advice}", param=param) from None
        return super().convert(value, param, ctx)

    def _describe_range(self) -> str:
        if self.max is not None:
            return f"from {self.min} to {self.max}"
        return f"above {self.min}" if self.min_open else f"from {self.min} up"


class Whole(_Limited, click.IntRange):
    """A whole number inside limits."""

    name = "whole number"
    number = int


class Number(_Limited, click.FloatRange):
    """A number inside limits."""

    name = "number"
    number = float


class RunId(click.ParamType[str]):
    """The id of a run, which is a UUID (documented), or its beginning.

    `params.require_run_id` refuses the beginning, since it knows the runs.
    """

    name = "run id"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Refuse what is not a UUID."""
        _require_text(value, param, ctx)
        if not (is_uuid(value) or _BEGINNING.fullmatch(value)):
            problem = f"{shortened(value)} is not the id of a run, which is a UUID"
            advice = name_environment("`flow64 runs` lists the newest ones")
            self.fail(f"{problem}; {advice}", param, ctx)
        return value


_BEGINNING: Final = re.compile("[0-9a-fA-F]{4,8}(?:-[0-9a-fA-F-]{0,27})?")
"""The beginning of a UUID, of at least four digits."""


class NonEmpty(click.ParamType[str]):
    """A name, such as that of an environment, which is not empty."""

    name = "name"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Refuse an empty name."""
        _require_text(value, param, ctx)
        return value


class PathName(click.Path):
    """The path of a file or folder. It is not empty, which would be the folder `.`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Refuse an empty path."""
        _require_text(value, param, ctx)
        return super().convert(value, param, ctx)


def _require_text(
    value: Any, param: click.Parameter | None, ctx: click.Context | None
) -> None:
    """Refuse what is empty, and name the option or argument.

    Raises:
        click.UsageError: It is empty.
    """
    if str(value).strip():
        return
    name = "it" if param is None else param.human_readable_name.strip("[]")
    if isinstance(param, click.Option):
        name = max(param.opts, key=len)
    problem = f"{name} is empty: is the variable set that it comes from?"
    raise click.UsageError(problem, ctx)


class RunFilter(click.Choice[str]):
    """A status that the service can filter runs by."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Any:
        """Refuse another one, and say where its runs are."""
        if value not in self.choices:
            near = did_you_mean(value, self.choices)
            words = ", ".join(self.choices)
            problem = f"the service has no filter {value!r}{near}; it has {words}"
            advice = "without --status all runs are listed, failed ones too"
            self.fail(f"{problem}; {advice}", param, ctx)
        return value
