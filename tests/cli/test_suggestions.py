"""Suggestions: a mistyped word never leads to what deletes, overwrites or spends."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from flow64.analysis import all_pages
from flow64.cli import COMMANDS, TOPICS, group
from flow64.cli._suggestions import (
    COMMAND_SYNONYMS,
    RISKY_COMMANDS,
    RISKY_OPTIONS,
)

pytestmark = pytest.mark.unmeasured

HARMLESS = {
    "--accept-any-token",
    "--error",
    "--allow-name",
    "--allow-unproven",
    "--from",
    "--max-bytes",
    "--changed", "--ci", "--exclude", "--select", "--standalone",
    "--against", "--all", "--allow-host", "--api-keys", "--at", "--base", "--block",
    "--blocks", "--check", "--check-columns", "--classes", "--color",
    "--debug", "--dry-run",
    "--env", "--every", "--exit-code", "--fixtures", "--format", "--gives", "--head",
    "--help", "--host", "--intent", "--json", "--limit", "--manifest",
    "--max-cost", "--max-rows",
    "--namespace", "--no-code", "--no-wait", "--oauth-client", "--output",
    "--parallel", "--plan", "--port", "--processes", "--project", "--quiet",
    "--report", "--role",
    "--safe-csv", "--seed", "--speed", "--status", "--store", "--strict", "--switch",
    "--takes", "--timeout", "--values", "--verbose", "--version", "--wait",
}  # fmt: skip
"""Options by which no more is deleted, overwritten or bought than without them."""

LETTERS = "aeot"


def options_of(command):
    names = {name for one in command.params for name in one.opts + one.secondary_opts}
    return {name for name in names if name.startswith("--")} | {"--help"}


def command_of(name):
    return group.get_command(click.Context(group), name)


def near(word):
    """Words one slip away from a word: a letter less, more, other, or moved."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    slips = {head + tail[1:] for head, tail in cuts}
    slips |= {head + tail[1:2] + tail[:1] + tail[2:] for head, tail in cuts}
    slips |= {head + letter + tail[1:] for head, tail in cuts for letter in LETTERS}
    slips |= {head + letter + tail for head, tail in cuts for letter in LETTERS}
    return slips


def suggested(told):
    return set(re.findall(r"'([^']*)'", told.partition("did you mean")[2]))


ALL = {option for name in COMMANDS for option in options_of(command_of(name))}


def test_every_option_is_judged():
    """Each option is known to be risky or harmless, and none is both."""
    assert ALL | options_of(group) == RISKY_OPTIONS | HARMLESS
    assert set() == RISKY_OPTIONS & HARMLESS
    assert set(COMMANDS) >= RISKY_COMMANDS


@pytest.mark.parametrize("name", COMMANDS)
def test_no_slip_leads_to_a_risky_option(name, flow64):
    """No slip of a risky option is answered with a risky one."""
    mine = options_of(command_of(name))
    words = {f"--{slip}" for one in RISKY_OPTIONS & mine for slip in near(one[2:])}
    words |= {*RISKY_OPTIONS, "--target", "--no-color", "--dryrun", "--yse", "--prun"}

    answers = [flow64(name, word) for word in sorted(words - mine - {"--"})]

    assert {code for code, *_ in answers} == {64}
    assert set().union(*(suggested(told) for *_, told in answers)) <= HARMLESS


@pytest.mark.parametrize("name", sorted(RISKY_COMMANDS))
def test_no_slip_leads_to_a_risky_command(name, flow64):
    """No slip of a risky command is answered with a risky one."""
    words = {*near(name), "rn"} - {*COMMANDS, ""}

    answers = [flow64(word) for word in sorted(words)]

    assert {code for code, *_ in answers} == {64}
    assert set() == RISKY_COMMANDS & set().union(*(suggested(t) for *_, t in answers))


def test_command_of_another_tool(flow64):
    """A command that other tools have is answered with what does it here."""
    advice = "flow64 deploy shows a plan, asks, and applies it"
    problem = f"error: there is no command 'apply'; {advice} (see flow64 --help)\n"

    assert flow64("apply") == (64, "", problem)


@pytest.mark.parametrize("word", COMMAND_SYNONYMS)
def test_each_synonym(word, flow64):
    """Its advice is given in place of a guess, and by the help too."""
    advice = COMMAND_SYNONYMS[word]

    assert f"there is no command {word!r}; {advice} (see" in flow64(word)[2]
    assert advice in flow64("help", word)[2]


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        (
            "run rows.csv leads",
            "is not a workflow: write flow64 run leads rows.csv (see",
        ),
        ("run list", "'list'; flow64 runs lists the newest runs (see"),
        ("run view x", "; flow64 results saves the files of a run (see"),
        ("run watch x", "; flow64 watch follows a run (see"),
    ],
)
def test_other_forms_of_run(line, advice, leads, flow64):
    """Arguments in the other order, and subcommands of other tools."""
    Path("rows.csv").write_text("email\n", "utf-8")

    code, printed, told = flow64(*line.split())

    assert (code, printed, advice in told) == (64, "", True)


