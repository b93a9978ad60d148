"""Server processes stay small: they read stored results and compute none."""

import subprocess
import sys

import pytest

HEAVY = (
    "statsmodels",
    "pandas",
    "ibis",
    "scipy",
    "scipy.stats",
    "duckdb",
    "altair",
    "vl_convert",
    "weasyprint",
)
PROBE = """
import sys
{imports}
print(",".join(name for name in {heavy!r} if name in sys.modules))
"""


def _loaded(imports: str) -> str:
    script = PROBE.format(imports=imports, heavy=HEAVY)
    done = subprocess.run(  # noqa: S603  # our own script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_front_door__imported__loads_no_statistics() -> None:
    assert _loaded("import abide") == ""


def test_front_door__app_created__loads_no_statistics(tmp_path: object) -> None:
    imports = (
        f"import abide\nabide.create_app({{'ABIDE_DATA_DIR': {str(tmp_path)!r}}})\n"
    )
    assert _loaded(imports) == ""


@pytest.mark.parametrize("command", ["importing", "pipeline", "up"])
def test_command_that_computes__started__loads_no_statistics_and_no_drawing_yet(
    command: str,
) -> None:
    loaded = set(_loaded(f"import analysis.{command}").split(","))
    assert loaded.isdisjoint({"statsmodels", "scipy.stats", "altair", "vl_convert"})


def test_scheduler__which_lives_long__loads_nothing_that_computes() -> None:
    assert _loaded("import analysis.scheduler") == ""
