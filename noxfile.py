"""The gates: one function each. `make check` runs them all, `nox -s lint` runs one."""

from __future__ import annotations

import ast
import difflib
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import nox
from sphinx.util.inventory import InventoryFile

# A gate runs the tools of the environment that nox itself runs in; only `tests` and
# `package` make more of them. No Python is ever downloaded.
nox.options.default_venv_backend = "none"
nox.options.sessions = [
    "lint",
    "side_by_side",
    "tests",
    "coverage",
    "laws",
    "news",
]
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

PINS = "requirements/dev.txt"
# What a test needs that is not slow.
TEST_PINS = "requirements/test.txt"
# The other HTTP library, which the tests of the service run with too.
HTTPX2_PINS = "requirements/httpx2.txt"
SERVICE_TESTS = [
    f"tests/{room}" for room in ("api", "client", "deploy", "runs", "survival")
]
MADE = Path(".nox")
# A file at a time: the examples of a page use the names of those before them.
WORKERS = ("-n", "auto", "--dist", "loadfile")
TOOLS = Path(sys.executable).parent
# For programs that look for `python` or `ruff` by themselves.
TOOLS_FIRST = {"PATH": os.pathsep.join([str(TOOLS), os.environ["PATH"]])}

# Every line and branch of these; of everything else, nine in ten.
WHOLLY_COVERED = ",".join(
    f"src/flow64/{room}"
    for room in (
        "analysis/*",
        "api/*",
        "blocks/*",
        "client/*",
        "compiler/*",
        "definition/*",
        "deploy/*",
        "diagnostics.py",
        "diff/*",
        "doctor/*",
        "dsl/*",
        "endpoints.py",
        "errors/*",
        "files.py",
        "plan/*",
        "project.py",
        "runs/*",
        "text.py",
        "workflow.py",
    )
)


@nox.session
def lint(session: nox.Session) -> None:
    """Format, rules, layers, spelling."""
    python(session, "ruff", "format", "--check")
    python(session, "ruff", "check")
    session.run(str(TOOLS / "lint-imports"))
    python(session, "codespell_lib")


@nox.session
def side_by_side(session: nox.Session) -> None:
    """The gates of one thread each, at the same time; their outputs in this order."""
    command = (sys.executable, "-m", "nox", "--session")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    gates = ("types", "docs", "package")
    running = {gate: subprocess.Popen([*command, gate], **pipes) for gate in gates}
    for process in running.values():
        sys.stderr.buffer.write(process.communicate()[0])
    if failed := [gate for gate in gates if running[gate].returncode]:
        session.error("failed: " + ", ".join(failed))


