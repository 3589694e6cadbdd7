"""The workflows of a probe: made, changed and removed, and no others touched.

Every request of a probe passes `Sandbox.send`, which refuses what a probe must not do:
a block that is not harmless, a run, or a write to a workflow that the probe did not
make. Before an id is used, it is written into a file. So a probe that was killed leaves
a trace, and the next one removes what it made.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self
from uuid import uuid4

from attrs import define, field, frozen

from ..api import Request, Session, organisations_of
from ..client import Client
from ..definition import (
    Stamp,
    canonical_id,
    genuine_stamp,
    id_of,
    is_uuid,
    path_of,
    split_stamp,
)
from ..errors import ConfigError
from ..files import FOLDER, Unusable, make_folder, open_plain, reason_of, try_lock
from ._evidence import blocks_of, parse_time
from ._requests import RequestRecord, ask_once, object_of

TITLE: Final = "flow64 probe, safe to delete"
"""Title of each workflow that a probe makes."""

PROJECT: Final = "flow64-probe"
NAMESPACE: Final = "probe.flow64.invalid"
"""Project key and namespace of its stamp."""

HARMLESS: Final = ("webhook", "deduplicate", "company_to_leads")
"""The kinds of blocks that a probe uses. None of them spends or writes outside."""

YOUNG: Final = 300.0
"""Seconds in which a workflow of another folder's probe may still be in use."""

WAITS: Final = (5.0, 20.0, 40.0)
"""Seconds to wait after each 429 that names no time."""

TRIES: Final = 3
"""How often a deletion is tried."""

GONE: Final = (404, 410)
"""Statuses for a workflow that does not exist."""

_PATH: Final = re.compile(
    re.escape(f"ns:{NAMESPACE}/project:{PROJECT}/workflow:") + "[0-9a-f]{32}"
)


class GuardError(Exception):
    """The probe would do what it must not; nothing was sent."""


@frozen
class ProbeId:
    """The id of a workflow of a probe. No other workflow has it."""

    key: str = field(factory=lambda: uuid4().hex)

    @property
    def path(self) -> str:
        """The path that the id is computed from."""
        return path_of(
            [("ns", NAMESPACE), ("project", PROJECT), ("workflow", self.key)]
        )

    def __str__(self) -> str:
        return id_of(self.path)

    @property
    def stamp(self) -> str:
        """The stamp of the workflow."""
        return str(Stamp(self.path, "0" * 16, "0" * 16, None, {}))


# -- The file --------------------------------------------------------------------------


