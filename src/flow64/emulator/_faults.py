"""Faults on demand: what goes wrong, with which requests, and how often."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from random import Random
from threading import Lock
from typing import Any, Final, Literal, TypeAlias, get_args
from urllib.parse import urlsplit

from attrs import asdict, define, field, frozen

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
"""The kinds of faults. With `before` in its name, a fault happens before the request is
handled, so nothing is changed. Any other fault happens after the request was handled,
unless its description says otherwise. Defaults are in parentheses.

- `reset_before`, `reset_after`: the connection is reset, without a response.
- `close_before`, `close_after`: the connection is closed, without a response.
- `hang_before`, `hang_after`: the response is `seconds` late (60).
- `status_before`, `status_after`: the response has `status` (503), and `retry_after`,
  `headers` and `body` if they are set.
- `html`: 200 with a login page; the request is not handled.
- `empty`: 200 with an empty body.
- `truncate`: the connection is reset after `fraction` of the body (0.5), or after
  `size` bytes. `truncate_chunked`: also without a `Content-Length`.
- `cut_json`: only that part of the body is sent, as if it were complete.
- `slow`: the body is sent `size` bytes at a time (1), with `seconds` between (0.05).
- `endless`: a body of `size` bytes (512 MiB), with `seconds` between 64 KiB (0).
- `bad_gzip`: compressed and cut, with a matching `Content-Length`.
- `gzip_bomb`: a small body that unpacks to `size` bytes (512 MiB).
- `duplicate`: the request is handled twice; the second response is sent.
- `late_duplicate`: the request is handled again `seconds` after its response (1).
- `stale_read`: a repeated request gets its first response again.
- `unknown_status`: the status of a run and of its blocks is `word` (`paused`).
- `null_download_url`: download items have no URL.
- `rewrite`: members of the response, at any depth, get the values in `members`.
- `missing_field`: members named `word` are removed from the response.
- `drop_spec_field`: the spec field `word` of a saved workflow is lost; by default, the
  first field of the first block that has one.
- `other_name`: a workflow is saved under the name `word` (`Renamed`).
"""

KINDS: Final[tuple[FaultKind, ...]] = get_args(FaultKind)

_MAX_EVENTS: Final = 10_000
"""Maximum requests in the log."""

_SAVE_REQUESTS: Final = ("POST", "/workflows/[cu]*_workflow")  # create and update

_DEFAULT_TARGETS: Final[Mapping[str, tuple[str, str]]] = {
    "stale_read": ("GET", "*"),
    "unknown_status": ("GET", "/workflows/runs*"),
    "null_download_url": ("GET", "/workflows/runs/*/results/download-links"),
    "drop_spec_field": _SAVE_REQUESTS,
    "other_name": _SAVE_REQUESTS,
}
"""Method and path of the requests that a kind affects; any other kind affects all."""

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
    """A fault, and the requests that it happens to.

    Attributes:
        kind: What goes wrong.
        method: HTTP method of the requests; None for those that the kind affects.
        path: Glob pattern of their paths, such as `/workflows/runs*`; None for those
            that the kind affects.
        times: How often it happens; None for no limit.
        after: How many matching requests succeed first.
        probability: Probability for each matching request after those.
        status: Status of the response.
        retry_after: The header of that name, in any form.
        headers: Further headers of the response.
        body: Body of the response; None for an error like the service's.
        seconds: How long to wait; None for the default of the kind.
        fraction: Part of the body that is sent, from 0 to 1.
        size: Bytes that are sent, in total or at a time.
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
        """Return True if the fault can happen to such a request."""
        about_method, about_path = _DEFAULT_TARGETS.get(self.kind, ("*", "*"))
        return fnmatchcase(method, (self.method or about_method).upper()) and (
            fnmatchcase(path, self.path or about_path)
        )


