"""The first `make`: quiet when it works, and all is told when it does not."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOISE = "BackendWarning: editable installs are much to say about"
# Stands for Python: makes an "environment" whose pip says much, and fails when told to.
PYTHON = f"""#!/bin/sh
[ "$1" = -m ] || exit 0
mkdir -p "$3/bin"
printf '#!/bin/sh\\necho "{NOISE}" >&2\\nexit %s\\n' "$FAKE_EXIT" >"$3/bin/pip"
cp "$3/bin/pip" "$3/bin/uv"
chmod +x "$3/bin/pip" "$3/bin/uv"
"""


@pytest.mark.parametrize(("exit_code", "is_told"), [(0, False), (1, True)])
def test_setup__installers_warn__is_told_only_when_they_fail(
    tmp_path: Path, exit_code: int, *, is_told: bool
) -> None:
    python, venv = tmp_path / "python", tmp_path / "venv"
    python.write_text(PYTHON)
    python.chmod(0o700)

    done = subprocess.run(  # noqa: S603  # our own stand-in
        ["make", f"{venv}/.ready", f"VENV={venv}", f"PYTHON={python}"],  # noqa: S607
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "FAKE_EXIT": str(exit_code)},
        capture_output=True,
        text=True,
        check=False,
    )

    said = done.stdout + done.stderr
    assert (NOISE in said) == is_told
    assert NOISE in (venv / "setup.log").read_text()
    assert (done.returncode != 0) == is_told
    assert (venv / ".ready").exists() != is_told