@define
class MadeFile:
    """The ids of the workflows that probes of this folder made and have not removed.

    A line is written, and is on the disk, before the id is used. While a probe is
    running, it holds the file's lock.
    """

    _descriptor: int

    @classmethod
    @contextmanager
    def open(cls, folder: Path = Path(FOLDER)) -> Generator[Self]:
        """Open the file, and make it if needed.

        Raises:
            ConfigError: It cannot be written, or another probe is running.
        """
        path, problem = folder / "probe.txt", None
        try:
            make_folder(folder)
            found = cls(open_plain(path, os.O_RDWR | os.O_CREAT))
        except OSError as error:
            problem = f"it cannot be written ({reason_of(error)})"
        except Unusable as error:
            problem = str(error)
        if problem is not None:
            advice = "a probe notes there what it makes; start it in another folder"
            raise ConfigError(f"{path}: {problem}; {advice}")
        try:
            if not try_lock(found._descriptor):
                raise ConfigError(
                    f"{path} is in use: another probe is running in this folder"
                )
            yield found
        finally:
            os.close(found._descriptor)

    def entries(self) -> Sequence[tuple[str, str]]:
        """Return the target and the id of each workflow that may still exist."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        text = os.read(self._descriptor, 2**20).decode("utf-8", "replace")
        found: dict[tuple[str, str], None] = {}
        for line in text.splitlines():
            sign, _, rest = line.partition(" ")
            workflow_id, _, target = rest.partition(" ")
            if sign == "+" and is_uuid(workflow_id):
                found[target, workflow_id] = None
            elif sign == "-":
                found.pop((target, workflow_id), None)
        return [*found]

    def add(self, target: str, workflow_id: str) -> None:
        """Note an id that will be used."""
        self._write(f"+ {workflow_id} {target}")

    def drop(self, target: str, workflow_id: str) -> None:
        """Note that a workflow is gone."""
        self._write(f"- {workflow_id} {target}")
        if not self.entries():
            os.ftruncate(self._descriptor, 0)

    def _write(self, line: str) -> None:
        os.lseek(self._descriptor, 0, os.SEEK_END)
        # The line before may be torn.
        os.write(self._descriptor, f"\n{line}\n".encode())
        os.fsync(self._descriptor)


# -- The sandbox -----------------------------------------------------------------------


@frozen
class Remains:
    """Workflows that earlier probes left.

    Attributes:
        ours: Ids of workflows that a probe certainly made, and no probe uses.
        kept: Ids of workflows that only look so, each with the reason to keep it.
    """

    ours: Sequence[str]
    kept: Mapping[str, str]


@define
class Sandbox:
    """The workflows that a probe makes at one service.

    Attributes:
        made: The file that notes them.
        target: Environment and endpoint, to tell its lines from those of others.
        expected: The organisation that the credential must belong to; None for any.
        sent: How many requests were sent.
        is_wrong: Whether an answer named another organisation.
    """

    client: Client
    made: MadeFile
    target: str
    expected: str | None = None
    sent: int = 0
    is_wrong: bool = False
    _own: set[str] = field(factory=set)

    def send(
        self, method: str, path: str, query: Mapping[str, str], body: Any = None
    ) -> RequestRecord:
        """Send one request of the probe, and return any answer.

        Raises:
            GuardError: A probe must not send it.
        """
        request = Request(method, path, query, body)
        self._guard(request)
        self.sent += 1
        reply = self.client.call(_send, request)
        if self.expected is not None and reply.answer is not None:
            others = {*organisations_of(reply.answer)} - {self.expected}
            self.is_wrong = self.is_wrong or bool(others)
        return reply

    def use(self, probe_id: ProbeId) -> str:
        """Note an id, and return it. The probe may use it from now on."""
        workflow_id = str(probe_id)
        self._note(workflow_id)
        return workflow_id

    def forget(self, workflow_id: str) -> None:
        """Note that nothing was made under an id, or that it is gone."""
        self._own.discard(workflow_id)
        self.made.drop(self.target, workflow_id)

    def _note(self, workflow_id: str) -> None:
        self.made.add(self.target, workflow_id)
        self._own.add(workflow_id)

    @property
    def own(self) -> Sequence[str]:
        """The ids that the probe made and has not removed."""
        return sorted(self._own)

    def get(self, workflow_id: str) -> RequestRecord:
        """Read a workflow."""
        return self.send("GET", f"/workflows/{workflow_id}", {})

    def create(self, workflow_id: str, body: Mapping[str, Any]) -> RequestRecord:
        """Create a workflow of the probe."""
        reply = self.send("POST", _CREATE, {}, {**body, "id": workflow_id})
        made = str(reply.object.get("id")).lower()
        is_ours = is_stamped(reply.object.get("description"), workflow_id)
        if is_ours and is_uuid(made) and made not in self._own:
            # The service did not take the id, and made the workflow under another.
            self._note(made)
        return reply

    def update(self, workflow_id: str, body: Mapping[str, Any]) -> RequestRecord:
        """Change a workflow of the probe."""
        query = {"workflow_id": workflow_id}
        return self.send("POST", _UPDATE, query, body)

    def remove(self, workflow_id: str) -> bool:
        """Delete a workflow of the probe, and return whether it is gone."""
        for _ in range(TRIES):
            self.delete(workflow_id)
            if self.get(workflow_id).status in GONE:
                self.forget(workflow_id)
                return True
        return False

    def delete(self, workflow_id: str) -> RequestRecord:
        """Delete a workflow of the probe."""
        query = {"workflow_id": workflow_id}
        return self.send("POST", _DELETE, query)

    def remove_all(self) -> None:
        """Remove everything that the probe made. What is left stays in `own`."""
        for workflow_id in self.own:
            self.remove(workflow_id)

    # -- What earlier probes left -----------------------------------------------------

    def find_remains(self) -> Remains:
        """Find the workflows that earlier probes left, with reads alone."""
        noted = {one for target, one in self.made.entries() if target == self.target}
        listed = self.send("GET", "/workflows", {})
        titled = [
            str(one.get("id"))
            for one in listed.items
            if one.get("name") == TITLE and is_uuid(one.get("id"))
        ]
        ours: list[str] = []
        kept: dict[str, str] = {}
        for workflow_id in dict.fromkeys([*titled, *sorted(noted)]):
            reply = self.get(workflow_id)
            if reply.status in GONE and workflow_id in noted:
                self.made.drop(self.target, workflow_id)
            elif reply.is_good:
                reason = _why_not_ours(
                    reply, workflow_id, is_noted=workflow_id in noted
                )
                if reason is None:
                    ours.append(workflow_id)
                else:
                    kept[workflow_id] = reason
        return Remains(ours, kept)

    def remove_remains(self, remains: Remains) -> int:
        """Remove what earlier probes left, and return how many are gone.

        Each is read again directly before, since it may have been changed.
        """
        again = self.find_remains().ours if remains.ours else ()
        found = [one for one in remains.ours if one in again]
        for workflow_id in found:
            self._own.add(workflow_id)
        return sum([self.remove(workflow_id) for workflow_id in found])

    # -- The guard --------------------------------------------------------------------

    def _guard(self, request: Request) -> None:
        """Refuse a request that a probe must not send."""
        body = object_of(request.body)
        if request.method == "GET":
            parts = request.path.split("/")[1:]
            is_fine = parts[0] == "workflows" and len(parts) <= 2
        else:
            is_new = request.path == _CREATE
            named = body.get("id") if is_new else request.query.get("workflow_id")
            is_fine = request.path in (_CREATE, _UPDATE, _DELETE) and named in self._own
            is_fine = is_fine and _is_harmless(body, str(named))
        if not is_fine:
            raise GuardError(f"{request.method} {request.path} was not sent")


_CREATE: Final = "/workflows/create_workflow"
_UPDATE: Final = "/workflows/update_workflow"
_DELETE: Final = "/workflows/delete_workflow"


def _is_harmless(body: Mapping[str, Any], workflow_id: str) -> bool:
    """Return True if a body has nothing that spends, and is marked as the probe's."""
    text = body.get("workflow_description", "")
    return (
        _has_harmless_blocks(body)
        and body.get("workflow_name", TITLE) == TITLE
        and (not text or is_stamped(text, workflow_id))
    )


