"""Kill an apply at random instants; the next deploy alone has to mend it (L3, L4).

As a program: `PYTHONPATH=. python tests/survival/kill_apply.py 200` kills two hundred
times, and says the seed. One process that has imported everything forks a new one for
each deploy.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

from attrs import define, field

from flow64 import LEAD, Client, Project, Schedule, Workflow
from flow64.blocks import FindEmail, OutgoingWebhook, Webhook
from flow64.client import Policy
from flow64.deploy.apply import apply_plan
from flow64.deploy.git import Git
from flow64.deploy.history import History
from flow64.deploy.make import make_plan
from flow64.deploy.plan import Consents, as_json
from flow64.deploy.target import target_of
from flow64.emulator import Emulator
from flow64.errors import StalePlanError
from flow64.files import write_whole


def say(what):
    """A line, at once."""
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


HOSTS = ("a.example", "b.example")
"""Two states of the code: a host for each, and a workflow that only it has."""


def workflows(namespace, state):
    """All workflows of a project in one of two states."""
    project = Project("growth", namespace)
    url = f"https://{HOSTS[state]}/hook"
    flow = Webhook(LEAD) >> FindEmail() >> OutgoingWebhook(url=url)
    keys = ["one", "two", f"only-{state}"]
    facts = {"project": project, "schedules": [Schedule("daily", f"{state} 0 29 2 *")]}
    return project, [Workflow(key, flow, key=key, **facts) for key in keys]


def client_of(url, key):
    """A client that keeps no pace, since it talks to an emulator."""
    hurried = Policy(requests_per_minute=None)
    return Client(key, base_url=url, journal=None, policy=hurried)


def deploy(client, namespace, state, folder):
    """Plan, save the plan, and apply it: what a deploy on the command line does."""
    url = client.endpoint
    project, wanted = workflows(namespace, state)
    history = History(Path(folder, "history"))
    git = Git()
    targets = [target_of(one, "default", git=git) for one in wanted]
    facts = {"env": "default", "endpoint": url, "projects": [project], "git": git}
    plan = make_plan(client.session, targets, **facts)
    write_whole(Path(folder, "plan.json"), as_json(plan, {}).encode())
    # By name, since this checkout may hold changes that are in no commit.
    gone = [step.key for step in plan.orphans]
    new = [target.key for target in targets]
    consents = Consents(force=gone, create=new, prune=len(gone))
    return plan, apply_plan(client.session, plan, consents, history=history)


def serve_deploys():
    """Fork a deploy for each line of arguments; say its id, then how it ended."""
    while line := sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            url, key, *arguments = json.loads(line)
            deploy(client_of(url, key), *arguments)
            os._exit(0)
        say(pid)
        sys.stdin.readline()  # until then its id is that of no other process
        _, status = os.waitpid(pid, 0)
        say(status)


@define
class Killer:
    """Deploys one state after the other, and kills each deploy on its way.

    Each deploy creates a workflow, updates one, writes the stamp of one that somebody
    has edited into what is wanted, and deletes one.

    Attributes:
        emulator: The service.
        folder: Where histories and plans are.
        luck: Says when to kill.
        requests: How many a deploy sends when nobody kills it.
        seconds: How long each of them takes.
        kills: How many were killed before their end.
        left: How often each kind of step was left to do after a kill.
    """

    emulator: Emulator
    folder: Path
    luck: random.Random
    key: str = field(factory=lambda: f"sk_test_{uuid4().hex}")
    namespace: str = field(factory=lambda: f"{uuid4()}.example")
    requests: int = 0
    seconds: float = 0.0
    kills: int = 0
    left: Counter = field(factory=Counter)
    _child: subprocess.Popen = field(init=False)
    _client: Client = field(init=False)

    def __enter__(self):
        self._child = subprocess.Popen(
            [sys.executable, __file__, "serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._client = client_of(self.emulator.url, self.key)
        assert self._deployed(0, None) == 0
        self._converge(1)
        self.emulator.requests.clear()
        began = time.monotonic()
        assert self._deployed(1, None) == 0
        self.requests = len(self.emulator.requests)
        self.seconds = (time.monotonic() - began) / self.requests
        return self

    def __exit__(self, *_):
        self._client.close()
        self._child.stdin.close()
        self._child.wait()
        self._child.stdout.close()

    def round(self, state):
        """Kill a deploy, deploy again without a kill, and judge what is there."""
        self._converge(state)
        status = self._deployed(state, self.luck.randint(0, self.requests))
        was_killed = os.WIFSIGNALED(status)
        self.kills += was_killed
        arguments = (self._client, self.namespace, state, self.folder)
        try:
            plan, result = deploy(*arguments)
        except StalePlanError:  # the last request of the killed one came after the plan
            plan, result = deploy(*arguments)
        assert result.is_complete, result.errors
        if was_killed:
            left = [step.action for step in plan.steps if step.action != "none"]
            self.left.update(left or ["nothing"])
        plan, again = deploy(*arguments)
        assert (plan.is_empty, [*again.outcomes]) == (True, [])
        assert [step.key for step in plan.steps] == [
            "one", "two", f"only-{state}",
        ]  # fmt: skip
        assert len(self._client.workflows.list()) == len(plan.steps)
        ids = {step.id for step in plan.steps}
        timed = [s for s in self._client.schedules.list() if s.workflow_id in ids]
        crons = [schedule.cron_expression for schedule in timed]
        assert crons == [f"{state} 0 29 2 *"] * len(plan.steps)
        left = [path.name for path in self.folder.rglob(".flow64-*")]
        assert left == [], left
        json.loads(Path(self.folder, "plan.json").read_text())

    def _converge(self, state):
        """Edit a workflow by hand into what is wanted next."""
        _, (_, two, _) = workflows(self.namespace, state)
        url = f"https://{HOSTS[state]}/hook"
        self.emulator.edit(two.id(), specs={"outgoing_webhook": {"url": url}})

    def _deployed(self, state, number):
        """Deploy in a process of its own; gives how that ended.

        Args:
            state: What is wanted.
            number: Of the request after which it is killed; None for not at all.
        """
        self.emulator.requests.clear()
        arguments = (
            self.emulator.url,
            self.key,
            self.namespace,
            state,
            str(self.folder),
        )
        self._child.stdin.write(json.dumps(arguments) + "\n")
        self._child.stdin.flush()
        pid = int(self._child.stdout.readline())
        if number is not None:
            latest = time.monotonic() + 5
            while len(self.emulator.requests) < number and time.monotonic() < latest:
                time.sleep(0.0002)
            time.sleep(self.luck.uniform(0, self.seconds))
            os.kill(pid, signal.SIGKILL)
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        return int(self._child.stdout.readline())


def kill(times, seed, folder):
    """Kill so many deploys; gives who did, which knows what they had left to do."""
    with (
        Emulator() as emulator,
        Killer(emulator, Path(folder), random.Random(seed)) as killer,
    ):
        for number in range(times):
            killer.round(number % 2)
        # What was replaced is there, every time.
        entries = History(killer.folder / "history").entries()
        assert len(entries) >= times
        return killer


if __name__ == "__main__":
    if sys.argv[1:] == ["serve"]:
        serve_deploys()
    else:
        chosen = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
        say(f"seed {chosen}")
        done = kill(int(sys.argv[1]), chosen, mkdtemp())
        say(f"{done.kills} deploys were killed on their way, and each was mended")
        say(f"of these, so many had left to do: {dict(done.left)}")
