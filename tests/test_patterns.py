"""Every regular expression of the package takes linear time, whatever it meets.

A pattern without a listed worst case fails: somebody has to look at a new one.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import time
from functools import cache
from pathlib import Path

import pytest

import flow64
from flow64.redaction import redact_keys

SOURCE = Path(flow64.__file__).parent

LENGTH = 4000
"""Characters of the shortest text. Quadratic time is seen by then, and soon over."""

MOST = 10.0
"""How much longer four times the text may take. Linear is 4, quadratic is 16."""

PATTERNS = {
    "flow64.environments._value_checks.VARIABLE": ("fullmatch", "", "a", "!"),
    "flow64.blocks._output._PLAIN_ADDRESS": ("match", "https://", "a.", "!"),
    "flow64.analysis._live._DATE": ("fullmatch", "", "2026", ""),
    "flow64.analysis._patterns._BACK_REFERENCE": ("match", "", "\\", ""),
    "flow64.analysis._patterns._COUNT": ("findall", "", "{1", ""),
    "flow64.analysis._patterns._PLAIN": ("fullmatch", "", "\\!", ""),
    "flow64.analysis._patterns._TOKEN": ("findall", "", "[", "!"),
    "flow64.analysis.checks._keys._CLEAR_NAMESPACE": ("match", "ns:", "a.", "!"),
    "flow64.analysis.checks._keys._MARK": ("search", "", ".", ""),
    "flow64.diff._lines._PLAIN": ("fullmatch", "", "a-", "!"),
    "flow64.cli._terminal._COLOUR": ("findall", "", "\x1b[1", ""),
    "flow64.cli._terminal._SOURCE": ("match", "", " ", "!"),
    "flow64.cli._terminal._UNIT": ("findall", "", "` ", "`"),
    "flow64.endpoints._BARE_HOST": ("fullmatch", "", "a.", "!"),
    "flow64.loading._importing._TWO_LISTS": ("search", "", "for >>: 'list' and ", ""),
    "flow64.analysis.checks._columns._SEPARATORS": ("findall", "", "a_", ""),
    "flow64.redaction.KEY_SHAPES['a GitHub token']": (
        "findall",
        "",
        "ghp_a ",
        "",
    ),
    "flow64.redaction.KEY_SHAPES['a Google API key']": (
        "findall",
        "",
        "AIza.",
        "",
    ),
    "flow64.redaction.KEY_SHAPES['a JSON Web Token']": (
        "findall",
        "",
        "eyJaaaaa.",
        "!",
    ),
    "flow64.redaction.KEY_SHAPES['a Slack token']": (
        "findall",
        "",
        "xoxb-",
        "!",
    ),
    "flow64.redaction.KEY_SHAPES['a key']": ("findall", "", "sk_", ""),
    "flow64.redaction.KEY_SHAPES['a private key']": (
        "findall",
        "",
        "-----BEGIN A A A ",
        "",
    ),
    "flow64.redaction.KEY_SHAPES['a webhook signing secret']": (
        "findall",
        "",
        "sk_whsec_",
        "!",
    ),
    "flow64.redaction.KEY_SHAPES['an API key']": (
        "findall",
        "",
        "sk_live_.",
        "",
    ),
    "flow64.redaction.KEY_SHAPES['an AWS access key']": (
        "findall",
        "",
        "AKIA",
        "",
    ),
    "flow64.analysis.checks._specs._PLAIN_URL": ("match", "https://", "a.", "!"),
    "flow64.cli._ci_files.SECRET": ("findall", "", "a", "!"),
    "flow64.cli._ci_files.VARIABLE": ("findall", "vars.FLOW64_", "A", "!"),
    "flow64.cli._ci_files._SOURCE": ("search", "git+https://github.com/a", "/a", "!"),
    "flow64.cli._install_source._ARCHIVE": ("fullmatch", "https://", "a.", "!"),
    "flow64.cli._install_source._COMMIT": ("fullmatch", "", "0", ""),
    "flow64.cli._install_source._GIT": ("fullmatch", "git+https://a", "/a", "!"),
    "flow64.cli._install_source._LOCAL": ("fullmatch", "", "a.", "!"),
    "flow64.cli._install_source._REQUIREMENT": ("fullmatch", "flow64==1", ".1", "!"),
    "flow64.cli._install_source._SCP": ("fullmatch", "", "a", "!"),
    "flow64.cli._new_project._KEY": ("fullmatch", "", "a-", "!"),
    "flow64.cli._new_project._NAMESPACE": ("fullmatch", "", "a/", "!"),
    "flow64.cli._colours._CARETS": ("match", "  | ", "^", "!"),
    "flow64.cli._colours._CHANGE": ("findall", "", " ", "+"),
    "flow64.cli._colours._GUTTER": ("match", "", " ", "0"),
    "flow64.cli._colours._SEVERITY": ("match", "error[", "a", "!"),
    "flow64.cli._colours._STATE": ("findall", "", "not tr\n", ""),
    "flow64.cli._options._COMMANDS": ("findall", "", "flow64 watch 0", "!"),
    "flow64.cli._param_types._BEGINNING": ("fullmatch", "00000000", "-", "!"),
    "flow64.cli._crash_report._NAMES": ("search", "", "KE", ""),
    "flow64.cli._crash_report._SECRETS": ("findall", "", "sk_ ", ""),
    "flow64.compiler._layout._ODD": ("findall", "", "a'", ""),
    "flow64.compiler.code._GAPS": ("findall", "", "a-", ""),
    "flow64.definition._ids._PLAIN": ("fullmatch", "", "a", "!"),
    "flow64.definition._ids._SLUG_GAPS": ("findall", "", "a-", ""),
    "flow64.definition._ids._UUID": ("fullmatch", "00000000", "-0000", "!"),
    "flow64.definition._json_text._BRACKETS": ("findall", '"', '\\"', ""),
    "flow64.definition._json_text._SPACE": ("match", "", " ", "!"),
    "flow64.definition._stamp._BREAK": ("split", "", "\r", "!"),
    "flow64.definition._stamp._LINE": (
        "fullmatch",
        f"[flow64:1 a {'0' * 16} {'0' * 16} - ",
        "a,b=00000000;",
        "!",
    ),
    "flow64.definition._stamp._PIN": ("search", "", "/pin:a", "/"),
    "flow64.emulator._deliveries._HOST": ("fullmatch", "", "a.", "!"),
    "flow64.emulator._page_items._DELIVERED": ("fullmatch", "attempt ", "1", "!"),
    "flow64.emulator._page_lists._HASHED": ("fullmatch", "org_", "a", "!"),
    "flow64.emulator._store_file._ADDRESS": (
        "fullmatch",
        "http://127.0.0.1:",
        "1",
        "!",
    ),
    "flow64.generation._schema_types._NAME": ("fullmatch", "", "a", "!"),
    "flow64.manifest._known._DISTINCTIVE": ("fullmatch", "", ":/", " "),
    "flow64.manifest._pull._BARE": ("fullmatch", "", "a", "!"),
    "flow64.manifest._read._MARK16": ("fullmatch", "", "0", ""),
    "flow64.manifest._read._PATH": ("fullmatch", "workflow:a", "/axis:a", "!"),
    "flow64.manifest._read._REF": ("fullmatch", "00000000", "-0000", "!"),
    "flow64.render._mermaid._PUNCTUATION": ("findall", "", "a-", "-"),
    "flow64.render._svg._SAFE": ("fullmatch", "", "a", "!"),
    "flow64.render.review._markdown_escape._PLAIN": ("fullmatch", "(", "a-", "!"),
    "flow64.render.review._view._BY_ID": ("findall", "", " (00000000)", "!"),
    "flow64.doctor._kinds._LIKE_ID": ("search", "", "a", "!"),
    "flow64.doctor._kinds._NAME": ("fullmatch", "", "a", "!"),
    "flow64.doctor._kinds._OWN": ("search", "", "_id", "!"),
    "flow64.doctor._kinds._SIGNS": ("split", "", "[]", ""),
    "flow64.doctor._kinds._WORD": ("fullmatch", "", "a.", "!"),
    "flow64.doctor._sandbox._PATH": (
        "fullmatch",
        "ns:probe.flow64.invalid/project:flow64-probe/workflow:",
        "a",
        "!",
    ),
    "flow64.doctor._verdicts._FRACTION": ("search", "", ".", "!"),
    "flow64.deploy._git._COMMIT": ("fullmatch", "", "0", ""),
    "flow64.doctor._evidence._WORD": ("fullmatch", "", "a", "!"),
    "flow64.runs._batches._CREDIT": ("search", "", "quot", ""),
    "flow64.doctor._requests._PLAIN": ("fullmatch", "", "a", "!"),
    "flow64.runs._file_names._SEPARATOR": ("split", "", "/a", ""),
    "flow64.runs._payload._NAMELESS": ("fullmatch", "#", "1", "!"),
    "flow64.runs._row_values._INTEGER": ("fullmatch", " ", "1", " !"),
    "flow64.runs._row_values._MODULE": ("findall", "a.", "<locals>.", "1"),
    "flow64.runs._row_reader._BLANKS": ("match", "", " ", "!"),
    "flow64.runs._row_reader._WORD": ("findall", "", "a!", ""),
    "flow64.deploy._history._NAME": (
        "fullmatch",
        "20260101T000000.000000Z.",
        ".00000000.json",
        "!",
    ),
    "flow64.deploy._planner._FINE": ("search", "", ".00", ""),
    "flow64.text._ADDRESS": ("findall", "", " at 0x", ""),
    "flow64.webhooks._events._COUNT": ("fullmatch", "", "1", "!"),
    "flow64.webhooks._signature.VISIBLE": ("fullmatch", "", "a", " "),
    "flow64.webhooks._signature._DIGEST": ("fullmatch", "", "0", "!"),
    "flow64.webhooks._signature._MOMENT": ("fullmatch", "", "1", "!"),
}
"""How each pattern is used, and the text that takes it longest: how it begins, what is
repeated, and how it ends."""

INLINE = {
    r"^[.~/\\-]|^[A-Za-z]:[\\/]|file:|localhost|127\.": ("search", "", "file", ""),
    r":: Python :: 3\.(\d+)": ("fullmatch", ":: Python :: 3.", "1", "!"),
    "[0-9]{1,9}": ("fullmatch", "", "0", "!"),
    r"\b(http|git)://": ("search", "", "git:", ""),
    "[a-z0-9-]+": ("findall", "", "a", "!"),
    r"https://[^/]*@|ssh://[^/@:]*:[^/@]*@|\?": ("search", "ssh://", ":", ""),
    "==[^*,]+": ("fullmatch", "==", "1", "*"),
    "@([A-Z_]+)@": ("findall", "", "@A", ""),
    "(?m)^  (?=[a-z]+:$)": ("split", "", "  a\n", ""),
    "(?m)uses: ([a-z-]+/[a-z-]+)$": ("findall", "uses: ", "a", "!"),
    r"\n\n(?=      [-#] )": ("split", "", "\n", ""),
    r"defaults:\n(?: .*\n)+": ("findall", "defaults:\n", " a\n", ""),
    r"steps\.(\w+)\.outputs": ("search", "steps.", "a", "!"),
    "[+-]?[0-9]{1,18}": ("fullmatch", "", "1", ""),
    "[A-Za-z0-9._-]+": ("match", "", "a", ""),
    r"[A-Za-z0-9.-]+|\[?[0-9A-Fa-f:.]+\]?": ("fullmatch", "", "a", "!"),
    "[A-Za-z0-9_-]+": ("fullmatch", "", "a", "!"),
    r"[A-Za-z]:[\\/]": ("match", "", "a:", ""),
    r"[\w-]+": ("fullmatch", "", "a", "!"),
    r"[^\n{\[]{1,200}\.json": ("fullmatch", "", ".json", ""),
    "[^a-z0-9_]+": ("findall", "", "a-", ""),
    "[ -~]*": ("fullmatch", "", "a", "\n"),
    r"(---|[A-Za-z_]+:(\s|$))": ("match", "", "a", "!"),
    "(?<!^)(?=[A-Z])": ("findall", "", "A", ""),
    "(?<=[a-z0-9])(?=[A-Z])": ("findall", "", "aA", ""),
    r"(\[[0-9a-f:]+\]|[^][:]+)(?::[0-9]*)?": ("fullmatch", "a:", "1", "!"),
    r"\bend\b": ("findall", "", "en ", ""),
    r"^    (\w+): (.+(?:\n     +.+)*)": ("findall", "    a: b", "\n      ", ""),
    "^dot-": ("findall", "", "dot-", ""),
    "`+": ("findall", "", "`", ""),
    r"\s": ("search", "", "a", ""),
    "[A-Za-z0-9]+": ("findall", "", "a-", ""),
    r"[^!-~]|[\\`\"']": ("search", "", "a", ""),
}
"""The same of patterns that are written where they are used."""

COMPUTED = {
    "_VERSION": "a part of the pattern of a requirement, which is listed",
    r'rb"\b(?:%b)\b" % words': "names of modules, as plain words",
    """rf"extra == ['\\"]{re.escape(extra)}['\\"]\"""": "words of our own metadata",
    r'start + r"(unversioned|[0-9a-f]{12})\.part"': "a file name, as plain text",
    "part.source": "one character",
    "pattern": "not used before its effort is bounded",
}
"""Patterns that are made at run time, and why they take no longer."""


