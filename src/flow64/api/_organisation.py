"""Compare the organisation of a credential with the expected one.

Nothing is written, and no run is started, with a key of another organisation.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from attrs import evolve

from ..errors import FlowError, OrganisationError
from ._steps import Answer, Conversation, Request, Together
from ._workflow_calls import list_workflows

T = TypeVar("T")

FIELD: Final = "org_id"
"""Field of an answer that names its organisation (documented, may be null)."""


class Organisation:
    """The organisation that an environment expects.

    Args:
        expected: Its id; None for any.
        env: The environment, for the error.
    """

    __slots__ = ("_is_known", "env", "expected")

    def __init__(self, expected: str | None, env: str | None = None) -> None:
        self.expected: Final = expected
        self.env: Final = env
        self._is_known = expected is None

    def guard(self, conversation: Conversation[T]) -> Conversation[T]:
        """Return a conversation that ends at the first answer of another organisation.

        Each answer that names an organisation is compared. If none has before something
        is written or started, the list of workflows is read first.

        Raises:
            OrganisationError: An answer names another organisation; nothing more is
                sent.
        """
        if self.expected is None:
            return conversation
        return self._compare(conversation, [])

    def _compare(
        self, conversation: Conversation[T], others: list[OrganisationError]
    ) -> Conversation[T]:
        """Compare the answers of a conversation.

        Args:
            conversation: The conversation.
            others: The error, once there is one. It ends all conversations that are
                played together.
        """
        reply: Any = None
        try:
            while True:
                try:
                    if isinstance(reply, FlowError):
                        step = conversation.throw(reply)
                    else:
                        step = conversation.send(reply)
                except StopIteration as stop:
                    result: T = stop.value
                    return result
                # Raised here and not thrown in: it is no failure to recover from.
                if self._is_too_early(step):
                    yield from self._compare(list_workflows(), others)
                    self._is_known = True  # or there is no workflow to compare
                if isinstance(step, Together):
                    parts = [self._compare(it, others) for it in step.conversations]
                    step = evolve(step, conversations=parts)
                try:
                    reply = yield step
                except FlowError as error:
                    reply = error
                else:
                    if isinstance(step, Request):
                        self._require(step, reply, others)
                if others:
                    raise others[0]
        finally:
            conversation.close()

    def _is_too_early(self, step: Any) -> bool:
        is_write = isinstance(step, Request) and not step.may_repeat
        return is_write and not self._is_known

    def _require(
        self, asked: Request, answer: Answer, others: list[OrganisationError]
    ) -> None:
        """Compare an answer; append an error if it names another organisation."""
        for found in organisations_of(answer):
            if found != self.expected:
                what = f"{asked.method} {asked.path}"
                facts = (self.env or "default", str(self.expected), found, what)
                others.append(OrganisationError(*facts))
                return
            self._is_known = True


def organisations_of(answer: Answer) -> Iterator[str]:
    """Yield the organisations that an answer, or the items of a list, name.

    Anything deeper is data, such as a row with a column of that name.
    """
    if answer.status >= 300 or FIELD.encode() not in answer.content:
        return
    try:
        data = json.loads(answer.content)
    except (ValueError, RecursionError):  # its reader reports that
        return
    for item in data if isinstance(data, list) else [data]:
        found = item.get(FIELD) if isinstance(item, dict) else None
        if isinstance(found, str) and found:
            yield found
