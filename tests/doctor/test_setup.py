"""The setup of this machine: paths that can be shared, and installed extras."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError

from flow64.doctor import list_extras, shorten_path


def test_shorten_path(tmp_path, monkeypatch):
    """Paths are relative to the working folder or the home folder, or only names."""
    home, here = tmp_path / "home", tmp_path / "home" / "here"
    here.mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(here)

    told = [
        shorten_path(path) for path in (here / "a" / "b", home / "c", tmp_path / "d")
    ]

    assert told == ["a/b", "~/c", ".../d"]


def test_list_extras():
    """Each extra that there is, and whether it is installed."""
    found = list_extras()

    assert {"cli", "emulator", "oauth", "all"} <= found.keys()
    assert found["cli"] is True


def test_not_installed(monkeypatch):
    """An extra with a missing package is not installed."""

    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr("flow64.doctor._setup.version", missing)

    assert list_extras()["cli"] is False
