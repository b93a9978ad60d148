import json
from pathlib import Path

import pytest

from benchmarks.harness import figure, record


@pytest.mark.parametrize(
    ("value", "limit", "at_least", "at_most", "ratio", "goal", "met"),
    [
        (50.0, 100.0, 0.5, None, 0.5, ">= 0.5", True),
        (49.0, 100.0, 0.5, None, 0.49, ">= 0.5", False),
        (3.0, 2.0, None, 1.5, 1.5, "<= 1.5", True),
        (61.0, None, None, 60, None, "<= 60", False),
        (61.0, None, None, None, None, None, None),
        (61.0, 122.0, None, None, 0.5, None, None),
    ],
)
def test_figure__limit_and_goal__ratio_is_judged_where_there_is_one(
    value: float,
    limit: float | None,
    at_least: float | None,
    at_most: float | None,
    ratio: float | None,
    goal: str | None,
    *,
    met: bool | None,
) -> None:
    made = figure(
        "door", value, "per s", limit=limit, at_least=at_least, at_most=at_most
    )

    assert (made.ratio, made.goal, made.met) == (ratio, goal, met)


def test_record__measured_again__replaces_by_name_and_shows_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "results.json"
    record([figure("b", 1, "ms"), figure("a", 12_345.6, "per s")], path)
    record([figure("b", 2, "ms", limit=4, at_least=0.9)], path)

    entries = json.loads(path.read_text())
    assert [(e["name"], e["value"]) for e in entries] == [("a", 12_345.6), ("b", 2)]
    assert all(e["machine"] and e["commit"] for e in entries)
    assert capsys.readouterr().out.splitlines() == [
        "b: 1 ms",
        "a: 12,346 per s",
        "b: 2 ms; limit 4, ratio 0.50; goal >= 0.9: NOT met",
    ]
