"""Figures of the benchmarks: shown one a line, and kept in results.json.

A figure stands beside its limit where there is one: what the same machine does at
best in the same run. The ratio to the limit is what can be promised, since it is the
same on faster and slower machines.
"""

import json
import os
import platform
import subprocess
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        name: what was measured, unique over all benchmarks.
        value: the number.
        unit: of value and limit.
        limit: what is possible at best, measured in the same run.
        ratio: value over limit.
        goal: of the ratio, or of the value where there is no limit; in words, such
            as ">= 0.5".
        met: whether the goal was reached; None without one.
    """

    name: str
    value: float
    unit: str
    limit: float | None
    ratio: float | None
    goal: str | None
    met: bool | None

    def line(self) -> str:
        """Write the figure for people, in one line."""
        parts = [f"{self.name}: {_short(self.value)} {self.unit}"]
        if self.limit is not None and self.ratio is not None:
            parts.append(f"limit {_short(self.limit)}, ratio {self.ratio:.2f}")
        if self.goal is not None:
            parts.append(f"goal {self.goal}: {'met' if self.met else 'NOT met'}")
        return "; ".join(parts)


def figure(
    name: str,
    value: float,
    unit: str,
    *,
    limit: float | None = None,
    at_least: float | None = None,
    at_most: float | None = None,
) -> Figure:
    """Make a figure and judge it.

    Args:
        name: what was measured.
        value: the number.
        unit: of value and limit.
        limit: what is possible at best, measured in the same run.
        at_least: goal of the ratio, or of the value where there is no limit.
        at_most: the same, where less is better.

    Returns:
        The figure.
    """
    ratio = None if limit is None else value / limit
    judged = value if ratio is None else ratio
    goal, met = None, None
    if at_least is not None:
        goal, met = f">= {at_least:g}", judged >= at_least
    elif at_most is not None:
        goal, met = f"<= {at_most:g}", judged <= at_most
    return Figure(name, value, unit, limit, ratio, goal, met)


def record(figures: Iterable[Figure], path: Path = RESULTS) -> None:
    """Show figures and merge them into the results, by name.

    Args:
        figures: just measured.
        path: of the results: a list of figures, each with machine and commit.
    """
    kept = {str(entry["name"]): entry for entry in _read(path)}
    where = {"machine": machine(), "commit": commit()}
    for one in figures:
        print(one.line(), flush=True)  # noqa: T201  # this is what `make bench` shows
        kept[one.name] = {**asdict(one), **where}
    entries = [kept[name] for name in sorted(kept)]
    aside = path.with_suffix(".next")
    aside.write_text(json.dumps(entries, indent=1) + "\n")
    aside.replace(path)


def machine() -> str:
    """Name what was measured on: processor, cores, memory, Python."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{_processor()}, {os.cpu_count()} cores, {pages / 2**30:.0f} GiB,"
        f" {platform.system()}, Python {platform.python_version()}"
    )


def commit() -> str:
    """Name the commit that was measured, with a + when files were changed."""
    root = Path(__file__).resolve().parent.parent
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--exclude=*"],  # noqa: S607
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or "unknown"


def _read(path: Path) -> list[dict[str, object]]:
    if not path.exists():
        return []
    entries: list[dict[str, object]] = json.loads(path.read_text())
    return entries


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = (line.partition(":")[2] for line in lines if line.startswith("model name"))
    return next(names, platform.machine()).strip()


def _short(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"  # noqa: PLR2004
