"""The gates: one function each. `make check` runs them all, `nox -s lint` runs one."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nox

# A gate runs the tools of the environment of nox. No Python is ever downloaded.
nox.options.default_venv_backend = "none"
nox.options.sessions = ["lint", "tests", "coverage", "side_by_side"]
os.environ["UV_PYTHON_DOWNLOADS"] = "never"

PINS = "requirements/dev.txt"
# Calls that fail a test, beside `assert`.
CHECKS = {"fail", "raises", "run_state_machine_as_test", "validate", "warns"}
# More examples than `make test` takes; the laws have their own gate.
FULL = ("--hypothesis-profile=full", "--ignore", "tests/laws")
MERMAID = "mermaid@11.17.2"
SHARING = ("-n", "auto", "--dist", "worksteal")
# What compares texts that `make golden` writes.
TEXTS = ("README.md", "docs", "tests/report", "tests/test_examples.py")
TOOLS = Path(sys.executable).parent
TOOLS_FIRST = {"PATH": os.pathsep.join([str(TOOLS), os.environ["PATH"]])}


@nox.session
def lint(session: nox.Session) -> None:
    """Format, rules, layers, spelling; and whether each test could fail."""
    python(session, "ruff", "format", "--check")
    python(session, "ruff", "check")
    session.run(str(TOOLS / "lint-imports"))
    python(session, "codespell_lib")
    if harmless := list(tests_that_cannot_fail(Path("tests"))):
        session.error("these tests assert nothing:\n  " + "\n  ".join(harmless))


@nox.session
def types(session: nox.Session) -> None:
    """The package and its use as two type checkers see them; wrong use must fail."""
    complete = ("--verifytypes", "flow64", "--ignoreexternal")
    python(session, "mypy")
    python(session, "basedpyright", env=TOOLS_FIRST)
    python(session, "basedpyright", *complete, env=TOOLS_FIRST)


@nox.session
def tests(session: nox.Session) -> None:
    """The tests that are not slow, with coverage and more examples than `make test`."""
    python(session, "coverage", "erase")
    chosen = ("-n", "auto", "-m", "not slow", *FULL, *session.posargs)
    python(session, "coverage", "run", "-m", "pytest", *chosen)


@nox.session(requires=["tests"])
def coverage(session: nox.Session) -> None:
    """Nine in ten lines. Laws and fault servers hold what must not break."""
    python(session, "coverage", "combine", "--quiet")
    python(session, "coverage", "report", "--fail-under=90", "--format=total")


@nox.session
def side_by_side(session: nox.Session) -> None:
    """The gates that leave a core idle, at once; their outputs in this order."""
    command = (sys.executable, "-m", "nox", "--session")
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    running = {
        gate: subprocess.Popen([*command, gate], **pipes)
        for gate in ("slow", "types", "laws", "docs", "package", "frames", "engines")
    }
    for process in running.values():
        sys.stderr.buffer.write(process.communicate()[0])
    if failed := [gate for gate, process in running.items() if process.returncode]:
        session.error("failed: " + ", ".join(failed))


@nox.session
def slow(session: nox.Session) -> None:
    """The tests that need a browser, type checkers, killed processes or long waits."""
    files = [
        str(path)  # to read all others takes pytest long
        for path in Path("tests").rglob("test_*.py")
        if "mark.slow" in path.read_text("utf-8") and path.parent.name != "laws"
    ]
    python(session, "pytest", *SHARING, "-m", "slow", *FULL, *files, *session.posargs)


@nox.session
def pictures(session: nox.Session) -> None:
    """Mermaid itself, in a browser. It needs chromium and npm, so CI leaves it out."""
    place = Path(session.create_tmp())
    session.run("npm", "pack", "--silent", MERMAID, "--pack-destination", str(place))
    (archive,) = place.glob("mermaid-*.tgz")
    session.run("tar", "-xzf", str(archive), "-C", str(place))
    script = str(place / "package" / "dist" / "mermaid.min.js")
    file = "tests/report/mermaid_pictures.py"
    python(
        session,
        "pytest",
        file,
        *session.posargs,
        env={"FLOW64_MERMAID": script, "CI": "true"},
    )


@nox.session
def laws(session: nox.Session) -> None:
    """The properties of tests/laws, with many examples, on the newest Python here."""
    name, interpreter = newest_python()
    runner = install(session, f"laws-{name}", interpreter, "test")
    chosen = (*SHARING, "--hypothesis-profile=laws", "tests/laws", *session.posargs)
    session.run(str(runner), "-m", "pytest", *chosen)


@nox.session
def frames(session: nox.Session) -> None:
    """Rows and tables of polars, pandas and pyarrow, which only this gate installs."""
    runner = install(session, "frames", sys.executable, "frames")
    files = ("tests/runs/real_frames.py", "docs/run.md")
    session.run(str(runner), "-m", "pytest", *FULL, *files, *session.posargs)


@nox.session
def engines(session: nox.Session) -> None:
    """The examples for Airflow and Dagster, which only this gate installs."""
    runner = install(session, "engines", sys.executable, "engines")
    file = "tests/engines/real_engines.py"
    session.run(str(runner), "-m", "pytest", file, *session.posargs)


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, without a broken reference or link."""
    strict = ("--fail-on-warning", "--keep-going", "--nitpicky", "--quiet")
    python(session, "sphinx", *strict, "--fresh-env", "docs", "docs/_build/html")


