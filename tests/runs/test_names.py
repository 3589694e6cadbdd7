"""Names of files that the service gives never leave the folder."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from flow64.runs import make_safe_name

FALLBACK = "result"
LONGEST = 200
"""Bytes of a name."""


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("leads.csv", "leads.csv"),
        ("Enriched leads (2).csv", "Enriched leads (2).csv"),
        ("größe 分析.csv", "größe 分析.csv"),
        # Paths, of all systems.
        ("../x", "x"),
        ("../../etc/passwd", "passwd"),
        ("/etc/x", "x"),
        ("C:\\x", "x"),
        ("C:x", "C_x"),
        ("\\\\host\\share\\x", "x"),
        ("a/..\\x.csv", "x.csv"),
        # Nothing that can be kept.
        ("", FALLBACK),
        (".", FALLBACK),
        ("..", FALLBACK),
        ("a/", FALLBACK),
        (" . . ", FALLBACK),
        ("\0\u202e", FALLBACK),
        # Characters that are invisible or mean something.
        ("a\0b", "ab"),
        ("a\r\nb\x1b[31m", "ab[31m"),
        ("x\u202evsc.exe", "xvsc.exe"),
        ("a\u2066b\u200bc\ufeff.csv", "abc.csv"),
        ("a\ud800b", "ab"),
        ("a\u00a0b\u2028c", "a b c"),
        ('a<b>c:d"e|f?g*h', "a_b_c_d_e_f_g_h"),
        ("data.csv::$DATA", "data.csv__$DATA"),
        # Hidden files, options, homes, and what Windows leaves away.
        (".bashrc", "bashrc"),
        ("...x", "x"),
        ("-rf", "_-rf"),
        ("~root", "_~root"),
        ("x.csv. .", "x.csv"),
        # Devices of Windows.
        ("NUL", "_NUL"),
        ("con.csv", "_con.csv"),
        ("Aux .tar.gz", "_Aux .tar.gz"),
        ("COM1", "_COM1"),
        ("lpt\u00b2.txt", "_lpt\u00b2.txt"),
        ("CONIN$", "_CONIN$"),
        ("console.csv", "console.csv"),
        ("com10", "com10"),
        # One spelling of an accent.
        ("e\u0301.csv", "\u00e9.csv"),
        ("e\u200d\u0301.csv", "\u00e9.csv"),
    ],
)
def test_name_stays_in_its_folder(given_name, name):
    """The last part, without what is invisible or means something."""
    assert make_safe_name(given_name) == name


@pytest.mark.parametrize(
    ("given_name", "suffix"),
    [
        ("x" * 300 + ".csv", ".csv"),
        ("é" * 150 + ".ndjson", ".ndjson"),
        ("🚀" * 75, ""),
        ("x." + "y" * 298, ""),
        ("x" * 190 + " " * 50 + "y.csv", "x.csv"),
    ],
)
def test_long_name_is_cut_and_keeps_its_suffix(given_name, suffix):
    """Between characters, with room for a number or `.part`."""
    name = make_safe_name(given_name)

    assert LONGEST - 12 < len(name.encode()) <= LONGEST
    assert name.endswith(suffix)
    assert given_name.startswith(name.removesuffix(suffix))


@pytest.mark.parametrize(
    ("given_name", "taken", "name"),
    [
        ("a.csv", ["b.csv"], "a.csv"),
        ("a.csv", ["a.csv"], "a-2.csv"),
        ("a.csv", ["A.CSV", "a-2.csv", "a-3.csv"], "a-4.csv"),
        ("STRASSE", ["stra\u00dfe"], "STRASSE-2"),
        ("\u00e9", ["E\u0301"], "\u00e9-2"),
        ("../x", ["x"], "x-2"),
        ("", [FALLBACK], f"{FALLBACK}-2"),
    ],
)
def test_name_that_is_taken_gets_a_number(given_name, taken, name):
    """Taken is also what some machine takes for the same file."""
    assert make_safe_name(given_name, taken=taken) == name


@given(st.lists(st.text() | st.sampled_from(["a.csv", "A.csv", "NUL", ""]), max_size=6))
@example(["\u1fef/", "a\u0345"])
def test_names_are_harmless_unique_and_stay_as_they_are(names):
    """Whatever comes; and a name that was made safe once is safe."""
    made = []
    for name in names:
        found = make_safe_name(name, taken=made)
        assert found not in ("", ".", "..")
        assert not set(found) & set('/\\:<>"|?*\0')
        assert found.isprintable()
        assert len(found.encode()) < 255 - len(".part")
        assert make_safe_name(found) == found
        made.append(found)

    folded = [unicodedata.normalize("NFC", name).casefold() for name in made]
    assert len(set(folded)) == len(names)
