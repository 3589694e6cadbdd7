"""The history: the definition that each write replaced, in one file each.

A file holds the whole definition, so that it can be restored. In the place of a secret
it holds the name of the value. It leaves out any other text with a secret in it. Only
the owner can read the files.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import cattrs
from attrs import evolve, field, frozen

from .. import files
from ..definition import (
    EMPTY,
    MAX_BYTES,
    Definition,
    Hidden,
    Places,
    Values,
    as_body,
    body_of,
    canonical_id,
    escape_key,
    from_data,
    hide_secrets,
    is_uuid,
    name_secrets,
    pointer,
    walk,
    with_stamp,
)
from ..errors import DeployError, ReadError, SourceError
from ..tables import WrongValueError, add_class, list_mistakes, read_text
from ..text import printable

PLACE: Final = Path(files.FOLDER, "history")
"""The default folder, below the working folder."""

PLACE_NAME: Final = "FLOW64_HISTORY"
"""Environment variable for another folder."""

FORMAT: Final = 1
"""Schema of the files that are written, and the newest that can be read."""

LARGEST: Final = 2 * MAX_BYTES
"""Largest file to read, in bytes."""

Reason: TypeAlias = Literal["update", "delete"]
"""What replaced it."""


@frozen
class Saved:
    """A definition that was live until it was replaced.

    Attributes:
        key: Key of the workflow.
        workflow_id: Its id.
        env: The environment that it was in.
        endpoint: Base URL of the service.
        at: When it was saved.
        reason: Why it was replaced.
        definition: What was live, with its stamp. Secrets are unbound values.
        withheld: JSON pointers of texts that held a secret, and were left out.
        schedules: The text and the stamp of its schedules; None if they were not read.
        file: Its file. None before it is saved.
    """

    key: str
    workflow_id: str
    env: str
    endpoint: str
    at: datetime
    reason: Reason
    definition: Definition = field(repr=False)
    withheld: Sequence[str] = field(default=(), converter=tuple[str, ...])
    schedules: Mapping[str, tuple[str, str]] | None = field(default=None, repr=False)
    file: Path | None = None

    @classmethod
    def of(
        cls, live: Definition, places: Places, values: Values, **facts: Any
    ) -> Saved:
        """Prepare a live definition to be saved.

        Args:
            live: What the service has.
            places: Where secrets stand. Their names are saved there.
            values: The values of the environment.
            **facts: `key`, `workflow_id`, `env`, `endpoint`, `at`, `reason` and
                `schedules`.
        """
        shown = hide_secrets(name_secrets(live, places), places, values)
        body = body_of(shown)
        withheld = [pointer(at) for at, item in walk(body) if type(item) is Hidden]
        if (shown.name, shown.description) != (live.name, live.description):
            withheld.append("/workflow_name or /workflow_description")
        shown = evolve(shown, extra=EMPTY)
        return cls(definition=shown, withheld=withheld, **facts)

    @property
    def when(self) -> str:
        """Its time, in the form that lists show and `find` takes."""
        text = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        return text.replace("+00:00", "Z")

    def as_data(self) -> dict[str, Any]:
        """Return the JSON data of its file."""
        return {
            "flow64:history": FORMAT,
            "flow64": version("flow64"),
            "at": self.when,
            "key": self.key,
            "workflow_id": self.workflow_id,
            "env": self.env,
            "endpoint": self.endpoint,
            "reason": self.reason,
            "withheld": list(self.withheld),
            "definition": as_body(put_stamp(self.definition)),
            "schedules": self.schedules,
        }


@frozen
class History:
    """A folder of definitions that were replaced.

    Attributes:
        folder: The folder. It is made when it is needed. Below `.flow64`, git ignores
            it.
        now: Returns the time.
    """

    folder: Path
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)

    @classmethod
    def of(cls, folder: Any = None) -> History:
        """Return a history in a folder: by default `FLOW64_HISTORY`, else `PLACE`."""
        if isinstance(folder, History):
            return folder
        if folder is None:
            folder = os.environ.get(PLACE_NAME) or PLACE
        return cls(Path(folder))

    def require_writable(self) -> None:
        """Make the folder, and check that files can be written into it.

        Raises:
            DeployError: It cannot be used.
        """
        with self._open():
            files.check_folder(self.folder)

    def save(self, saved: Saved) -> Saved:
        """Write a file, and return the entry with its file.

        Raises:
            DeployError: It cannot be written.
        """
        time = saved.when.replace("-", "").replace(":", "")
        stem = f"{time}.{_file_key(saved.key)}"
        target = self.folder / f"{stem}.{secrets.token_hex(4)}.json"
        with self._open():
            # `require_writable` has swept the folder, once for all entries.
            files.write_whole(target, _text(saved), is_swept=True)
        return evolve(saved, file=target)

    def entries(
        self, key: str | None = None, *, env: str | None = None
    ) -> Sequence[Saved]:
        """Return the entries, newest first.

        Args:
            key: Only those of this workflow, by its key or its id.
            env: Only those of this environment.

        Raises:
            DeployError: A file cannot be read.
        """
        entries = [
            saved
            for path in self._files(key)
            if (saved := self._read(path)) is not None
            and (key is None or _is_of(saved, key))
            and env in (None, saved.env)
        ]
        return sorted(entries, key=lambda saved: saved.at, reverse=True)

    def find(self, key: str, at: str, *, env: str | None = None) -> Saved:
        """Return one entry.

        Args:
            key: Key or id of the workflow.
            at: Its time as lists show it, or the beginning of it.
            env: Only look at this environment.

        Raises:
            SourceError: No entry fits, or several do.
        """
        entries = self.entries(key, env=env)
        begin = at.strip().upper().removesuffix("Z")
        matches = [saved for saved in entries if saved.when.startswith(begin)]
        if len(matches) == 1:
            return matches[0]
        where = f"of {key!r}" + (f" in {env!r}" if env else "")
        if not entries:
            problem = f"nothing {where} was saved; flow64 restore lists what was"
            raise SourceError(printable(problem), is_usage=True)
        times = ", ".join(saved.when for saved in (matches or entries)[:_LISTED])
        many = "several begin" if matches else "nothing begins"
        problem = f"{many} with {at!r} {where}; there is {times}"
        raise SourceError(printable(problem), is_usage=True)

    def _files(self, key: str | None) -> Iterator[Path]:
        try:
            names = sorted(path.name for path in self.folder.iterdir())
        except FileNotFoundError:
            return
        except OSError as error:
            problem = f"it cannot be read: {files.reason_of(error)}{_ELSEWHERE}"
            raise history_error(self.folder, problem) from None
        # The names of files have the key. To find an id, all files are read.
        wanted = None if key is None or is_uuid(key) else _file_key(key)
        for name in names:
            match = _NAME.fullmatch(name)
            if match and wanted in (None, match["key"]):
                yield self.folder / name

    def _read(self, path: Path) -> Saved | None:
        """Return the entry of a file. None if the file was deleted."""
        try:
            content = files.read_whole(path, LARGEST)
        except FileNotFoundError:
            return None
        except files.Unusable as error:
            raise history_error(path, str(error)) from None
        try:
            return _saved_from_data(json.loads(content), path)
        except (ValueError, RecursionError):
            why = ""
        except cattrs.BaseValidationError as error:
            why = f" ({'; '.join(list_mistakes(error, 'entry'))})"
        problem = f"this release cannot read it as an entry{why}; move it elsewhere"
        raise history_error(path, problem)

    @contextmanager
    def _open(self) -> Generator[None]:
        """Make the folder, and raise `DeployError` if it cannot be used."""
        try:
            if self.folder.is_symlink():
                problem = f"it is a link, which is not followed{_UNSAVED}"
                raise history_error(self.folder, problem)
            files.make_folder(self.folder.parent)
            self.folder.mkdir(mode=0o700, exist_ok=True)
            yield
        except (OSError, files.Unusable) as error:
            problem = f"it cannot be used: {files.reason_of(error)}{_UNSAVED}"
            raise history_error(self.folder, problem) from None


_LISTED: Final = 10
_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}Z\.(?P<key>.*)\.[0-9a-f]{8}\.json")
_LONGEST_KEY: Final = 80
_ELSEWHERE: Final = "; FLOW64_HISTORY names another folder"
_UNSAVED: Final = f"; what cannot be saved first is not overwritten{_ELSEWHERE}"


def history_error(path: Path | None, problem: str) -> DeployError:
    """Return the error of a history that cannot be read or written."""
    return DeployError(f"the history {printable(str(path))}: {printable(problem)}")


def put_stamp(definition: Definition) -> Definition:
    """Return a definition with its stamp, if it has one, in its description."""
    if definition.stamp is None:
        return definition
    text = with_stamp(definition.description, definition.stamp)
    return evolve(definition, description=text)


def _text(saved: Saved) -> bytes:
    text = json.dumps(saved.as_data(), indent=2, ensure_ascii=False, allow_nan=False)
    # An answer may hold half a surrogate pair. It is read back as it is.
    return f"{text}\n".encode(errors="surrogatepass")


def _file_key(key: str) -> str:
    """Escape a key for a file name, so that no character has a meaning there."""
    name = escape_key(key.encode(errors="replace").decode())
    if len(name) <= _LONGEST_KEY:
        return name
    return f"{name[:60]}~{sha256(name.encode()).hexdigest()[:12]}"


def _is_of(saved: Saved, key: str) -> bool:
    return key == saved.key or canonical_id(key) == canonical_id(saved.workflow_id)


def _saved_from_data(data: Any, path: Path) -> Saved:
    if not isinstance(data, dict) or data.get("flow64:history") != FORMAT:
        raise ValueError("its schema is unknown")
    return evolve(_converter.structure(data, Saved), file=path)


def _read_time(value: Any, _: object) -> datetime:
    at = datetime.fromisoformat(read_text(value))
    if at.tzinfo is None:
        raise WrongValueError("write a time with its zone")
    return at


def _read_definition(value: Any, _: object) -> Definition:
    try:
        return from_data(value)
    except ReadError as error:
        raise WrongValueError(str(error)) from None


_converter: Final = cattrs.Converter()
_converter.register_structure_hook(str, read_text)
_converter.register_structure_hook(datetime, _read_time)
_converter.register_structure_hook(Definition, _read_definition)
add_class(_converter, Saved, "file")