@cache
def patterns():
    """All compiled patterns that modules hold, by all their names."""
    found = {}
    for info in pkgutil.walk_packages(flow64.__path__, "flow64."):
        if not info.name.endswith("__main__"):
            module = importlib.import_module(info.name)
            for name, item in vars(module).items():
                _gather(item, f"{info.name}.{name}", found)
    return found


def _gather(item, name, found):
    if isinstance(item, re.Pattern):
        found.setdefault(item, set()).add(name)
    elif isinstance(item, dict) and not name.endswith("__"):
        for key, inner in item.items():
            if isinstance(inner, re.Pattern):
                _gather(inner, f"{name}[{key!r}]", found)
    elif isinstance(item, list | tuple | set | frozenset):
        for at, inner in enumerate(item):
            if isinstance(inner, re.Pattern):
                _gather(inner, f"{name}[{at}]", found)


def inline():
    """The patterns of all other calls of `re`, as they are written."""
    found = set()
    for path in SOURCE.rglob("*.py"):
        if "re." not in (text := path.read_text("utf-8")):
            continue
        tree = ast.parse(text)
        at_module = {
            id(inner)
            for node in tree.body
            if not isinstance(node, ast.FunctionDef | ast.ClassDef)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                assert node.module != "re", f"write `import re` in {path}"
            if not (isinstance(node, ast.Call) and _is_of_re(node.func)):
                continue
            is_held = node.func.attr == "compile" and id(node) in at_module
            if node.func.attr != "escape" and not is_held:
                (given, *_) = node.args
                is_plain = isinstance(given, ast.Constant)
                written = (
                    given.value if is_plain else ast.get_source_segment(text, given)
                )
                found.add(written)
    return found


def _is_of_re(func):
    is_member = isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name)
    return is_member and func.value.id == "re"


