"""Faults on demand: what is to go wrong, with which requests, and how often."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from random import Random
from threading import Lock
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from attrs import asdict, define, field, fields, frozen

from ..errors import ConfigError
from ._middleware import ADMIN_PREFIX
from ._records import JsonObject
from ._schema import OPTIONAL_TEXT, Schema, find_violations

FaultKind: TypeAlias = Literal[
    "reset_before",
    "reset_after",
    "close_before",
    "close_after",
    "hang_before",
    "hang_after",
    "status_before",
    "status_after",
    "html",
    "empty",
    "truncate",
    "truncate_chunked",
    "cut_json",
    "slow",
    "endless",
    "bad_gzip",
    "gzip_bomb",
    "duplicate",
    "late_duplicate",
    "stale_read",
    "unknown_status",
    "null_download_url",
    "rewrite",
    "missing_field",
    "drop_spec_field",
    "other_name",
]
"""What goes wrong. `before` is before the request is handled, so that nothing of it is
applied; all others are after, and what was asked for has happened. Exceptions are
said.

- `reset_before`, `reset_after`: the connection is reset, without an answer.
- `close_before`, `close_after`: it is closed, without an answer.
- `hang_before`, `hang_after`: the answer comes `seconds` late (60).
- `status_before`, `status_after`: the answer is `status` (503), with `retry_after`,
  `headers` and `body` where they are given.
- `html`: 200 with a page to log in at; nothing is applied.
- `empty`: 200 with an empty body.
- `truncate`: the connection is reset after `fraction` of the body (a half), or after
  `size` bytes. `truncate_chunked`: the same without a `Content-Length`.
- `cut_json`: the same part of the body, as if that were all of it.
- `slow`: the body comes `size` bytes at a time (1), with `seconds` between (0.05).
- `endless`: a body of `size` bytes (512 MiB), with `seconds` between 64 KiB (0).
- `bad_gzip`: compressed, and cut; the `Content-Length` fits what is left.
- `gzip_bomb`: a small body that unpacks to `size` bytes (512 MiB).
- `duplicate`: the request is handled twice; the second answer is given.
- `late_duplicate`: it is handled again `seconds` after its answer (1).
- `stale_read`: what was asked for before gets the answer that it got first.
- `unknown_status`: the status of a run and of its blocks is `word` (`paused`).
- `null_download_url`: download items without a URL.
- `rewrite`: members of the answer, at any depth, have the values that `members` gives.
- `missing_field`: members called `word` are left out of the answer.
- `drop_spec_field`: the spec field `word`, or the first of the first block that has
  one, is lost on its way in.
