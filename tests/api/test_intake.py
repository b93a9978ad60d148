"""What came in, and what was set aside, over JSON."""

from collections.abc import Callable

import pytest

from analysis.compactor import compact_once
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.vocabulary import PersonRole
from tests import factories
from tests.analysis.intake import events
from tests.api.conftest import Caller
from tests.api.event_doors import door_client, message, post


@pytest.fixture
def sent(context: Context) -> None:
    inbox = Inbox.for_settings(context.settings)
    doors = door_client(context, inbox)
    seen = {"experimentId": "checkout", "variationId": "Variant B"}
    wrong = message(1, event="Experiment Viewed", properties=seen)
    batch = {"batch": [wrong, message(2), message(2)]}
    assert post(doors, "/v1/batch", batch).status_code == 200
    inbox.close()
    compact_once(context)


@pytest.mark.usefixtures("sent")
def test_quarantine__mended__is_read_again(api: Caller, context: Context) -> None:
    (source,) = api.get("/event-sources").json["items"]
    assert source["day"] == {
        "events": 1,
        "late": 0,
        "duplicates": 1,
        "conflicts": 0,
        "rejected": 1,
    }
    assert (source["usual"], source["is_usual"]) == (None, True)
    (group,) = api.get("/quarantine").json["items"]
    assert (group["count"], group["replayable_count"]) == (1, 1)
    assert group["example"]["properties"]["variationId"] == "aaaaaaa a"
    pile = {name: group[name] for name in ("source", "environment", "reason")}
    first = api.post("/quarantine/replays", pile)
    assert first.status_code == 200, first.text
    assert (first.json["stored_count"], first.json["refused_count"]) == (0, 1)
    values = {"values": {"Variant B": "nudge"}}
    again = api.post("/quarantine/replays", {**pile, **values})
    assert again.json == {"stored_count": 1, "refused_count": 0, "refusal": None}
    compact_once(context)
    assert "nudge" in [row["variant"] for row in events(context)]
    assert api.get("/quarantine").json["items"] == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_quarantine__by_role__is_open_or_refused(
    as_role: Callable[..., Caller],
) -> None:
    viewer, analyst = as_role(PersonRole.VIEWER), as_role(PersonRole.ANALYST)
    assert viewer.get("/event-sources").status_code == 200
    assert viewer.get("/quarantine").status_code == 403
    assert analyst.get("/quarantine").status_code == 200
    pile = {"source": "s", "environment": "production", "reason": "invalid_score"}
    assert analyst.post("/quarantine/replays", pile).status_code == 403


@pytest.mark.usefixtures("sent")
def test_exposures__by_day__of_an_experiment(api: Caller, context: Context) -> None:
    assert api.get("/exposures").json["items"] == []  # what came was set aside
    inbox = Inbox.for_settings(context.settings)
    seen = {"experimentId": "checkuot", "variationId": "nudge"}
    viewed = message(7, event="Experiment Viewed", properties=seen)
    assert post(door_client(context, inbox), "/v1/track", viewed).status_code == 200
    inbox.close()
    compact_once(context)
    (named,) = api.get("/exposures").json["items"]
    assert (named["experiment"], named["state"]) == ("checkuot", "unknown_experiment")
    assert named["exposure_count"] == 1
    assert api.get("/experiments/checkuot/exposures").status_code == 404


@pytest.mark.usefixtures("drafted")
def test_exposures__before_any_came__are_an_empty_list(api: Caller) -> None:
    path = f"/experiments/{factories.EXPERIMENT}/exposures"
    assert api.get(path).json == {"items": []}
