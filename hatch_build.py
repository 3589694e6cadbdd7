"""Add the addresses of the repository to the metadata, if the build knows them.

`FLOW64_REPOSITORY` holds the address. The release workflow sets it to its own
repository, so that a package names the place where it was built.
"""

from __future__ import annotations

import os
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class Addresses(MetadataHookInterface):
    """Set `project.urls`."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the addresses to the metadata of the project."""
        if repository := os.environ.get("FLOW64_REPOSITORY", "").rstrip("/"):
            metadata["urls"] = {
                "Changelog": f"{repository}/blob/main/CHANGELOG.md",
                "Documentation": f"{repository}/tree/main/docs",
                "Issues": f"{repository}/issues",
                "Repository": repository,
                "Security": f"{repository}/blob/main/SECURITY.md",
            }