- `other_name`: a workflow is saved under the name `word` (`Renamed`).
"""

KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)

_MAX_EVENTS: Final = 10_000
"""Requests that are kept in the log."""

_SAVE_REQUESTS: Final = ("POST", "/workflows/[cu]*_workflow")  # create and update

_DEFAULT_TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "stale_read": ("GET", "*"),
    "unknown_status": ("GET", "/workflows/runs*"),
    "null_download_url": ("GET", "/workflows/runs/*/results/download-links"),
    "drop_spec_field": _SAVE_REQUESTS,
    "other_name": _SAVE_REQUESTS,
}
"""Which requests a kind can do something to; all where it is not here."""

_OPTIONAL_NUMBER: Final = Schema(type="number", nullable=True, minimum=0)

FAULT: Final = Schema(
    type="object",
    name="Fault",
    fields={
        "kind": Schema(type="string", choices=KINDS),
        "method": OPTIONAL_TEXT,
        "path": OPTIONAL_TEXT,
        "times": Schema(type="integer", nullable=True, minimum=1),
        "after": Schema(type="integer", minimum=0),
        "probability": Schema(type="number", minimum=0, maximum=1),
        "status": Schema(type="integer", minimum=200, maximum=599),
        "retry_after": OPTIONAL_TEXT,
        "headers": Schema(type="object"),
        "body": OPTIONAL_TEXT,
        "seconds": _OPTIONAL_NUMBER,
        "fraction": Schema(type="number", minimum=0, maximum=1),
        "size": Schema(type="integer", nullable=True, minimum=0),
        "word": OPTIONAL_TEXT,
        "members": Schema(type="object"),
    },
    required=("kind",),
)


@frozen
class Fault:
    """One thing that is to go wrong.

    Attributes:
        kind: What goes wrong.
        method: HTTP method of the requests; None for those that the kind is about.
        path: Pattern of their paths, as of file names, such as `/workflows/runs*`;
            None for those that the kind is about.
        times: How often it happens; None for as long as it is there.
        after: How many such requests go well before.
        probability: How likely it then is with each of them.
        status: Status of the answer.
        retry_after: The header of that name, in any form.
        headers: Further headers of the answer.
        body: Body of the answer, instead of an error as the service words it.
        seconds: How long to wait; None for what suits the kind.
        fraction: How much of a body is sent.
        size: The same, or how much at a time, in bytes.
        word: A word or a name.
        members: Values of members, by name.
    """

    kind: FaultKind
    method: str | None = field(default=None, kw_only=True)
    path: str | None = field(default=None, kw_only=True)
    times: int | None = field(default=1, kw_only=True)
    after: int = field(default=0, kw_only=True)
    probability: float = field(default=1.0, kw_only=True)
    status: int = field(default=503, kw_only=True)
    retry_after: str | None = field(default=None, kw_only=True)
    headers: Mapping[str, str] = field(factory=dict[str, str], kw_only=True)
    body: str | None = field(default=None, kw_only=True)
    seconds: float | None = field(default=None, kw_only=True)
    fraction: float = field(default=0.5, kw_only=True)
    size: int | None = field(default=None, kw_only=True)
    word: str | None = field(default=None, kw_only=True)
    members: Mapping[str, Any] = field(factory=dict[str, Any], kw_only=True)

    def __attrs_post_init__(self) -> None:
        problem = next(iter(find_problems(asdict(self))), None)
        if problem:
            place = ".".join(map(str, problem["loc"]))
            raise ConfigError(f"a fault cannot have this {place}: {problem['msg']}")

    def applies_to(self, method: str, path: str) -> bool:
        """Whether it is about such a request."""
        about_method, about_path = _DEFAULT_TARGETS.get(self.kind, ("*", "*"))
        return fnmatchcase(method, (self.method or about_method).upper()) and (
            fnmatchcase(path, self.path or about_path)
        )


def find_problems(data: JsonObject) -> Sequence[JsonObject]:
    """What is wrong with the data of a fault."""
    known = ", ".join(FAULT.fields)
    unknown = [
        _make_problem(name, f"A fault has no such field; it has {known}")
        for name in data
        if name not in FAULT.fields
    ]
    found = [*unknown, *find_violations(data, FAULT, ()), *_path_problems(data)]
    if not found:
        sent = {**data.get("headers", {}), "retry-after": data.get("retry_after") or ""}
        found = [
            _make_problem("headers", f"{name!r} cannot be sent with this value")
            for name in sent
            if not _is_header(name, sent[name])
        ]
    return found


def _path_problems(data: JsonObject) -> Iterator[JsonObject]:
    """What is wrong with a pattern that no path can fit."""
    path = data.get("path")
    if isinstance(path, str) and not path.startswith(("/", "*")):
        meant = "/" + urlsplit(path).path.lstrip("/")
        words = f"A path begins with '/' or '*' (did you mean {meant!r}?)"
        yield _make_problem("path", words)


@frozen
class FaultEvent:
    """A fault that a request met.

    Attributes:
        kind: What went wrong.
        method: HTTP method.
        path: Path without the query.
    """

    kind: FaultKind
    method: str
    path: str


@define(eq=False)
class ActiveFault:
    """A fault that was added, and how far it has come.

    Attributes:
        fault: What is to go wrong.
        random: Its own luck, so that other faults do not change it.
        seen: Requests that it applied to.
        fired: Requests that met it.
        memory: Answers that it keeps, by what was asked.
    """

    fault: Fault
    random: Random
    seen: int = 0
    fired: int = 0
    memory: dict[Any, Any] = field(factory=dict[Any, Any])

    @property
    def is_used_up(self) -> bool:
        """Whether it happens no more."""
        return self.fault.times is not None and self.fired >= self.fault.times

    def use_for_request(self) -> bool:
        """Whether it happens to one more request."""
        self.seen += 1
        if self.is_used_up or self.seen <= self.fault.after:
            return False
        if self.random.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The faults of an emulator: none, until some are added.

    The same faults, with the same requests after them, happen to the same requests,
    for one seed. Any thread may use it.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rules: list[ActiveFault] = []
        self._log: deque[FaultEvent] = deque(maxlen=_MAX_EVENTS)
        self._lock = Lock()
        self._released = 0

    def add(self, *faults: Fault) -> None:
        """Let more go wrong; the first that happens to a request is its only one."""
        with self._lock:
            for fault in faults:
                luck = Random(f"{self._seed}/{len(self._rules)}")  # noqa: S311 - no secret
                self._rules.append(ActiveFault(fault, luck))

    def clear(self) -> None:
        """Let nothing go wrong any more, and forget what did."""
        with self._lock:
            self._rules.clear()
            self._log.clear()
        self.release()

    def release(self) -> None:
        """Let requests go on that are held up now."""
        with self._lock:
            self._released += 1

    @property
    def released(self) -> int:
        """How often requests were let go on."""
        return self._released

    @property
    def active(self) -> list[Fault]:
        """What can still go wrong, in the order in which it was added."""
        with self._lock:
            return [rule.fault for rule in self._rules if not rule.is_used_up]

    @property
    def log(self) -> list[FaultEvent]:
        """What went wrong, oldest first."""
        with self._lock:
            return list(self._log)

    def data(self) -> list[JsonObject]:
        """What can still go wrong, as data: what was set, and how often it happened."""
        with self._lock:
            return [
                {**to_data(rule.fault), "fired": rule.fired}
                for rule in self._rules
                if not rule.is_used_up
            ]

    def take(self, method: str, path: str) -> ActiveFault | None:
        """The fault that happens to a request, which counts as happened then."""
        if path == "/" or path.startswith(ADMIN_PREFIX):
            return None
        with self._lock:
            for rule in self._rules:
                if rule.fault.applies_to(method, path) and rule.use_for_request():
                    self._log.append(FaultEvent(rule.fault.kind, method, path))
                    return rule
            return None


def to_data(fault: Fault) -> JsonObject:
    """The fields of a fault that are not as they are by themselves."""
    standard = asdict(Fault(fault.kind))
    data = asdict(fault)
    return {
        name: data[name]
        for name in (attribute.name for attribute in fields(Fault))
        if name == "kind" or data[name] != standard[name]
    }


def _make_problem(name: str, words: str) -> JsonObject:
    return {"loc": [name], "msg": words, "type": "value_error"}


def _is_header(name: str, value: object) -> bool:
    is_name = re.fullmatch(r"[A-Za-z0-9_-]+", name) and name.lower() not in _COMPUTED
    is_value = isinstance(value, str) and re.fullmatch(r"[ -~]*", value)
    return bool(is_name and is_value) and value == str(value).strip()


_COMPUTED: Final = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that follow from the rest."""
