"""One transcript of each command: arguments, exit code, stdout and stderr.

`python -m tests.transcripts.test_transcripts` writes them again. Read the
diff like code.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from flow64.emulator import Emulator
from tests import pages

FOLDER = Path(__file__).parent
CODE = """from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, LeadEnrichment, Webhook

growth = Project("growth", namespace="acme.example")
flow = (
    Webhook(LEAD, input_schema={"email": "string", "company": "string"})
    >> LeadEnrichment(return_fields={"title": "Job title"})
)
inbound = Workflow("Inbound leads", flow, key="inbound", project=growth)
"""
LATER = CODE.replace(
    "\n)\ninbound", '\n    >> FindEmail(mode="PROFESSIONAL")\n)\ninbound'
)
WRONG = CODE.replace("LEAD, input", "COMPANY, input").replace("LEAD,", "COMPANY, LEAD,")
SETTINGS = """[tool.flow64]
source = "leads.py"

[tool.flow64.environments.prod]
endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }
api_key = { env = "SIXTYFOUR_API_KEY" }
"""
MORE = "email,company\nada@acme.example,Acme Inc\nalan@bletchley.example,GCCS\n"
ROWS = "email,company\nada@acme.example,Acme\ngrace@navy.example,Navy\n"
FILES = {
    "leads.py": CODE,
    "later.py": LATER,
    "wrong.py": WRONG,
    "pyproject.toml": SETTINGS,
    "people.csv": ROWS,
    "more.csv": MORE,
}

COMMANDS = """
check leads.py
check wrong.py
compile leads.py
compile leads.py -o compiled
graph leads.py
diff leads.py later.py
determinism leads.py --processes 3
code compiled/inbound.json
plan -e prod
deploy -e prod --yes
deploy -e prod --yes
plan later.py -e prod -o plan.json
list -e prod
run inbound people.csv -e prod --intent monday --yes -o rows.csv
run inbound people.csv -e prod --intent monday --yes
run inbound more.csv -e prod --new-since latest --by email --dry-run
runs -e prod
watch RUN -e prod
results latest -e prod -o results
diff leads.py later.py -e prod --rows latest
plan later.py -e prod --rows RUN
cancel RUN -e prod
deploy --plan plan.json --yes
restore inbound 2 -e prod --yes
pull prod -o pulled
blocks
blocks find_email
doctor -e prod
init growth --namespace acme.example
mv
""".strip().splitlines()

# What differs from one machine and moment to the next, beside ids: these are wanted.
VARYING = (
    (pages.PROGRESS, ""),
    (re.compile(r"\d{8}T\d{6}\.\d+Z(\.[\w.@-]+?)\.[0-9a-f]{8}"), r"TIME\1.DIGEST"),
    *(pair for pair in pages.VARYING if pair[1] not in ("ID", "COMMIT")),
    (re.compile(r"(PYTHON), \w+"), r"\1"),
    (re.compile(r"^(clock +).*", re.MULTILINE), r"\1CLOCK"),
    (re.compile(r"\borg_[0-9a-f]+"), "ORGANISATION"),
)


def record(folder: Path) -> Iterator[tuple[str, str]]:
    """Run the commands one after the other, and yield the transcript of each."""
    for name, text in FILES.items():
        (folder / name).write_text(text, "utf-8")
    with Emulator() as emulator:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": os.pathsep.join(sys.path),
            "SIXTYFOUR_API_ENDPOINT": emulator.url,
            "SIXTYFOUR_API_KEY": "sk_test_not_a_real_key",
            "COLUMNS": "80",
            "NO_COLOR": "1",
            "TZ": "UTC",
            "PYTHONUTF8": "1",
            "GIT_CEILING_DIRECTORIES": str(folder.parent),
        }
        run_id = ""
        for number, line in enumerate(COMMANDS, 1):
            arguments = [run_id if word == "RUN" else word for word in line.split()]
            done = subprocess.run(
                [sys.executable, "-m", "flow64", *arguments],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            if not run_id and line.startswith("run "):
                run_id = done.stdout.strip()
            told = f"$ flow64 {line}\nexit code {done.returncode}\n"
            parts = (("stdout", done.stdout), ("stderr", done.stderr))
            told += "".join(f"--- {name}\n{text}" for name, text in parts if text)
            told = told.replace(str(folder), "FOLDER")
            if run_id:
                told = told.replace(run_id, "RUN-ID").replace(run_id[:8], "RUN")
            for pattern, word in VARYING:
                told = pattern.sub(word, told)
            yield f"{number:02}-{line.split()[0]}.txt", told


def write(folder: Path) -> None:
    """Write all transcripts again."""
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for name, text in record(folder):
        (FOLDER / name).write_text(text, "utf-8")


def test_transcripts(tmp_path):
    """The main way through each command, in one project and with one service."""
    transcripts = dict(record(tmp_path))

    assert transcripts.keys() == {path.name for path in FOLDER.glob("*.txt")}
    for name, text in transcripts.items():
        assert text == (FOLDER / name).read_text("utf-8"), name


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        write(Path(name).resolve())
