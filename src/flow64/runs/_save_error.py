"""Files that cannot be saved: one error for all that goes wrong, with the path."""

from __future__ import annotations

import os
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from ..errors import FlowError, SaveError
from ..files import Unusable, reason_of

_EXISTS: Final = "it exists; name another place, or overwrite=True to replace it"


@contextmanager
def raise_save_error(path: Path | str) -> Generator[None]:
    """Turn a failure to write any file for a target into an error that names it."""
    try:
        yield
    except FlowError:  # no answer from the service is a ConnectionError
        raise
    except FileExistsError:
        raise SaveError(str(path), _EXISTS) from None
    except OSError as error:
        raise SaveError(str(path), reason_of(error)) from None
    except (Unusable, UnicodeError) as error:
        raise SaveError(str(path), str(error)) from None


CSV: Final = (".csv",)
"""Endings of the names of CSV files."""

NDJSON: Final = (".ndjson", ".jsonl")
"""Endings of the names of NDJSON files."""


def require_ending(path: Any, endings: Sequence[str]) -> None:
    """Refuse a name that ends like one of another format, such as `rows.xlsx`.

    Args:
        path: A path; an open file is always accepted, as is a name without an ending.
        endings: The endings of the format.

    Raises:
        SaveError: It ends in another one.
    """
    if not isinstance(path, str | os.PathLike):
        return
    name = os.fspath(path)
    ending = Path(name).suffix
    if ending and ending.lower() not in endings:
        format_name = endings[0].removeprefix(".").upper()
        problem = f"it would hold {format_name}, and its name ends in {ending}"
        raise SaveError(name, f"{problem}; let it end in {' or '.join(endings)}")


def require_free(path: Any, *, overwrite: bool) -> None:
    """Refuse a file that exists, before anything is downloaded for it.

    Args:
        path: A path; an open file is always accepted.
        overwrite: Accept a file that exists, but no folder.

    Raises:
        SaveError: It exists.
    """
    if not isinstance(path, str | Path):
        return
    if Path(path).is_dir():
        raise SaveError(str(path), "it is a folder; name a file")
    if not overwrite and os.path.lexists(path):
        raise SaveError(str(path), _EXISTS)
