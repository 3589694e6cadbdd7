"""Files that cannot be saved: one error for all that goes wrong, with the path."""

from __future__ import annotations

import os
from collections.abc import Generator
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