def _has_harmless_blocks(body: Mapping[str, Any]) -> bool:
    return {block.get("block_name") for block in blocks_of(body)} <= {*HARMLESS}


def is_stamped(description: Any, workflow_id: str) -> bool:
    """Return True if a description has the stamp of a probe, genuine for an id."""
    text = description if isinstance(description, str) else ""
    stamp = genuine_stamp(split_stamp(text, workflow_id)[1], workflow_id)
    return stamp is not None and _PATH.fullmatch(stamp.path) is not None


def _why_not_ours(
    reply: RequestRecord, workflow_id: str, *, is_noted: bool
) -> str | None:
    """Return why a workflow is not removed; None if a probe made and left it."""
    found = reply.object
    if canonical_id(str(found.get("id"))) != canonical_id(workflow_id):
        return "the answer is about another workflow"
    if found.get("name") != TITLE:
        return "its title was changed"
    if not _has_harmless_blocks(found):
        return "its blocks were changed"
    if is_noted:
        return None
    if not is_stamped(found.get("description"), workflow_id):
        return "it has no stamp of a probe for its id, so it may be a copy"
    age = _age(found.get("updated_at"), reply.skew or 0.0)
    if age is None or age < YOUNG:
        return "a probe elsewhere may be using it; try again in five minutes"
    return None


def _age(updated_at: Any, skew: float) -> float | None:
    """Return the seconds since a time, by the service's clock."""
    moment = parse_time(updated_at)
    # Without a zone it may be any, so it counts as new.
    if moment is None or moment.tzinfo is None:
        return None
    return time.time() + skew - moment.timestamp()


async def _send(session: Session, request: Request) -> RequestRecord:
    """Send a request once, and again only if there were too many."""
    for wait in WAITS:
        reply = await ask_once(session, request, time.time)
        if reply.status != 429 or reply.answer is None:
            return reply
        text = reply.answer.headers.get("retry-after", "")
        named = float(text) if text.isdecimal() and len(text) < 4 else wait
        await session.sleep(min(named, 60.0), is_apart=True)
    return await ask_once(session, request, time.time)
