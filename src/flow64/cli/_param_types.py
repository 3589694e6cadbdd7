"""Types of parameters: what they accept, and how they say what is wrong."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import click

from ..definition import is_uuid
from ..errors import shortened
from ._options import name_environment


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
