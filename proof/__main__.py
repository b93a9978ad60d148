"""`make proof PART=...`: run the long tests, write proof/REPORT.md.

Each test notes its figures with pytest's `record_property`; a failure is reported as a
failure. The report keeps one section a part, so that parts can be run apart.
"""

import platform
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "proof" / "REPORT.md"
PARTS = {
    "stats": ["tests/simulations"],
    "faults": ["tests/faults"],
    "clients": ["tests/clients/test_event_clients.py"],
    "conditions": ["tests/conformance"],
    "canary": [
        "tests/api/test_tracking_privacy.py",
        "tests/web/test_canary.py",
        "tests/web/test_canary_routes.py",
    ],
    "assignment": ["tests/experiments/test_assignments_hold.py"],
}
TITLE = (
    "# Proof\n\nWhat the long runs measured (`make proof`), newest run of each part.\n"
)


def main() -> int:
    """Run the parts named on the command line; tell whether all held."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else "all"
    if wanted not in {*PARTS, "all"}:
        print(f"PART is one of: all, {', '.join(PARTS)}; not {wanted!r}.")  # noqa: T201
        return 2
    parts = list(PARTS) if wanted == "all" else [wanted]
    failures = [part for part in parts if not _run(part)]
    if failures:
        print(f"Failed: {', '.join(failures)}. See {REPORT}.")  # noqa: T201
    return bool(failures)


def _run(part: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        results = Path(folder) / "results.xml"
        command = [
            *(sys.executable, "-m", "pytest", *PARTS[part]),
            f"--junitxml={results}",
            *("-o", "junit_family=xunit1", "-q"),
        ]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode  # noqa: S603  # our own tests
        if results.exists():
            _write(part, results)
    return code == 0


def _write(part: str, results: Path) -> None:
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    lines = [
        f"## {part}",
        "",
        (
            f"{when}, commit {_commit()}, {platform.machine()},"
            f" Python {platform.python_version()}."
        ),
        "",
        "| test | outcome | seconds | figures |",
        "|---|---|---|---|",
    ]
    # Our own pytest wrote this file a moment ago, so it is no hostile XML.
    for case in ET.parse(results).iter("testcase"):  # noqa: S314
        figures = "; ".join(
            f"{p.get('name')} = {p.get('value')}" for p in case.iter("property")
        )
        lines.append(
            f"| {case.get('name')} | {_outcome(case)}"
            f" | {float(case.get('time') or 0):.1f} | {figures} |"
        )
    text = REPORT.read_text() if REPORT.exists() else TITLE
    section = "\n".join(lines) + "\n"
    kept = re.sub(rf"\n## {part}\n.*?(?=\n## |\Z)", "", text, flags=re.DOTALL)
    REPORT.write_text(kept.rstrip("\n") + "\n\n" + section)


def _outcome(case: ET.Element) -> str:
    for word in ("failure", "error", "skipped"):
        if case.find(word) is not None:
            return word.upper()
    return "held"


def _commit() -> str:
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
