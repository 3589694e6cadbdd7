"""The gates: one function each. `make check` runs them all, `nox -s lint` runs one."""

from __future__ import annotations

import ast
import difflib
import importlib
import os
import re
import shlex
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

# A gate runs the tools of the environment that nox itself runs in; only `laws`,
# `service` and `package` make more of them. No Python is ever downloaded.
nox.options.default_venv_backend = "none"
nox.options.sessions = [
    "lint",
    "tests",
    "side_by_side",
    "coverage",
    "service",
    "news",
]
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

PINS = "requirements/dev.txt"
# What a test needs that is not slow.
TEST_PINS = "requirements/test.txt"
# The other HTTP library, which the tests of the service run with too.
HTTPX2_PINS = "requirements/httpx2.txt"
SERVICE_TESTS = [f"tests/{room}" for room in ("api", "client", "survival")]
# A budget larger than that of `make test`; the laws have their own gate.
FULL = ("--hypothesis-profile=full", "--ignore", "tests/laws")
MADE = Path(".nox")
# Files with few and long tests come last, so workers that are idle share them.
SHARING = ("-n", "auto", "--dist", "worksteal")
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
    """The slow tests, and others in the time that these wait; outputs in this order."""
    command = (sys.executable, "-m", "nox", "--session")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    running = {"slow": subprocess.Popen([*command, "slow"], **pipes)}
    for gate in ("laws", "types", "docs", "package"):
        running[gate] = subprocess.Popen(["nice", *command, gate], **pipes)
    for process in running.values():
        sys.stderr.buffer.write(process.communicate()[0])
    if failed := [gate for gate, process in running.items() if process.returncode]:
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
    """`make test` with coverage and more examples, except what is not measured."""
    measured = "not slow and not unmeasured"
    chosen = shlex.join(["-m", measured, *FULL, *session.posargs])
    python(session, "coverage", "erase")
    compile_tests()
    session.run(
        "make", "test", "COSTS=", "MEASURED=-m coverage run", f"CHOSEN={chosen}"
    )


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that need a browser, type checkers, killed processes or long waits.

    They run without coverage, and so do those marked `unmeasured`: the others run all
    lines that have to be run.
    """
    files = [
        str(path)
        for path in Path("tests").rglob("test_*.py")
        if is_marked(path) and path.parent.name != "laws"  # they have their own gate
    ]
    chosen = ("-m", "slow or unmeasured", *FULL)
    python(session, "pytest", *SHARING, *chosen, *files, *session.posargs)


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
    on_newest_python(session, "--hypothesis-profile=laws", "tests/laws")


@nox.session
def service(session: nox.Session) -> None:
    """The tests of the service with another HTTP library, httpx2."""
    on_newest_python(session, "-m", "not slow", *SERVICE_TESTS)


@nox.session
def golden(session: nox.Session) -> None:
    """Rewrite expected texts and files; never in CI, and the diff is reviewed."""
    if "CI" in os.environ:
        session.error("expected texts are reviewed by people, so CI rewrites none")
    for made in ("docs/_ext/from_code.py", "tests/test_public_api.py"):
        session.run(sys.executable, made)
    rewrite = ("--inline-snapshot=create,fix", *session.posargs)
    # 1: a test fails or has an error, this once, if its text was rewritten.
    python(session, "pytest", *rewrite, env=TOOLS_FIRST, success_codes=[0, 1])
    session.log("the tests that failed are run again, with their new texts")
    again = ("--last-failed", "--last-failed-no-failures=none", *session.posargs)
    # 5: none failed.
    python(session, "pytest", *again, env=TOOLS_FIRST, success_codes=[0, 5])
    session.log("now read the diff like code")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation: references, local links, a page for every name, its looks."""
    trees = "--doctree-dir=docs/_build/doctrees"  # what is read once serves twice
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", trees)
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


def on_newest_python(session: nox.Session, *chosen: str) -> None:
    """Run tests on the newest Python at hand, with httpx2."""
    version, interpreter = newest_python(session)
    session.log(f"on Python {version}, with httpx2")
    runner = make_environment(session, MADE / f"newest-{version}", interpreter)
    uv_pip(session, "sync", TEST_PINS, HTTPX2_PINS, runner=runner)
    uv_pip(session, "install", "--no-deps", "--editable", ".", runner=runner)
    session.run(str(runner), "-m", "pytest", *SHARING, *chosen, *session.posargs)


def make_environment(session: nox.Session, place: Path, interpreter: str) -> Path:
    runner = place / "bin" / "python"
    if not runner.exists():  # also where it leads to a Python that is gone
        choice = ("--python", interpreter, "--no-project", "--clear")
        python(session, "uv", "venv", "--quiet", *choice, str(place))
    return runner


def newest_python(session: nox.Session) -> tuple[str, str]:
    """The newest supported Python that this machine has; warn if it is the only one."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    lines = "\n".join(project["classifiers"])
    supported = [int(minor) for minor in re.findall(r":: Python :: 3\.(\d+)", lines)]
    found = {sys.version_info.minor: sys.executable}
    for minor in supported:
        wanted = ("--system", "--no-project", f"3.{minor}")
        if path := output(sys.executable, "-m", "uv", "python", "find", *wanted):
            found.setdefault(minor, path)
    if sys.version_info.minor != min(supported):
        session.warn(f"this Python is not 3.{min(supported)}, which is not tested")
    if len(found) == 1:
        session.warn(f"only one Python is on this machine: 3.{min(found)}")
    return f"3.{max(found)}", found[max(found)]


def output(*command: str) -> str | None:
    """What a command says; nothing where it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def compile_tests() -> None:
    """Compile the tests of a new clone, half of them on a core; else each worker would.

    pytest compiles them in its own way, so that an `assert` says what it compared.
    """
    if any(Path("tests").rglob("*-pytest-*.pyc")):
        return
    files = sorted(map(str, Path("tests").rglob("test_*.py")))
    collect = (sys.executable, "-m", "pytest", "--collect-only", "--quiet")
    running = [
        subprocess.Popen([*collect, *half], stdout=subprocess.DEVNULL)
        for half in (files[::2], files[1::2])
    ]
    for process in running:
        process.wait()  # what cannot be imported fails when the tests run


def is_marked(path: Path) -> bool:
    """Whether `slow` runs tests of a file; reading all of them takes pytest long."""
    return re.search(r"mark\.(slow|unmeasured)", path.read_text("utf-8")) is not None


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
