"""Files of workflows for commands to work on, and what became of them."""

from __future__ import annotations

import os
import subprocess

from flow64 import Client

HEAD = """
from flow64 import LEAD, Project, Workflow, value, variants
from flow64.blocks import (
    AppendToNotebook, Filter, FindEmail, LeadEnrichment, OutgoingWebhook, Search,
    Webhook,
)

growth = Project("growth", namespace="acme.example")

def made(key, *flow, title=None, **more):
    return Workflow(title or key, *flow, key=key, project=growth, **more)

"""


def settings(*head, **environments):
    """Return a pyproject.toml: its first lines, and more lines of each environment."""
    lines = ["[tool.flow64]", *head]
    for name, more in environments.items():
        lines += [
            f"[tool.flow64.environments.{name}]",
            'endpoint = { env = "SIXTYFOUR_API_ENDPOINT" }',
            'api_key = { env = "SIXTYFOUR_API_KEY" }',
            *more,
        ]
    return "\n".join(lines) + "\n"


SUFFIX = 'suffix = "(staging)"'
OF_LEADS = 'source = "leads.py"'

SPENDING = "buys = made('buys', Search(LEAD, query='CTOs', auto_execute=True))"


def written(folder, namespace, text, name="two.py"):
    """Write a file of workflows, and give its name."""
    (folder / name).write_text(HEAD.replace("acme.example", namespace) + text, "utf-8")
    return name


def retitled(path, title="New leads"):
    """Give the workflow of `leads.py` another title."""
    path.write_text(path.read_text("utf-8").replace("Inbound leads", title), "utf-8")


def deployed():
    """The titles of what is deployed."""
    with Client(journal=None) as client:
        return sorted(found.name for found in client.workflows.list())


# -- Repositories ----------------------------------------------------------------------

IDENTITY = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")


def git(*arguments):
    """Run git, without the settings of this machine."""
    unset = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(
        ["git", *IDENTITY, *arguments],
        env={**os.environ, **unset},
        check=True,
        capture_output=True,
        timeout=30,
    )


def commit_all(message="all"):
    """Commit the working folder, after making it a repository if needed."""
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-qm", message)
