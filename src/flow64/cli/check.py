"""`flow64 check`: list errors, warnings and notes of workflows."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from attrs import evolve

from ..analysis.check import RuleSetting
from ..analysis.live import LiveCatalogue
from ..analysis.reference import all_pages, describe_wrong_rule, explain_finding
from ..diagnostics import Finding, as_text, summary
from ..loading import Selection
from ..text import did_you_mean, join_first, pluralize, printable, shortened
from . import _params as params
from ._colours import paint_findings, paint_heading, paint_label
from ._exit_codes import FAILED
from ._terminal import (
    find_width,
    format_json,
    print_json,
    print_line,
    print_lines,
    print_message,
    print_text,
)

MOST: Final = 3
"""How many workflows with the same findings are named. JSON names all."""

FORMS: Final = ("text", "json", "github", "sarif")

WIDTH: Final = 80
"""The most columns of prose, also on a wider terminal."""


@params.command(
    "check",
    "flow64 check pipelines/leads.py",
    "flow64 check pipelines/leads.py:inbound --json",
    "flow64 check --strict --error late-filter",
    "flow64 check compiled --no-code --format github",
    "flow64 check --explain late-filter",
)
@params.source
@params.selection
@params.ids_env
@params.values
@params.saved_blocks(
    "A saved answer of `GET /workflows/blocks`, to check fields with.", "blocks"
)
@params.strict("Exit with 1 for warnings too.")
@click.option(
    "--error",
    "codes",
    multiple=True,
    metavar="CODE",
    help="Make this finding an error, whatever [tool.flow64.rules] says; repeatable.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMS),
    help="Output format. `github` marks the lines of a pull request, `sarif` is SARIF "
    "2.1.0.",
)
@click.option(
    "--explain",
    "code",
    metavar="CODE",
    help="Explain this finding, and check nothing.",
)
@params.no_code
@params.as_json
def command(
    *,
    source: str | None,
    selection: Selection,
    env: str | None,
    values: Path | None,
    blocks: Path | None,
    strict: bool,
    codes: Sequence[str],
    form: str | None,
    code: str | None,
    no_code: bool,
    as_json: bool,
) -> int:
    """List errors, warnings and notes of workflows. Nothing is sent, or only reads.

    SOURCE is a file, folder, module or key, or ENV:KEY for what is live; by default
    the project's code.
    Exits with 1 if there is an error, but not for warnings and notes. A module or file
    that cannot be loaded is an error, and all others are still checked.
    [tool.flow64.rules] gives findings other severities, or leaves them out.
    """
    if code is not None:
        return _explain(code)
    if as_json and form not in (None, "json"):
        raise params.option_error(
            "--format", f"{form!r} contradicts --json; leave one of them out"
        )
    _require_codes(codes)
    given = params.read_values(values)
    live = None if blocks is None else LiveCatalogue.read(blocks)
    address = None
    if source is not None:
        address = params.find_address(source, env)
    loaded = params.load_source(
        address,
        env,
        selection=selection,
        code=not no_code,
        may_be_empty=True,
        lenient=True,
    )
    rules: dict[str, RuleSetting] = dict.fromkeys(codes, "error")
    found: list[tuple[str | None, Finding]] = [(None, one) for one in loaded.findings]
    for one in loaded.workflows:
        checked = one.workflow.with_rules(rules).check(env, given, blocks=live)
        found += [(one.name, finding) for finding in checked]
    everything = [finding for _, finding in found]
    number = len(loaded.workflows)
    merged = _merge_equal(found, name_all=number > 1)
    if as_json or form == "json":
        listed = [{"key": name, **finding.as_data()} for name, finding in found]
        print_json({"findings": listed})
    elif form in (None, "text"):
        _print_findings(merged)
        is_clear = number == 1 or (everything and not number)
        count = "" if is_clear else f"{pluralize(number, 'workflow')}: "
        print_message(f"{count}{summary(everything)}{_advise(everything)}")
    else:
        _print_report(form, [_put_names_first(*each) for each in merged])
        print_message(summary(everything))
    return FAILED if has_failures(everything, strict=strict) else 0


def _explain(code: str) -> int:
    """Print the page of a finding.

    Raises:
        click.UsageError: No finding has this code.
    """
    if code not in all_pages():
        near = did_you_mean(code, all_pages())
        problem = f"{shortened(code)} is not the code of a finding{near}"
        raise params.option_error("--explain", problem)
    width = min(find_width(sys.stdout) or WIDTH, WIDTH)
    print_lines(explain_finding(code, width), paint_label)
    return 0


def _advise(found: Sequence[Finding]) -> str:
    """Return the command that explains the worst finding, if at a terminal."""
    worst = [
        one.code
        for severity in ("error", "warning")
        for one in found
        if one.severity == severity
    ]
    if not worst or find_width(sys.stderr) is None:
        return ""
    return f"; more about one: flow64 check --explain {worst[0]}"


def has_failures(found: Sequence[Finding], *, strict: bool) -> bool:
    """Return True if there is an error, or with `--strict` a warning."""
    failing = {"error", "warning"} if strict else {"error"}
    return any(one.severity in failing for one in found)


def _require_codes(codes: Sequence[str]) -> None:
    """Refuse a code that no finding has: it may be misspelled.

    Raises:
        click.UsageError: A code is unknown.
    """
    for code in codes:
        if problem := describe_wrong_rule(code, "error"):
            raise params.option_error("--error", f"{shortened(code)} {problem}")


def _print_report(form: str | None, found: Sequence[Finding]) -> None:
    """Print findings for a forge or an editor."""
    from ..report.annotations import as_annotations  # noqa: PLC0415 - loads the rules' pages
    from ..report.sarif import as_sarif  # noqa: PLC0415 - as above

    root = _find_root(Path.cwd())
    if form == "sarif":
        print_text(format_json(as_sarif(found, root=root)))
        return
    for line in as_annotations(found, root=root):
        print_line(line)


def _find_root(folder: Path) -> Path:
    """Return the folder of the repository; without one, the folder itself."""
    places = (folder, *folder.parents)
    return next((one for one in places if (one / ".git").exists()), folder)


def _merge_equal(
    found: Sequence[tuple[str | None, Finding]], *, name_all: bool
) -> Sequence[tuple[Sequence[str], Finding]]:
    """Return each finding once, with the names of its workflows.

    Those of variants differ only in ids, which their text does not have.

    Args:
        found: Each finding, with the name of its workflow; None if it has none.
        name_all: Whether to name the workflows; if not, there is only one.
    """
    merged: dict[str, tuple[list[str], Finding]] = {}
    for name, finding in found:
        names, _ = merged.setdefault(as_text([finding]), ([], finding))
        if name_all and name is not None and name not in names:
            names.append(name)
    return [*merged.values()]


def _print_findings(merged: Sequence[tuple[Sequence[str], Finding]]) -> None:
    """Print findings, with those of the same workflows below their names."""
    groups: dict[tuple[str, ...], list[Finding]] = {}
    for names, finding in merged:
        groups.setdefault(tuple(names), []).append(finding)
    for names, findings in groups.items():
        if names:
            print_lines([f"{_join_names(names)}:"], paint_heading)
        text = as_text(findings, find_width(sys.stdout))
        print_lines(text.splitlines(), paint_findings)


def _put_names_first(names: Sequence[str], finding: Finding) -> Finding:
    if not names:
        return finding
    return evolve(finding, message=f"{_join_names(names)}: {finding.message}")


def _join_names(names: Sequence[str]) -> str:
    shown = join_first(names, MOST, printable)
    return shown if len(names) == 1 else f"{len(names)} workflows ({shown})"