@nox.session
def types(session: nox.Session) -> None:
    """The package and its use as two type checkers see them; wrong use must fail."""
    complete = ("--verifytypes", "flow64", "--ignoreexternal")
    python(session, "mypy")
    python(session, "basedpyright", env=TOOLS_FIRST)
    python(session, "basedpyright", *complete, env=TOOLS_FIRST)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests on the oldest supported Python and the newest at hand.

    On this Python all of them run, and those that are not slow are measured. On the
    other one the slow tests are left out, and httpx2 sends the requests. If there is no
    other one, the tests of the service run once more with httpx2.
    """
    # `make check` has done it on this Python, with `make test`.
    is_tested = "IS_TESTED" in os.environ
    if not is_tested:
        python(session, "coverage", "erase")
    for version, interpreter in interpreters(session).items():
        if is_tested and interpreter == sys.executable:
            continue
        session.log(f"tests on Python {version}")
        environment = MADE / f"tests-{version}"
        runner = make_environment(session, environment, interpreter)
        is_this = interpreter == sys.executable
        uv_pip(session, "sync", PINS if is_this else TEST_PINS, runner=runner)
        if not is_this:
            uv_pip(session, "install", "--requirements", HTTPX2_PINS, runner=runner)
        uv_pip(session, "install", "--no-deps", "--editable", ".", runner=runner)
        measured = ("-m", "coverage", "run") if is_this else ()
        chosen = ("--hypothesis-profile=full",) if is_this else ("-m", "not slow")
        tested = (*measured, "-m", "pytest", *WORKERS, *chosen, *session.posargs)
        session.run(str(runner), *tested)
    if len(interpreters(session)) == 1:
        session.log("tests of the service with httpx2")
        runner = make_environment(session, MADE / "tests-httpx2", sys.executable)
        uv_pip(session, "sync", TEST_PINS, runner=runner)
        uv_pip(session, "install", "--requirements", HTTPX2_PINS, runner=runner)
        uv_pip(session, "install", "--no-deps", "--editable", ".", runner=runner)
        chosen = ("-m", "not slow", *SERVICE_TESTS)
        session.run(str(runner), "-m", "pytest", *WORKERS, *chosen)


@nox.session(requires=["tests"])
def coverage(session: nox.Session) -> None:
    """What the tests have run, and whether each of them could fail."""
    python(session, "coverage", "combine")
    wholly = (f"--include={WHOLLY_COVERED}", "--fail-under=100")
    mostly = (f"--omit={WHOLLY_COVERED}", "--fail-under=90")
    python(session, "coverage", "report", *wholly)
    python(session, "coverage", "report", *mostly)
    if harmless := list(tests_that_cannot_fail(Path("tests"))):
        session.error("these tests assert nothing:\n  " + "\n  ".join(harmless))


@nox.session
def laws(session: nox.Session) -> None:
    """The properties of tests/laws, with a larger budget than the tests give them."""
    budget = ("--hypothesis-profile=laws", "tests/laws")
    python(session, "pytest", *WORKERS, *budget, *session.posargs)


@nox.session
def golden(session: nox.Session) -> None:
    """Rewrite expected texts and files; never in CI, and the diff is reviewed."""
    if "CI" in os.environ:
        session.error("expected texts are reviewed by people, so CI rewrites none")
    session.run(sys.executable, "docs/_ext/from_code.py")
    rewrite = ("--inline-snapshot=create,fix", *session.posargs)
    # 1: a test whose text was rewritten is reported as failed, this once.
    python(session, "pytest", *rewrite, env=TOOLS_FIRST, success_codes=[0, 1])
    session.log("now read the diff, then run the tests")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation: references, local links, a page for every name, its looks."""
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    html, links = "docs/_build/html", "docs/_build/links"
    python(session, "sphinx", *strict, "--fresh-env", "docs", html)
    python(session, "sphinx", *strict, "--builder", "linkcheck", "docs", links)
    inventory = InventoryFile.loads(Path(html, "objects.inv").read_bytes(), uri="")
    documented = {name for names in inventory.data.values() for name in names}
    if missing := sorted(public_names() - documented):
        session.error("no page describes these:\n  " + "\n  ".join(missing))
    api = re.sub(r"<[^>]*>", "", Path(html, "api.html").read_text("utf-8"))
    # A private module, or a signature that Sphinx could not parse.
    if leaks := sorted({*re.findall(r"flow64\.[\w.]*\b_\w+|&lt;function|~\w+\.", api)}):
        session.error("the page of public names shows these:\n  " + "\n  ".join(leaks))
    session.run(sys.executable, "docs/_ext/look.py", html)
    session.log(f"read it from {html}/index.html")


@nox.session
def news(session: nox.Session) -> None:
    """The changelog of the next release, and a fragment for what users can see."""
    python(session, "towncrier", "build", "--draft", "--version", "next")
    if base := changed_without_fragment(session):
        session.error(
            f"src/ changed since {base:.9} and changelog.d/ did not. Tell users in\n"
            "changelog.d/+WORD.KIND.md (KIND: added, changed, deprecated, removed,\n"
            "fixed, security); or say `News: none` in a commit if they see none of it"
        )


@nox.session
def package(session: nox.Session) -> None:
    """The wheel, installed where nothing else is, and what its examples print."""
    place = (MADE / "package").absolute()
    shutil.rmtree(place, ignore_errors=True)
    pinned = {"UV_CONSTRAINT": str(Path(PINS).absolute())}
    python(session, "build", "--installer=uv", "--outdir", str(place), env=pinned)
    (wheel,) = place.glob("*.whl")
    # The demo has no expected text: it talks to an emulator, which is an extra.
    others = shutil.ignore_patterns("demo.py", "__pycache__")
    shutil.copytree("examples", place / "examples", ignore=others)
    # With the versions that everything else is tested with, then with the oldest that
    # the package says it takes.
    for name, versions in {
        "pinned": ["--constraints", PINS],
        "oldest": ["--resolution", "lowest-direct"],
    }.items():
        session.log(f"the wheel on the {name} versions of what it needs")
        runner = make_environment(session, place / name, sys.executable)
        uv_pip(session, "install", *versions, str(wheel), runner=runner)
        run_examples(session, runner, place / "examples")
    check_typed(session, runner, place)


def python(session: nox.Session, module: str, *args: str, **options: Any) -> None:
    session.run(sys.executable, "-m", module, *args, **options)


def uv_pip(session: nox.Session, command: str, *args: str, runner: Path) -> None:
    where = ("--quiet", "--python", str(runner))
    python(session, "uv", "pip", command, *where, *args)


