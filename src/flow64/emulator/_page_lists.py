"""Lists of the page: searched, sorted, and a page at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from threading import Lock
from typing import Any, Final

from attrs import define, field, frozen

from ._page_items import notebook_item, run_item, sent_item, workflow_item
from ._records import JsonObject
from ._store import Store, Table

SORTS: Final[Mapping[str, Mapping[str, str]]] = {
    "workflows": {
        "name": "name",
        "environment": "place",
        "blocks": "blocks",
        "run": "last_run",
        "changed": "updated",
    },
    "runs": {
        "name": "name",
        "environment": "place",
        "status": "status",
        "took": "seconds",
        "started": "queued",
    },
    "notebooks": {
        "name": "name",
        "organisation": "place",
        "rows": "count",
        "changed": "updated",
    },
    "outbox": {
        "block": "kind",
        "environment": "place",
        "target": "target",
        "result": "outcome",
        "sent": "created",
    },
}
"""The columns that each list can be sorted by, and the member that each compares. A
minus sign in front of a column turns the order round."""

SEARCHED: Final = (
    "name",
    "description",
    "deployed",
    "environment",
    "org",
    "org_name",
    "id",
    "workflow_id",
    "run_id",
    "notebook_id",
    "status",
    "error",
    "kind",
    "target",
    "outcome",
)
"""Members whose text a search looks at."""

_HASHED: Final = re.compile(r"org_[0-9a-f]{16}")


@define
class _Items:
    """The items of a table. A record is read again only if it has changed.

    Of 500 workflows and 3,000 runs, a list takes 5 ms in place of 115.
    """

    table: Table[Any]
    make: Callable[[Any], JsonObject]
    _known: dict[int, tuple[int, JsonObject]] = field(factory=dict, init=False)
    _lock: Lock = field(factory=Lock, init=False)

    def newest(self) -> Sequence[JsonObject]:
        """Return all items, newest first."""
        with self._lock:
            now: dict[int, tuple[int, JsonObject]] = {}
            for place, checksum in self.table.checksums():
                known = self._known.get(place)
                if known is None or known[0] != checksum:
                    record = self.table.at(place)
                    if record is None:  # removed meanwhile
                        continue
                    known = checksum, self.make(record)
                now[place] = known
            self._known = now
            return [item for _, item in now.values()]


@frozen
class Lists:
    """The lists of the page.

    Attributes:
        tables: The items of each list.
    """

    store: Store
    tables: Mapping[str, _Items]

    @classmethod
    def of(cls, store: Store) -> Lists:
        """Make the lists of a store."""
        return cls(
            store,
            {
                "workflows": _Items(store.workflows, workflow_item),
                "runs": _Items(store.runs, run_item),
                "notebooks": _Items(store.notebooks, notebook_item),
                "outbox": _Items(store.sent, sent_item),
            },
        )

    def newest(self, name: str) -> Sequence[JsonObject]:
        """Return all items of a list with their environments, newest first."""
        return [*self._add_places(self.tables[name].newest())]

    def place(self, item: JsonObject) -> JsonObject:
        """Add the names of its environment and organisation to one item."""
        return next(self._add_places([item]))

    def find(
        self, name: str, search: str, sort: str, first: int, limit: int
    ) -> JsonObject:
        """Return a part of a list, and how many items match the search.

        Args:
            name: The list.
            search: Words. An item must contain all of them.
            sort: A column of `SORTS`; without one, the newest come first.
        """
        words = search.lower().split()
        everything = self.newest(name)
        found = [item for item in everything if not words or _contains_all(item, words)]
        member = SORTS[name].get(sort.removeprefix("-"))
        if member is not None:
            # Items without a value come last in both directions.
            blank = [item for item in found if item.get(member) in {None, ""}]
            rest = [item for item in found if item.get(member) not in {None, ""}]
            rest.sort(key=lambda item: _as_key(item[member]))
            found = [*(rest[::-1] if sort.startswith("-") else rest), *blank]
        return {
            "items": found[first : first + limit],
            "first": first,
            "matching": len(found),
            "total": len(everything),
        }

    def _add_places(self, items: Sequence[JsonObject]) -> Iterator[JsonObject]:
        """Yield items with the names of their environments and organisations."""
        workflows = {one["id"]: one for one in self.tables["workflows"].newest()}
        runs = {one["id"]: one for one in self.tables["runs"].newest()}
        labels = self._label_organisations()
        for item in items:
            # What was sent belongs to a run, and a run to a workflow.
            run = runs.get(item["run_id"], {}) if "run_id" in item else item
            workflow = workflows.get(run.get("workflow_id", ""), run)
            environment, org = workflow.get("environment"), item["org"]
            label: str | None = labels.get(org, "another key")
            if _HASHED.fullmatch(org) and (environment or len(labels) == 1):
                label = None  # it would tell nothing more
            yield {
                **item,
                "name": run.get("name"),
                "environment": environment,
                "org_name": label,
                "place": " ".join(filter(None, (environment, label))),
            }

    def _label_organisations(self) -> Mapping[str, str]:
        """Return the name of each organisation; one made from a key has a number."""
        orgs = self.store.workflows.parents()
        numbers = count(1)
        return {
            org: f"key {next(numbers)}" if _HASHED.fullmatch(org) else org
            for org in orgs
        }


def _contains_all(item: JsonObject, words: Sequence[str]) -> bool:
    text = "\n".join(str(item.get(member) or "") for member in SEARCHED).lower()
    return all(word in text for word in words)


def _as_key(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value
