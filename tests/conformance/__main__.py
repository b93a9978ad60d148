"""`make conformance`: put the official cases, and show how they come out."""

import sys

from tests.conformance.cases import FILE, SECTIONS, run
from tests.conftest import reference_data_dir


def main() -> int:
    """Show each section, each case that failed or was left out, and the total.

    Returns:
        1 when a case failed or there are no cases, else 0.
    """
    folder = reference_data_dir()
    if folder is None or not (folder / FILE).exists():
        print(f"{FILE} is absent (set ABIDE_REFERENCE_DATA)", file=sys.stderr)  # noqa: T201
        return 1
    outcomes = run(folder)
    lines = []
    for one in outcomes:
        if one.left_out is not None:
            lines.append(f"left out: {one.section}: {one.name}: {one.left_out}")
        elif not one.passed:
            lines.append(f"FAILED: {one.section}: {one.name}")
    for section in SECTIONS:
        mine = [one for one in outcomes if one.section == section]
        out = sum(one.left_out is not None for one in mine)
        passed = sum(one.passed for one in mine)
        failed = len(mine) - out - passed
        lines.append(f"{section}: {passed} passed, {failed} failed, {out} left out")
    passed = sum(one.passed for one in outcomes)
    out = sum(one.left_out is not None for one in outcomes)
    failed = len(outcomes) - passed - out
    lines.append(f"conformance: {passed} passed, {failed} failed, {out} left out")
    print("\n".join(lines))  # noqa: T201  # this is what `make conformance` shows
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