def find_problems(data: JsonObject) -> Sequence[JsonObject]:
    """Return the problems of a fault as data."""
    known = ", ".join(FAULT.fields)
    unknown = [
        _make_problem(name, f"A fault has no such field; its fields are {known}")
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
    """Yield a problem if no path can match the pattern."""
    path = data.get("path")
    if isinstance(path, str) and not path.startswith(("/", "*")):
        meant = "/" + urlsplit(path).path.lstrip("/")
        words = f"A path begins with '/' or '*' (did you mean {meant!r}?)"
        yield _make_problem("path", words)


@frozen
class FaultEvent:
    """A fault that happened to a request.

    Attributes:
        path: Path without the query.
    """

    kind: FaultKind
    method: str
    path: str


@define(eq=False)
class ActiveFault:
    """A fault that was added, and its counters.

    Attributes:
        random: Its own random numbers, so that other faults do not change them.
        seen: Matching requests.
        fired: Requests that it happened to.
        memory: First responses by request, for `stale_read`.
    """

    fault: Fault
    random: Random
    seen: int = 0
    fired: int = 0
    memory: dict[Any, Any] = field(factory=dict[Any, Any])

    @property
    def is_used_up(self) -> bool:
        """Whether it has happened as often as it should."""
        return self.fault.times is not None and self.fired >= self.fault.times

    def use_for_request(self) -> bool:
        """Count a matching request; return True if the fault happens to it."""
        self.seen += 1
        if self.is_used_up or self.seen <= self.fault.after:
            return False
        if self.random.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True


class Faults:
    """The faults of an emulator: none, until some are added.

    With the same seed, faults and requests, the faults happen to the same requests. Any
    thread may use it.
    """

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._rules: list[ActiveFault] = []
        self._log: deque[FaultEvent] = deque(maxlen=_MAX_EVENTS)
        self._lock = Lock()
        self._released = 0

    def add(self, *faults: Fault) -> None:
        """Add faults. Only the first one that applies happens to a request."""
        with self._lock:
            for fault in faults:
                random = Random(f"{self._seed}/{len(self._rules)}")  # noqa: S311 - no secret
                self._rules.append(ActiveFault(fault, random))

    def clear(self) -> None:
        """Remove all faults and the log."""
        with self._lock:
            self._rules.clear()
            self._log.clear()
        self.release()

    def release(self) -> None:
        """Continue all requests that a fault holds up now."""
        with self._lock:
            self._released += 1

    @property
    def released(self) -> int:
        """How often `release` was called."""
        return self._released

    @property
    def active(self) -> list[Fault]:
        """The faults that can still happen, in the order in which they were added."""
        with self._lock:
            return [rule.fault for rule in self._rules if not rule.is_used_up]

    @property
    def log(self) -> list[FaultEvent]:
        """The faults that happened, oldest first."""
        with self._lock:
            return list(self._log)

    def data(self) -> list[JsonObject]:
        """Return the faults that can still happen as data, with their counts."""
        with self._lock:
            return [
                {**to_data(rule.fault), "fired": rule.fired}
                for rule in self._rules
                if not rule.is_used_up
            ]

    def take(self, method: str, path: str) -> ActiveFault | None:
        """Return the fault that happens to a request, and log it."""
        if path == "/" or path.startswith(ADMIN_PREFIX):
            return None
        with self._lock:
            for rule in self._rules:
                if rule.fault.applies_to(method, path) and rule.use_for_request():
                    self._log.append(FaultEvent(rule.fault.kind, method, path))
                    return rule
            return None


def to_data(fault: Fault) -> JsonObject:
    """Return the fields of a fault that differ from their defaults."""
    standard = asdict(Fault(fault.kind))
    return {
        name: value
        for name, value in asdict(fault).items()
        if name == "kind" or value != standard[name]
    }


def _make_problem(name: str, words: str) -> JsonObject:
    return {"loc": [name], "msg": words, "type": "value_error"}


def _is_header(name: str, value: object) -> bool:
    is_name = re.fullmatch(r"[A-Za-z0-9_-]+", name) and name.lower() not in _COMPUTED
    is_value = isinstance(value, str) and re.fullmatch(r"[ -~]*", value)
    return bool(is_name and is_value) and value == str(value).strip()


_COMPUTED: Final = frozenset({"content-length", "transfer-encoding", "connection"})
"""Headers that the server computes."""
