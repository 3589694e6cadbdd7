"""The files of batches: saved once each, also by several processes."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile
from typing import Final

from attrs import frozen

from ..api import Session
from ..errors import SaveError
from ._batch_input import BatchSettings, RowRange
from ._download import download_file
from ._file_names import make_safe_name
from ._outputs import choose_file
from ._row_writer import write_ndjson
from ._save_error import raise_save_error
from ._tracked import Tracked

TRIES: Final = 5
"""Attempts to save a file, since another process may be saving it."""

KINDS: Final = (".ndjson", ".json", ".csv")
"""Suffixes of saved files. A file of any other kind is saved as CSV."""


@frozen
class BatchFiles:
    """The final files of the batches of one input, in one folder."""

    settings: BatchSettings
    folder: Path

    async def save(self, session: Session, part: RowRange, tracked: Tracked) -> Path:
        """Save the final file of a batch, unless it is saved already.

        Raises:
            SaveError: It cannot be written.
        """
        failures = 0
        while (path := self.find(part, tracked.id)) is None:
            try:
                return await self._download(session, part, tracked)
            except SaveError:
                failures += 1
                if failures == TRIES:
                    raise
                require_folder(self.folder)
                await session.sleep(self.settings.every, is_apart=True)
        return path

    def find(self, part: RowRange, run_id: str) -> Path | None:
        """Return the file that an earlier call has saved, or None."""
        stem = self._stem(part, run_id)
        paths = (self.folder / f"{stem}{kind}" for kind in KINDS)
        return next((path for path in paths if path.is_file()), None)

    async def _download(
        self, session: Session, part: RowRange, tracked: Tracked
    ) -> Path:
        session.begin()
        item = await choose_file(session, tracked, None)
        stem = self._stem(part, tracked.id)
        if item.download_url is None and item.results is not None and item.is_whole:
            path = self.folder / f"{stem}.ndjson"
            write_ndjson(item.results, path)
            return path
        suffix = Path(item.filename).suffix.lower()
        path = self.folder / f"{stem}{suffix if suffix in KINDS else '.csv'}"
        allowance = self.settings.allowance
        return await download_file(session, tracked.id, item, path, allowance=allowance)

    def _stem(self, part: RowRange, run_id: str) -> str:
        """Return a file name, without suffix, that sorts like the input.

        Another intent has other runs, so its files have other names.
        """
        number = self.settings.launcher.stages.number(run_id, None)
        of_block = "" if number is None else f"-block{number}"
        return make_safe_name(f"{part.index:06}-{run_id}{of_block}")


def require_folder(folder: Path) -> None:
    """Make a folder if it is missing, and check that files can be made in it.

    Raises:
        SaveError: They cannot.
    """
    with raise_save_error(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=folder):
            pass