def seconds(use, text):
    """The least processor time of some tries."""
    tries = []
    for _ in range(7):
        begun = time.process_time()
        use(text)
        tries.append(time.process_time() - begun)
        if tries[-1] > 0.1:  # long enough to be measured once
            break
    return min(tries)


def growth(pattern, worst):
    """How much longer a text of four times the length takes, and one of twice."""
    use, begin, unit, end = worst
    found = []
    for times in (1, 2, 4):
        text = f"{begin}{unit * (times * LENGTH // len(unit))}{end}"
        found.append(seconds(getattr(pattern, use), text))
    least = max(found[0], 2e-6)  # below, the clock says nothing
    return found[2] / least, found[1] / least


def assert_linear(pattern, worst):
    """Measure up to three times, since other programs disturb a measurement."""
    for _ in range(3):
        four, two = growth(pattern, worst)
        if four < MOST and two < MOST / 2:
            break
    assert (four < MOST, two < MOST / 2) == (True, True), (four, two)


@pytest.mark.slow
def test_each_pattern_has_a_worst_case():
    unlisted = [
        sorted(names) for names in patterns().values() if not names & {*PATTERNS}
    ]

    assert unlisted == []
    assert {*PATTERNS} - set().union(*patterns().values()) == set()
    assert inline() == {*INLINE, *COMPUTED}


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern_takes_linear_time(name):
    (pattern,) = [found for found, names in patterns().items() if name in names]

    assert_linear(pattern, PATTERNS[name])


@pytest.mark.parametrize("written", INLINE)
def test_pattern_in_place_takes_linear_time(written):
    flags = re.MULTILINE if r"\n     +" in written else 0

    assert_linear(re.compile(written, flags), INLINE[written])


@pytest.mark.slow
def test_quadratic_pattern_is_seen():
    """So the measurement is worth something."""
    before = re.compile(r"(?<![A-Za-z0-9])sk[_-](?=[\w-]*[0-9A-Z])[\w-]{16,}")

    four, _ = growth(before, PATTERNS["flow64.redaction.KEY_SHAPES['a key']"])

    assert four > MOST


def test_title_that_was_slow_to_mask_is_masked_at_once():
    """A pull request with this title kept the comment job busy."""
    title = "sk_" * 8000

    assert redact_keys(title) == "***"
    assert redact_keys("sk_not_really_a_secret_word") == "sk_not_really_a_secret_word"
