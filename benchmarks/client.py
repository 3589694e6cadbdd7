"""What the calls of a client cost, and what a hundred watches at a time cost.

    python benchmarks/client.py                    in about a minute
    python benchmarks/client.py --quick            few rounds, in some seconds
    python benchmarks/client.py --against FOLDER   and those of another checkout

An emulator in this process answers. Each contender is a process of its own that makes
the same calls several times, by a `Client` and by an `AsyncClient`: a deploy that
changes nothing, a run of one row, and a watch of a run that has ended. Every round
measures every contender once, and medians are compared. The watches of a hundred runs
that take some seconds are measured once each: CPU time and peak of memory of the
process, and its requests.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from flow64 import LEAD, Project, Workflow
from flow64.blocks import FindEmail, Webhook
from flow64.client import AsyncClient, Client, Policy

HERE = Path(__file__).parent.parent
CALLS = ("plan", "run", "watch")
KINDS = ("Client", "AsyncClient")
WATCHES = 100
POLICY = Policy(requests_per_minute=None)
ROWS = [{"email": "ada@example.com"}]


def child(kind: str, what: str, url: str, count: int) -> dict[str, float]:
    """Make calls in this process; return seconds for each, CPU seconds and MiB."""
    seconds = (
        asyncio.run(_await_calls(what, url, count)) if kind == "AsyncClient" else 0
    )
    if kind == "Client":
        seconds = _make_calls(what, url, count)
    used = resource.getrusage(resource.RUSAGE_SELF)
    memory = used.ru_maxrss / 1024
    return {"seconds": seconds, "cpu": used.ru_utime + used.ru_stime, "MiB": memory}


def _make_calls(what: str, url: str, count: int) -> float:
    workflow = _workflow()
    with Client("any", base_url=url, journal=None, policy=POLICY) as client:
        client.deploy(workflow)
        runs = [client.run(workflow, ROWS) for _ in range(_started(what, count))]
        if what == "watches":
            with ThreadPoolExecutor(count) as threads:
                list(threads.map(lambda run: run.wait(every=0.5), runs))
            return 0.0
        call: Callable[[], Any] = {
            "plan": lambda: client.deploy(workflow),
            "run": lambda: client.run(workflow, ROWS),
            "watch": lambda: list(runs[0].watch(every=0.001)),
        }[what]
        call()
        began = time.perf_counter()
        for _ in range(count):
            call()
        return (time.perf_counter() - began) / count


async def _await_calls(what: str, url: str, count: int) -> float:
    workflow = _workflow()
    async with AsyncClient("any", base_url=url, journal=None, policy=POLICY) as client:
        await client.deploy(workflow)
        started = range(_started(what, count))
        runs = [await client.run(workflow, ROWS) for _ in started]
        if what == "watches":
            await asyncio.gather(*(run.wait(every=0.5) for run in runs))
            return 0.0

        async def watch() -> None:
            async for _ in runs[0].watch(every=0.001):
                pass

        call: Callable[[], Awaitable[Any]] = {
            "plan": lambda: client.deploy(workflow),
            "run": lambda: client.run(workflow, ROWS),
            "watch": watch,
        }[what]
        await call()
        began = time.perf_counter()
        for _ in range(count):
            await call()
        return (time.perf_counter() - began) / count


def _workflow() -> Workflow:
    project = Project("growth", namespace="acme.example")
    return Workflow("Leads", Webhook(LEAD) >> FindEmail(), key="leads", project=project)


def _started(what: str, count: int) -> int:
    """Return how many runs are started first."""
    return {"watch": 1, "watches": count}.get(what, 0)


def measure(folder: Path, *args: object) -> dict[str, float]:
    """Run `child` on the package of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src")}
    command = [sys.executable, __file__, "--child", *map(str, args)]
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Print the tables."""
    from flow64.emulator import Emulator, Switches

    is_quick = "--quick" in sys.argv
    folders = {"this": HERE}
    if "--against" in sys.argv:
        other = Path(sys.argv[sys.argv.index("--against") + 1]).resolve()
        folders["other"] = other
    rounds, count = (3, 20) if is_quick else (7, 100)
    print(f"{'ms for each call':<24}" + "".join(f"{name:>10}" for name in folders))
    with Emulator() as emulator:
        for what in CALLS:
            for kind in KINDS:
                times: dict[str, list[float]] = {name: [] for name in folders}
                for _ in range(rounds):
                    for name, folder in folders.items():
                        found = measure(folder, kind, what, emulator.url, count)
                        times[name].append(found["seconds"])
                medians = {name: median(found) for name, found in times.items()}
                cells = "".join(f"{1000 * found:>10.2f}" for found in medians.values())
                ratio = medians["this"] / medians.get("other", medians["this"])
                more = f"   ratio {ratio:.2f}" if len(folders) > 1 else ""
                print(f"{what + ', ' + kind:<24}{cells}{more}")
    print(f"\n{WATCHES} watches at a time{'CPU s':>12}{'MiB':>8}{'requests':>10}")
    for name, folder in folders.items():
        for kind in KINDS:
            with Emulator(switches=Switches(speed=2.0)) as emulator:
                found = measure(folder, kind, "watches", emulator.url, WATCHES)
                looks = [seen for seen in emulator.requests if "live" in seen.path]
            cells = f"{found['cpu']:>10.2f}{found['MiB']:>8.0f}{len(looks):>10,}"
            print(f"{name + ', ' + kind:<22}{cells}")


if __name__ == "__main__":
    if "--child" in sys.argv:
        _, _, kind, what, url, count = sys.argv
        print(json.dumps(child(kind, what, url, int(count))))
    else:
        main()