def test_advice_names_what_there_is():
    """No synonym is a command, and each command and topic in the advice exists."""
    assert COMMAND_SYNONYMS.keys().isdisjoint({*COMMANDS, *TOPICS, *all_pages()})
    advice = " ".join(COMMAND_SYNONYMS.values())
    assert set(re.findall("flow64 help ([a-z]+) says more", advice)) <= {*TOPICS}
    named = set(re.findall("flow64 ([a-z]+)", advice)) - {"formats", "as", "installs"}
    assert named <= {*COMMANDS}


OPTIONS_OF_OTHERS = [
    ("plan --target=a/b", "'--target'; write flow64 plan a/b, or use --select (see"),
    ("plan --target a/b", "'--target'; write flow64 plan a/b, or use --select (see"),
    ("deploy -target=a", "'-target'; write flow64 deploy a, or use --select (see"),
    ("diff --target", "'--target'"),
    ("runs -L 3", "'-L'; write --limit N"),
    ("list --limit 3", "'--limit'; list prints all of them: flow64 list | head -n 20"),
    ("run x --watch", "'--watch'; run follows it by itself, unless --no-wait"),
    ("completion -s bash", "'-s'; SHELL is an argument: flow64 completion bash"),
    ("plan -var a=1", "'-var'; write --values FILE, which is a JSON object"),
    ("plan -var-file=a", "'-var-file'; write --values FILE, which is a JSON object"),
    ("plan -destroy", "'-destroy'; take the workflow out of the code, and add --prune"),
    ("check --output-format json", "'--output-format'; write --format json (see"),
    ("plan --output-format json", "'--output-format'; write --json"),
    (
        "check --ignore late-filter",
        "'--ignore'; write it under [tool.flow64.rules] of pyproject.toml: CODE = ",
    ),
    (
        "check --explain late-filter",
        "'--explain'; write flow64 help late-filter (see",
    ),
    ("check -m leads", "'-m'; write --select leads (see"),
    ("graph -t svg", "'-t'; write --format svg (see"),
    ("check --exit-zero", "'--exit-zero'; check exits with 1 for errors only (see"),
    ("init --upgrade", "'--upgrade'; init makes new projects only (see"),
    ("run x --select y", "'--select'; run takes one workflow: name it as SOURCE"),
    ("run x --limit 3", "'--limit'; --max-rows N refuses more rows, and does not cut"),
    ("run x --rows a.csv", "'--rows'; ROWS is an argument: flow64 run leads rows.csv"),
    ("run x -f a.csv", "'-f'; ROWS is an argument: flow64 run leads rows.csv"),
    ("plan --enviroment prod", "'--enviroment' (did you mean '--env'?)"),
    ("plan --environment prod", "'--environment' (did you mean '--env'?)"),
    ("deploy -auto-approve", "'-auto-approve'; with --yes nothing is asked"),
    ("check --fix", "'--fix'; check changes no code"),
    ("list -o json", "'-o'; write --json, and > FILE to save it"),
    ("plan -detailed-exitcode", "'-detailed-exitcode'; write --exit-code"),
    ("plan -C there", "'-C'; cd to the folder first"),
    ("-C there plan", "'-C'; cd to the folder first"),
    ("plan --dry-run", "'--dry-run'; plan only reads: leave it out"),
    ("plan --format sarif", "'--format'; write --json; flow64 review writes the plan"),
    ("plan -quite", "'-quite' (did you mean '--quiet'?)"),
    ("serve -p 6717", "'-p'; write --port N"),
    ("plan --no-color", "'--no-color'; write --color never"),
    ("-e prod plan", "'-e'; write it after the command"),
    ("plan -json", "'-json'; write --json"),
    ("deploy --dry-rnu", "'--dry-rnu' (did you mean '--dry-run'?)"),
    ("run --wait-no", "'--wait-no' (did you mean '--wait'?)"),
    ("--verbos", "'--verbos' (did you mean '--verbose'?)"),
    ("plan -xsk_test_1", "'-x' (see"),
]


@pytest.mark.parametrize(("line", "problem"), OPTIONS_OF_OTHERS)
def test_unknown_option(line, problem, flow64):
    """An option of another tool is answered with what does it here, a slip with it."""
    code, printed, told = flow64(*line.split())

    assert (code, printed) == (64, "")
    assert told.startswith(f"error: there is no option {problem}")


SLIPS = [
    ("depoly", "deploy"),  # codespell:ignore
    ("plna", "plan"),
    ("dfif", "diff"),
    ("revieww", "review"),
    ("docto", "doctor"),
    ("histry", "history"),  # codespell:ignore
    ("DIFF", "diff"),
    ("adresses", "help addresses"),  # codespell:ignore
]


