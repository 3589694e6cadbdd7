"""Two processes that deploy two states of one project at once (L2).

As a program, `deployers.py URL KEY NAMESPACE FOLDER` reads a state from a line, plans
it, says `ready`, applies that plan at the next line, and says how it ended; and again.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from flow64 import LEAD, Client, Project, Schedule, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.client import Policy
from flow64.deploy.apply import apply_plan
from flow64.deploy.git import Git
from flow64.deploy.history import History
from flow64.deploy.make import make_plan
from flow64.deploy.target import target_of
from flow64.errors import FlowError

HOSTS = ("a.example", "b.example")
KEYS = ("one", "two", "three")


def workflows(namespace, state):
    """All workflows of the project; every part of them tells in which state it is."""
    project = Project("growth", namespace)
    flow = (
        Webhook(LEAD)
        >> FindEmail(mode=["PROFESSIONAL", "PERSONAL"][state])
        >> OutgoingWebhook(url=f"https://{HOSTS[state]}/hook")
    )
    title = f"in state {state}"
    facts = {"project": project, "schedules": [Schedule("daily", f"{state} 0 29 2 *")]}
    return project, [Workflow(title, flow, key=key, **facts) for key in KEYS]


def client_of(url, key):
    """A client that keeps no pace, since it talks to an emulator."""
    hurried = Policy(requests_per_minute=None)
    return Client(key, base_url=url, journal=None, policy=hurried)


def planned(client, namespace, state):
    """What a deploy of a state would do."""
    project, wanted = workflows(namespace, state)
    git = Git()
    targets = [target_of(one, "default", git=git) for one in wanted]
    facts = {"env": "default", "endpoint": client.endpoint, "git": git}
    return make_plan(client.session, targets, projects=[project], **facts)


def deploy(client, plan, folder):
    """Apply it; gives what was done, and the kind of what stopped it."""
    history = History(Path(folder))
    try:
        result = apply_plan(client.session, plan, history=history)
    except FlowError as error:
        return {"done": [], "error": type(error).__name__}
    done = [one.step.key for one in result.outcomes if one.error is None]
    error = type(result.errors[0]).__name__ if result.errors else None
    return {"done": done, "error": error}


def main(url, key, namespace, folder):
    """Deploy once for each line."""
    with client_of(url, key) as client:
        for line in sys.stdin:
            plan = planned(client, namespace, int(line))
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            sys.stdin.readline()
            found = deploy(client, plan, folder)
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()


class Deployer:
    """A process that deploys what it is told to."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [sys.executable, __file__, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def prepare(self, state):
        """Let it plan."""
        self._say(state)

    def is_ready(self):
        """Wait until it has."""
        return self.process.stdout.readline() == "ready\n"

    def go(self):
        """Let it apply its plan."""
        self._say("")

    def ended(self):
        """How that ended."""
        return json.loads(self.process.stdout.readline())

    def close(self):
        """Let it end, and wait for it."""
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()

    def _say(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