@nox.session
def package(session: nox.Session) -> None:
    """The wheel, installed where nothing else is: it is typed and runs the examples.

    With the versions that everything else is tested with, then with the oldest ones
    that the package says it takes.
    """
    shutil.rmtree("dist", ignore_errors=True)
    pinned = {"UV_CONSTRAINT": str(Path(PINS).absolute())}
    python(session, "build", "--installer=uv", env=pinned)
    (wheel,) = Path("dist").glob("*.whl")
    for name, versions in {
        "pinned": ["--constraints", PINS],
        "oldest": ["--resolution", "lowest-direct"],
    }.items():
        place = Path(".nox") / f"package-{name}"
        shutil.rmtree(place, ignore_errors=True)
        runner = make_environment(session, place, sys.executable)
        uv_pip(session, "install", *versions, str(wheel), runner=runner)
        for expected in sorted(Path("examples").glob("*.json")):
            # -I: neither this folder nor a variable of the caller takes part.
            program = str(expected.with_suffix(".py"))
            printed = session.run(str(runner), "-I", program, silent=True)
            if str(printed).splitlines() != expected.read_text("utf-8").splitlines():
                session.error(f"{program} does not print what is in {expected}")
    uv_pip(session, "install", "--constraints", PINS, "flask", runner=runner)
    examples = [str(path) for path in Path("examples").glob("*.py")]
    strict = ("--strict", "--config-file=", f"--python-executable={runner}")
    python(session, "mypy", *strict, *examples)


@nox.session
def golden(session: nox.Session) -> None:
    """Rewrite expected texts: pages, reports, examples, transcripts. No wire files."""
    session.run(sys.executable, "docs/_ext/from_code.py")
    rewrite = ("--inline-snapshot=create,fix", "-m", "not slow", *TEXTS)
    # 1: a test fails, this once, if its text was rewritten. Then all must pass.
    silent = {"env": TOOLS_FIRST, "silent": True}
    python(session, "pytest", *rewrite, success_codes=[0, 1], **silent)
    python(session, "tests.transcripts.test_transcripts", env=TOOLS_FIRST)
    again = ("-n", "auto", "-m", "not slow", *TEXTS, "tests/analysis/test_reference.py")
    python(session, "pytest", *again, env=TOOLS_FIRST)


def python(session: nox.Session, module: str, *args: str, **options: Any) -> None:
    session.run(sys.executable, "-m", module, *args, **options)


def uv_pip(session: nox.Session, command: str, *args: str, runner: Path) -> None:
    where = ("--quiet", "--python", str(runner))
    python(session, "uv", "pip", command, *where, *args)


def make_environment(session: nox.Session, place: Path, interpreter: str) -> Path:
    runner = place / "bin" / "python"
    if not runner.exists():  # also if it leads to a Python that is gone
        choice = ("--python", interpreter, "--no-project", "--clear")
        python(session, "uv", "venv", "--quiet", *choice, str(place))
    return runner


def install(session: nox.Session, name: str, interpreter: str, pins: str) -> Path:
    """Make an environment with some versions of requirements/ and this package."""
    runner = make_environment(session, Path(".nox") / name, interpreter)
    uv_pip(session, "sync", f"requirements/{pins}.txt", runner=runner)
    uv_pip(session, "install", "--no-deps", "--editable", ".", runner=runner)
    return runner


def newest_python() -> tuple[str, str]:
    """The newest supported Python of this machine: its version and its program."""
    project = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["project"]
    minors = re.findall(r"Python :: 3\.(\d+)", "\n".join(project["classifiers"]))
    find = (sys.executable, "-m", "uv", "python", "find", "--system", "--no-project")
    for minor in sorted(map(int, minors), reverse=True):
        name = f"3.{minor}"
        done = subprocess.run([*find, name], capture_output=True, check=False)
        if path := done.stdout.strip():
            return name, path.decode()
    return f"3.{sys.version_info.minor}", sys.executable


def tests_that_cannot_fail(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("test_*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            is_test = isinstance(node, ast.FunctionDef) and node.name[:4] == "test"
            if is_test and not any(map(can_fail, ast.walk(node))):
                yield f"{path}:{node.lineno}: {node.name}"


def can_fail(node: ast.AST) -> bool:
    match node:
        case ast.Assert(test=test):
            return not isinstance(test, ast.Constant)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)):
            return name.startswith("assert_") or name in CHECKS
    return False
