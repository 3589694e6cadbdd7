"""A million result rows, read and typed, beside `csv.DictReader`; and their memory.

python benchmarks/rows.py [ROWS]
"""

from __future__ import annotations

import csv
import resource
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Annotated

from flow64 import returns
from flow64.runs.rows import RowFile
from flow64.runs.typed import ResultRows, structure_for


@returns
class Person:
    """What each row becomes."""

    title: Annotated[str | None, "Current job title"]
    years: Annotated[int | None, "Years in this job"]
    skills: Annotated[list[str] | None, "Skills"]


def measure_rows(count: int) -> None:
    """Print seconds for both, and the memory that typing adds."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("email,title,years,skills\n")
            for number in range(count):
                file.write(f'p{number}@b.example,CTO,{number % 40},"[""a"",""b""]"\n')
        began = perf_counter()
        with path.open(encoding="utf-8", newline="") as file:
            assert sum(1 for _ in csv.DictReader(file)) == count
        beside = perf_counter() - began
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        began = perf_counter()
        source = RowFile(path, path.name, "csv", count)
        rows = ResultRows(source, count, structure_for(Person))
        assert sum(row.value.years is not None for row in rows) == count
        typed = perf_counter() - began
        added = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    print(f"{count:,} typed rows, csv.DictReader: {typed:.1f} s, {beside:.1f} s")
    print(f"memory that typing adds: {added / 1024:.0f} MiB")
    assert added < 64 * 1024, "rows are not read in bounded memory"


if __name__ == "__main__":
    measure_rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