@pytest.mark.parametrize(("word", "meant"), SLIPS)
def test_slip_of_a_command(word, meant, flow64):
    """A letter less, more or other, or two that changed places, is one slip."""
    told = flow64(word)[2]

    assert told.startswith(
        f"error: there is no command {word!r} (did you mean {meant!r}?)"
    )


@pytest.mark.parametrize("word", ["x", "docks", "frobnicate", "a" * 300])
def test_no_suggestion(word, flow64):
    """A word that is like no command is answered without a guess."""
    told = flow64(word)[2]

    assert "there is no command" in told
    assert "did you mean" not in told


WRONG_USES = [
    (
        "diff",
        "A is missing: diff takes two addresses, as in: flow64 diff leads prod:leads",
    ),
    (
        "diff x",
        "B is missing: diff takes two addresses, as in: flow64 diff leads prod:",
    ),
    ("diff HEAD~1", "B is missing; for a git revision, write git worktree add "),
    (
        "run",
        "SOURCE is missing: run takes one workflow, as in: flow64 run leads rows.csv",
    ),
    ("completion", "SHELL is missing: write one of bash, zsh, fish"),
    ("watch", "RUN_ID is missing; flow64 runs lists the newest runs (see"),
    ("cancel", "RUN_ID is missing; flow64 runs lists the newest runs (see"),
    ("results", "RUN_ID is missing; flow64 runs lists the newest runs (see"),
    ("restore", "KEY is missing; flow64 history lists what can be restored (see"),
    ("same staging", "OTHER_ENV is missing: same takes two environments, as in: flow"),
    ("deploy --plan", "option '--plan' needs a value (see flow64 deploy --help)"),
    (
        "pull",
        "--output: it is missing: name the folder to save it in, as in -o live (see",
    ),
    (
        "run x --values none.json",
        "--values: file 'none.json' does not exist (see flow64 run --help)",
    ),
    ("plan --env", "option '--env' needs a value (see flow64 plan --help)"),
    ("blocks sync --blocks", "there is no option '--blocks'"),
    ("plan --json=3", "option '--json' does not take a value (see flow64 plan --help)"),
    ("deploy --parallel 99", "--parallel: 99 is not in the range from 1 to 32 (see"),
    ("serve 6717", "serve has no use for '6717'; write --port 6717 (see flow64 serve"),
    (
        "list leads",
        "list has no use for 'leads': it takes options only (see flow64 list",
    ),
    (
        "check a b",
        "check has no use for 'b'; name one address, such as a folder, or use",
    ),
    (
        "review old new",
        "review has no use for 'new'; to compare two folders, write --base OLD --head ",
    ),
    (
        "diff a.py b.py leads",
        "diff has no use for 'leads': a key follows a colon, so write b.py:leads (see ",
    ),
    (
        "review --format sarif",
        "--format: 'sarif' is not one of 'markdown', 'text', 'json', 'html'; flow64 ch",
    ),
    (
        "check --format junit",
        "--format: 'junit' is not one of 'text', 'json', 'github', 'gitlab', 'sarif' (",
    ),
    ("plan -out=plan.bin", "--output: write -o plan.bin (see flow64 plan --help)"),
    ("plan -out plan.bin", "--output: write -o plan.bin (see flow64 plan --help)"),
    ("plan leads -out", "--output: write -o FILE (see flow64 plan --help)"),
    ("run x -output=a.csv", "--output: write -o a.csv (see flow64 run --help)"),
    ("review -output=a.md", "--output: write -o a.md (see flow64 review --help)"),
]


@pytest.mark.parametrize(("line", "problem"), WRONG_USES)
def test_wrong_use(line, problem, flow64, tmp_path, monkeypatch):
    """A wrong use is told in our words, with the help of the command."""
    monkeypatch.chdir(tmp_path)

    code, printed, told = flow64(*line.split())

    assert (code, printed) == (64, "")
    assert told.startswith(f"error: {problem}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "line", ["review HEAD~1", "review --base HEAD --head .", "diff main HEAD"]
)
def test_revision(line, flow64, tmp_path, monkeypatch):
    """A revision of git is not an address. The error says how to compare with one."""
    monkeypatch.chdir(tmp_path)

    code, _, told = flow64(*line.split())

    assert code == 64
    assert "for a git revision, write git worktree add ../before" in told
    assert "flow64 review --base ../before/compiled --head compiled" in told


def test_saved_plan_as_source(service, leads, flow64):
    """A saved plan that is given as SOURCE: it is told how to apply it."""
    assert flow64("plan", "leads.py", "-o", "my plan.json")[0] == 0
    before = len(service.requests)

    code, _, told = flow64("deploy", "my plan.json", "--yes")

    advice = "my plan.json is a saved plan: flow64 deploy --plan 'my plan.json'"
    assert (code, told) == (64, f"error: {advice} (see flow64 deploy --help)\n")
    assert len(service.requests) == before
