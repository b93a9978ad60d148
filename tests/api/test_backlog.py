"""The backlog over JSON: its order, what it is made of, what is done with it."""

from typing import Any

import pytest

from analysis.plan_basis import Basis
from experiments.context import Context
from tests.api.conftest import (
    Caller,
    csat_body,
    hypothesis_body,
    metric_body,
    segment_body,
)
from tests.baselines import keep_baseline
from tests.factories import HYPOTHESIS, RETENTION

PATH = f"/hypotheses/{HYPOTHESIS}"


@pytest.fixture
def made(api: Caller) -> dict[str, Any]:
    """Register two hypotheses, the second one of more work."""
    for path, body in (
        ("/segments", segment_body()),
        ("/metrics", metric_body()),
        ("/metrics", csat_body()),
        ("/hypotheses", hypothesis_body(key="twin", effort_weeks=6, reach=22_100)),
        ("/hypotheses", hypothesis_body(effort_weeks=3, reach=22_100)),
    ):
        answer = api.post(path, body)
        assert answer.status_code == 201, answer.text
    shown: dict[str, Any] = api.get(PATH).json
    return shown


def listed(api: Caller) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = api.get("/backlog").json["items"]
    return items


@pytest.mark.usefixtures("made")
def test_backlog__measured_baseline__is_in_every_score(
    api: Caller, context: Context
) -> None:
    missing = listed(api)[0]
    assert (missing["score"], missing["sentence"]) == (
        None,
        "Not ranked: the baseline is missing.",
    )
    keep_baseline(context, RETENTION, Basis(0.7))
    first, second = listed(api)
    # By hand, as in tests/analysis/test_backlog_score.py.
    assert first["score"]["value"] == pytest.approx(61.88)
    assert first["score"]["kept"]["likely"] == pytest.approx(309.4)
    assert (first["hypothesis"], first["place"], first["rank"]) == (HYPOTHESIS, 1, 1)
    assert second["score"]["value"] == pytest.approx(30.94)
    assert first["reach_measured_at"] is None  # stated
    assert first["baseline_measured_at"] == "2026-03-14T09:30:00Z"
    page = api.get("/backlog?limit=1").json
    rest = api.get(f"/backlog?limit=1&cursor={page['next_cursor']}").json
    assert [each["hypothesis"] for each in rest["items"]] == ["twin"]
    assert rest["next_cursor"] is None


def test_hypothesis__placed_parked_merged__says_so(
    api: Caller, made: dict[str, Any]
) -> None:
    assert (made["effort_weeks"], made["reach"], made["baseline"]) == (3, 22_100, None)
    assert api.put("/hypotheses/twin/place", {"place": 1}).json["place"] == 1
    assert listed(api)[0]["placed_by_hand"]
    assert api.put("/hypotheses/twin/place", {"place": None}).json["place"] is None
    parked = api.post(f"{PATH}/park", {"reason": "Not now."}).json
    assert (parked["parked_reason"], parked["parked_at"] is None) == ("Not now.", False)
    assert {e["hypothesis"]: e["standing"] for e in listed(api)} == {
        "twin": "idea",
        HYPOTHESIS: "parked",
    }
    assert api("DELETE", f"{PATH}/park").json["parked_at"] is None
    kept = api.post("/hypotheses/twin/merge", {"into": HYPOTHESIS})
    assert kept.json["key"] == HYPOTHESIS
    assert api.get("/hypotheses/twin").json["merged_into"] == HYPOTHESIS
    again = api.post("/hypotheses/twin/merge", {"into": HYPOTHESIS})
    assert (again.status_code, again.json["code"]) == (409, "conflict")


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("put", "/place", {"place": 0}, "place"),
        ("post", "/park", {"reason": " "}, "reason"),
        ("post", "/merge", {"into": "nothing"}, "into"),
    ],
)
def test_hypothesis__wrong__is_refused_by_field(
    api: Caller, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    answer = getattr(api, method)(f"{PATH}{path}", body)
    assert answer.status_code == 422
    assert set(answer.json["fields"]) == {field}
