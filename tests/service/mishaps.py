"""What goes wrong beyond the faults of the emulator, expressed by those."""

from __future__ import annotations

import gzip
import json

from flow64.emulator import Fault as Plain

RUNS = {"method": "GET", "path": "/workflows/runs*"}


def Fault(kind, **more):  # noqa: N802 - it stands for the class
    """Make a fault by its kind, or by the name of a mishap."""
    if retry_after := more.pop("retry_after", None):
        more["headers"] = {"retry-after": retry_after, **more.get("headers", {})}
    make = MISHAPS.get(kind)
    return Plain(kind, **more) if make is None else make(**more)


def html(**more):
    more = {"status": 200, "headers": {"content-type": "text/html"}, **more}
    return Plain("status_before", body="<!doctype html><title>Log in</title>", **more)


def empty(**more):
    return Plain("status_after", body=lambda _: b"", **more)


def cut_json(**more):
    return Plain("status_after", body=lambda body: body[: len(body) // 2], **more)


def bad_gzip(**more):
    headers = {"content-encoding": "gzip"}
    return Plain(
        "status_after",
        body=lambda body: gzip.compress(body)[:-9],
        headers=headers,
        **more,
    )


def gzip_bomb(size=2**29, **more):
    body, headers = gzip.compress(bytes(size)), {"content-encoding": "gzip"}
    return Plain("status_after", status=200, body=body, headers=headers, **more)


def endless(size=2**27, seconds=0.0, **more):
    return Plain("status_after", status=200, body=bytes(size), **more)


def slow(size=1, seconds=0.05, **more):
    return Plain("slow", size=size, seconds=seconds, **more)


def hang_before(seconds=60.0, **more):
    return Plain("reset_before", **more)


def hang_after(seconds=60.0, **more):
    return Plain("slow", seconds=seconds, **more)


def truncate(size=None, fraction=0.5, **more):
    return Plain("truncate", size=size, **more)


def rewrite(members, **more):
    """Give members of the response, at any depth, other values."""
    return Plain(
        "status_after", body=_each(lambda found: rewritten(found, members)), **more
    )


def missing_field(word, **more):
    def without(found):
        return {name: value for name, value in found.items() if name != word}

    return Plain("status_after", body=_each(without), **more)


def unknown_status(word="paused", **more):
    members = {"status": word, "overall_status": word}
    return rewrite(members, **{**RUNS, **more})


def null_download_url(**more):
    path = "/workflows/runs/*/results/download-links"
    return rewrite({"download_url": None}, **{"method": "GET", "path": path, **more})


def stored_otherwise(emulator, kind, **more):
    """Save the next workflow under another name, or without a field of its specs."""

    def change(body):
        saved = json.loads(body)
        if kind == "other_name":
            return json.dumps(emulator.edit(saved["id"], name="Renamed"))
        graph = saved["workflow_definition"]
        block = next(block for block in graph["blocks"] if block["specs"])
        block["specs"].pop(next(iter(block["specs"])))
        return json.dumps(emulator.edit(saved["id"], definition=graph))

    path = "/workflows/[cu]*_workflow"  # create and update
    return Plain("status_after", method="POST", path=path, body=change, **more)


MISHAPS = {
    "html": html,
    "empty": empty,
    "cut_json": cut_json,
    "bad_gzip": bad_gzip,
    "gzip_bomb": gzip_bomb,
    "endless": endless,
    "slow": slow,
    "close_before": lambda **more: Plain("reset_before", **more),
    "close_after": lambda **more: Plain("reset_after", **more),
    "hang_before": hang_before,
    "hang_after": hang_after,
    "truncate": truncate,
    "truncate_chunked": truncate,
    "rewrite": rewrite,
    "missing_field": missing_field,
    "unknown_status": unknown_status,
    "null_download_url": null_download_url,
}


def rewritten(found, members):
    return {name: members.get(name, value) for name, value in found.items()}


def _each(change):
    """Return a function of a body that changes each object in it, inside first."""

    def walk(found):
        if isinstance(found, list):
            return [walk(one) for one in found]
        if not isinstance(found, dict):
            return found
        inside = {
            name: value if name in {"results", "specs"} else walk(value)
            for name, value in found.items()
        }
        return change(inside)

    return lambda body: json.dumps(walk(json.loads(body)))
