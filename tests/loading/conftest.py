"""Fixtures of the command line that tests of loading share."""

from __future__ import annotations

from tests.cli.conftest import configured, leads, namespace

__all__ = ["configured", "leads", "namespace"]
