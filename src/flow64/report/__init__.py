"""Show changes and workflows: reports in four forms, pictures, annotations."""

from __future__ import annotations