def make_environment(session: nox.Session, place: Path, interpreter: str) -> Path:
    runner = place / "bin" / "python"
    if not runner.exists():  # also where it leads to a Python that is gone
        choice = ("--python", interpreter, "--no-project", "--clear")
        python(session, "uv", "venv", "--quiet", *choice, str(place))
    return runner


def interpreters(session: nox.Session) -> dict[str, str]:
    """The oldest supported Python and the newest, of those that this machine has."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    lines = "\n".join(project["classifiers"])
    supported = [int(minor) for minor in re.findall(r":: Python :: 3\.(\d+)", lines)]
    oldest = min(supported)
    found = {sys.version_info.minor: sys.executable}
    for minor in supported:
        wanted = ("--system", "--no-project", f"3.{minor}")
        if path := output(sys.executable, "-m", "uv", "python", "find", *wanted):
            found.setdefault(minor, path)
    if min(found) != oldest:
        session.warn(f"Python 3.{oldest} is not on this machine: not tested")
    if len(found) == 1:
        session.warn(f"only one Python is on this machine: 3.{min(found)}")
    return {f"3.{minor}": found[minor] for minor in sorted({min(found), max(found)})}


def output(*command: str) -> str | None:
    """What a command says; nothing where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def tests_that_cannot_fail(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    is_test = name.startswith("test")
                    if is_test and not any(map(can_fail, ast.walk(node))):
                        yield f"{path}:{node.lineno}: {name}"


def can_fail(node: ast.AST) -> bool:
    match node:
        case ast.Assert(test=test):
            return not isinstance(test, ast.Constant)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name.startswith("assert_") or name in {"fail", "raises", "warns"}
    return False


def public_names() -> set[str]:
    doors = (
        "flow64",
        "flow64.blocks",
        "flow64.emulator",
        "flow64.environments",
        "flow64.manifest",
        "flow64.render.review",
        "flow64.client",
        "flow64.deploy",
        "flow64.plan",
        "flow64.testing",
        "flow64.webhooks",
    )
    named = {
        f"{door}.{name}": getattr(importlib.import_module(door), name)
        for door in doors
        for name in importlib.import_module(door).__all__
        if not name.startswith("__")
    }
    # What is behind two doors has its page under the name at the front one.
    return {
        path
        for path, thing in named.items()
        if path.count(".") == 1
        or named.get(f"flow64.{path.rpartition('.')[2]}") is not thing
    }


def changed_without_fragment(session: nox.Session) -> str | None:
    """The commit since which src/ changed with no word of it, if that is so."""
    base = output("git", "merge-base", "HEAD", "origin/main")
    if base is None:
        session.log("no origin/main here, so no change to look for fragments of")
        return None
    changed = output("git", "diff", "--name-only", base, "HEAD") or ""
    folders = {name.split("/")[0] for name in changed.splitlines()}
    messages = output("git", "log", "--format=%B", f"{base}..HEAD") or ""
    is_told = "changelog.d" in folders or "News: none" in messages.splitlines()
    return base if "src" in folders and not is_told else None


def run_examples(session: nox.Session, runner: Path, examples: Path) -> None:
    """Each prints what is in the file beside it."""
    programs = {path.stem for path in examples.glob("*.py")}
    expected = {path.stem for path in examples.glob("*.json")}
    if not programs or programs != expected:
        session.error(f"without its pair in examples/: {programs ^ expected or 'all'}")
    for name in sorted(programs):
        # -I: neither this folder nor a variable of the caller takes part.
        command = (str(runner), "-I", f"{name}.py")
        done = subprocess.run(
            command, cwd=examples, capture_output=True, text=True, check=False
        )
        wanted = (examples / f"{name}.json").read_text("utf-8").splitlines()
        printed = done.stdout.rstrip("\n").splitlines()
        if done.returncode != 0 or done.stderr or printed != wanted:
            sides = (f"examples/{name}.json", f"printed by {name}.py")
            diff = difflib.unified_diff(wanted, printed, *sides, lineterm="", n=1)
            session.error("\n".join([*islice(diff, 40), done.stderr]))
    session.log(f"{len(programs)} examples print what they should")


def check_typed(session: nox.Session, runner: Path, place: Path) -> None:
    """The installed wheel is typed, and the examples use it as its types say."""
    strict = ("--strict", "--config-file=", f"--python-executable={runner}")
    examples = [str(path) for path in (place / "examples").glob("*.py")]
    python(session, "mypy", *strict, f"--cache-dir={place / 'mypy'}", *examples)
