"""Run all benchmarks, or those named: `python -m benchmarks assignment`."""

import importlib
import pkgutil
import sys

import benchmarks
from benchmarks.harness import record


def main(names: list[str]) -> None:
    """Measure and record; a benchmark is a module here that has `measure()`."""
    for found in pkgutil.iter_modules(benchmarks.__path__):
        if found.name == "__main__" or (names and found.name not in names):
            continue
        module = importlib.import_module(f"benchmarks.{found.name}")
        if hasattr(module, "measure"):
            record(module.measure())


if __name__ == "__main__":
    main(sys.argv[1:])
