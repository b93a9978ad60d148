"""Customers with a known truth: what they would do under each variant.

Used by the demo company and by simulations that check what Abide says against what is
true. A world is a function of its seed alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np

WEEK_DAYS = 7
WEEKS_WATCHED = 6
RETENTION_WEEK = 4  # active in days 28 to 34 is what "retained" means here
SURVEY_DAY = 14.0
SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class ArmTruth:
    """What is true of one variant's customers."""

    name: str
    share: float  # share that really gets it; a fault makes it differ from the plan
    retained_share: float  # active in days 28 to 34 since exposure
    csat_shift: float = 0.0  # moves the whole distribution of answers, in points
    invited_share: float = 0.6
    answer_share: float = 0.6  # of those invited


@dataclass(frozen=True, slots=True)
class GroupTruth:
    """Customers of one segment, exposed to one experiment."""

    experiment: str
    prefix: str  # of the customer ids
    size: int
    arms: tuple[ArmTruth, ...]
    attributes: Mapping[str, Any]
    first_day: float  # exposures happen from here ...
    last_day: float  # ... to here, in days before now (first_day > last_day)
    plans: tuple[str, ...] = ("starter", "business")


@dataclass(frozen=True, slots=True)
class Life:
    """One customer's story. Days count from exposure; `score` None is silence."""

    customer: str
    variant: str
    attributes: Mapping[str, Any]
    exposed_at: datetime
    active_days: tuple[float, ...]
    invited: bool
    score: int | None
    experiment: str = field(default="")


def lives(truth: GroupTruth, seed: int, now: datetime) -> Iterator[Life]:
    """Draw every customer of a group.

    Args:
        truth: what holds for the group.
        seed: the same seed draws the same customers, whatever was drawn before.
        now: the time that `first_day` and `last_day` count back from.

    Yields:
        One life a customer, in order of exposure.
    """
    random = np.random.default_rng([seed, _number(truth.experiment)])
    shares = np.array([arm.share for arm in truth.arms])
    arms = random.choice(len(truth.arms), truth.size, p=shares / shares.sum())
    before = np.sort(random.uniform(truth.last_day, truth.first_day, truth.size))[::-1]
    plans = random.integers(len(truth.plans), size=truth.size)
    tenures = random.integers(0, 30, size=truth.size)
    for index in range(truth.size):
        arm = truth.arms[arms[index]]
        invited = bool(random.random() < arm.invited_share)
        answers = invited and bool(random.random() < arm.answer_share)
        yield Life(
            customer=f"{truth.prefix}-{seed}-{index:05d}",
            variant=arm.name,
            attributes={
                **truth.attributes,
                "plan": truth.plans[plans[index]],
                "tenure_days": int(truth.attributes["tenure_days"])
                + int(tenures[index]),
            },
            exposed_at=now - timedelta(seconds=float(before[index]) * SECONDS_A_DAY),
            active_days=_active_days(random, arm.retained_share),
            invited=invited,
            score=_score(random, arm.csat_shift) if answers else None,
            experiment=truth.experiment,
        )


def messages(life: Life, now: datetime) -> Iterator[dict[str, Any]]:
    """Tell a life as the messages that a Segment client would send.

    Nothing after `now` is told: it has not happened yet.
    """
    yield from told_before_exposure(life)
    yield exposure_message(life)
    yield from told_after_exposure(life, now)


def told_before_exposure(life: Life) -> Iterator[dict[str, Any]]:
    """Tell who the customer is, an hour before the exposure."""
    at = life.exposed_at - timedelta(hours=1)
    yield _message(life, "identify", at, "i") | {"traits": dict(life.attributes)}


def exposure_message(life: Life) -> dict[str, Any]:
    """Tell that the customer saw the variant."""
    return _track(
        life,
        "Experiment Viewed",
        life.exposed_at,
        "x",
        {"experimentId": life.experiment, "variationId": life.variant},
    )


def told_after_exposure(life: Life, now: datetime) -> Iterator[dict[str, Any]]:
    """Tell what the customer did and answered since, up to `now`."""
    for number, day in enumerate(life.active_days):
        at = life.exposed_at + timedelta(days=day)
        if at < now:
            yield _track(life, "Project Opened", at, f"a{number}", {})
    asked = life.exposed_at + timedelta(days=SURVEY_DAY)
    if life.invited and asked < now:
        yield _track(life, "CSAT Requested", asked, "q", {})
        answered = asked + timedelta(hours=5)
        if life.score is not None and answered < now:
            properties = {"score": life.score, "scale": 5}
            yield _track(life, "CSAT Submitted", answered, "s", properties)


def _active_days(
    random: np.random.Generator, retained_share: float
) -> tuple[float, ...]:
    """Draw days of activity: to the end for who stays, up to the lapse for who goes."""
    if random.random() < retained_share:
        weeks = WEEKS_WATCHED
    else:
        weeks = int(random.integers(0, RETENTION_WEEK))
    offsets = random.uniform(0.05, WEEK_DAYS - 0.05, weeks)
    return tuple(
        float(week * WEEK_DAYS + offset) for week, offset in enumerate(offsets)
    )


def _score(random: np.random.Generator, shift: float) -> int:
    latent = random.normal(3.8 + shift, 1.1)
    return int(np.clip(np.rint(latent), 1, 5))


def _track(
    life: Life, event: str, at: datetime, tag: str, properties: dict[str, Any]
) -> dict[str, Any]:
    body = _message(life, "track", at, tag)
    return body | {"event": event, "properties": properties}


def _message(life: Life, kind: str, at: datetime, tag: str) -> dict[str, Any]:
    return {
        "type": kind,
        "messageId": f"{life.experiment}:{life.customer}:{tag}",
        "userId": life.customer,
        "timestamp": at.isoformat(timespec="milliseconds"),
    }


def _number(text: str) -> int:
    return int.from_bytes(text.encode()[:16], "big")
