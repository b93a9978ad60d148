"""The Cookie Cats experiment as events: 90,189 players, a gate at level 30 or at 40.

The file says whether a player came back on day 1 and on day 7, so one activity within
each of these days is told. Numbers: reference records cookie.* and the data's README.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

KEY = "gate-at-level-40"
PLAYERS = 90_189
EXPOSED_FROM = datetime(2026, 1, 1, tzinfo=UTC)
EXPOSED_DAYS = 28  # the players came in over four weeks


@dataclass(frozen=True, slots=True)
class Player:
    user_id: str
    variant: str
    exposed_at: datetime
    day_1: bool
    day_7: bool


def players(reference_data: Path) -> Iterator[Player]:
    path = reference_data / "cookie_cats" / "cookie_cats.csv"
    with path.open(newline="") as lines:
        for i, row in enumerate(csv.DictReader(lines)):
            yield Player(
                user_id=row["userid"],
                variant=row["version"],
                exposed_at=EXPOSED_FROM
                + timedelta(days=EXPOSED_DAYS) * (i * 7919 % PLAYERS / PLAYERS),
                day_1=row["retention_1"] == "True",
                day_7=row["retention_7"] == "True",
            )


def activity(player: Player) -> Iterator[datetime]:
    """Tell when the player came back."""
    if player.day_1:
        yield player.exposed_at + timedelta(days=1, hours=3)
    if player.day_7:
        yield player.exposed_at + timedelta(days=7, hours=20)


def messages(player: Player) -> Iterator[dict[str, Any]]:
    """Tell a player's story as a Segment client sends it."""
    yield {
        "type": "track",
        "messageId": f"{player.user_id}-x",
        "userId": player.user_id,
        "event": "Experiment Viewed",
        "properties": {"experimentId": KEY, "variationId": player.variant},
        "timestamp": player.exposed_at.isoformat(),
    }
    for number, moment in enumerate(activity(player)):
        yield {
            "type": "track",
            "messageId": f"{player.user_id}-{number}",
            "userId": player.user_id,
            "event": "Game Opened",
            "timestamp": moment.isoformat(),
        }


METRICS: tuple[dict[str, Any], ...] = tuple(
    {
        "key": f"day-{day}-retention",
        "name": f"Day-{day} retention",
        "description": f"Opened the game on day {day} after first exposure.",
        "definition": {
            "kind": "retention",
            "direction": "increase",
            "events": ["Game Opened"],
            "day": day,
        },
    }
    for day in (7, 1)
)
SEGMENT: dict[str, Any] = {
    "key": "new-players",
    "name": "New players",
    "description": "Everybody who installed the game.",
    "condition": {},
}
HYPOTHESIS: dict[str, Any] = {
    "key": "later-gate",
    "title": "A later first gate lets new players stay",
    "evidence": "opinion",
    "evidence_text": "Players complain about the first gate.",
    "change": "Move the first gate from level 30 to level 40.",
    "segment": "new-players",
    "metric": "day-7-retention",
    "direction": "increase",
    "expected_change": 0.01,
    "journey_stage": "onboarding",
    "friction_point": "The first gate stops play.",
    "if_up": "Keep the gate at level 40.",
    "if_flat": "Keep the gate at level 30.",
    "if_down": "Keep the gate at level 30.",
    "forecast": {
        "lift_low": -0.02,
        "lift_mid": 0.01,
        "lift_high": 0.04,
        "ship_probability": 0.5,
    },
}
EXPERIMENT: dict[str, Any] = {
    "key": KEY,
    "name": "Gate at level 40",
    "hypothesis": "later-gate",
    "goal": "churn_reduction",
    "assigned_by": "external",
    "unit": "customer",
    "segment": "new-players",
    "segment_version": 1,
    "variants": [
        {
            "name": name,
            "description": f"The first gate is at level {name[-2:]}.",
            "is_control": name == "gate_30",
            "share": 0.5,
            "parameters": {},
        }
        for name in ("gate_30", "gate_40")
    ],
    "coverage": 1.0,
    "metrics": [
        {
            "metric": metric["key"],
            "version": 1,
            "role": role,
            "change_that_matters": 0.005,
        }
        for metric, role in zip(METRICS, ("primary", "secondary"), strict=True)
    ],
    "monitoring_mode": "fixed_end",
    "planned_units": 90_000,
    "planned_end_at": "2026-02-10T00:00:00Z",
    "exposures_from": "2026-01-01T00:00:00Z",
}
