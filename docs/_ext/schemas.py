"""Publish the JSON Schemas beside the pages, each under `schemas/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from flow64.cli._terminal import format_json
from flow64.cli.schema import SCHEMAS, make_schema

if TYPE_CHECKING:
    from sphinx.application import Sphinx


def write_schemas(folder: Path) -> None:
    """Write each schema into a folder, as `NAME.schema.json`."""
    folder.mkdir(exist_ok=True)
    for name in SCHEMAS:
        text = format_json(make_schema(name))
        (folder / f"{name}.schema.json").write_text(text, "utf-8")


def publish(app: Sphinx, error: Exception | None) -> None:
    """Write the schemas once the pages are built."""
    if error is None and app.builder.format == "html":
        write_schemas(Path(app.outdir) / "schemas")


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx."""
    app.connect("build-finished", publish)
    return {"parallel_read_safe": True}
