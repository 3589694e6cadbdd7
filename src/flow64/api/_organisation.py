"""Compare the organisation of a credential with the expected one.

Each answer that names an organisation is compared. If none has before something is
written or started, a list is read first. So nothing is written, and no run is started,
with a key of another organisation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from ..definition import load_json
from ..errors import OrganisationError
from ._request import Answer, Request

FIELD: Final = "org_id"
"""Field of an answer that names its organisation (documented, may be null)."""


class Organisation:
    """The organisation that an environment expects.

    Args:
        expected: Its id; None for any.
        env: The environment, for the error.
    """

    __slots__ = ("env", "expected", "is_known")

    def __init__(self, expected: str | None = None, env: str | None = None) -> None:
        self.expected: Final = expected
        self.env: Final = env
        self.is_known: bool = expected is None

    def is_needed_for(self, request: Request) -> bool:
        """Return True before the first write, if the organisation is not known yet."""
        return not (self.is_known or request.may_repeat)

    def compare(self, request: Request, answer: Answer) -> OrganisationError | None:
        """Return an error if an answer names another organisation.

        The call ends with it: it is not a failure to recover from.
        """
        if self.expected is None:
            return None
        for found in organisations_of(answer):
            if found != self.expected:
                what = f"{request.method} {request.path}"
                return OrganisationError(
                    self.env or "default", self.expected, found, what
                )
            self.is_known = True
        return None


def organisations_of(answer: Answer) -> Iterator[str]:
    """Yield the organisations that an answer, or the items of a list, name.

    Anything deeper is data, such as a row with a column of that name.
    """
    if answer.status >= 300 or FIELD.encode() not in answer.content:
        return
    data = load_json(answer.content)  # its reader reports what is not JSON
    for item in data if isinstance(data, list) else [data]:
        found = item.get(FIELD) if isinstance(item, dict) else None
        if isinstance(found, str) and found:
            yield found
