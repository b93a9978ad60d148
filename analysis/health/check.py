"""One trust check as it came out, and what the sentences of several have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from analysis import wording
from experiments.vocabulary import CheckState, HealthCheck

MAX_SHARE = 0.01  # of customers in two, or in unplanned, variants
ALARM_P_VALUE = 0.0005  # blocks
NOTICE_P_VALUE = 0.01  # a notice about the split, by a test that allows for its looks
NOTE_P_VALUE = 0.001  # a notice by one that is made anew every night
FIND_AND_RESTART = "Find the cause and restart."
MAYBE_CHANCE = "This can still be chance; look for a cause."

Facts = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Check:
    """How one check came out."""

    name: HealthCheck
    state: CheckState
    sentence: str
    facts: Facts = field(default_factory=dict)


def passed(name: HealthCheck, sentence: str, facts: Facts | None = None) -> Check:
    """Make a check that found nothing."""
    return Check(name, CheckState.PASSED, sentence, facts or {})


def noticed(name: HealthCheck, sentence: str, facts: Facts | None = None) -> Check:
    """Make a check whose finding stands beside the answer."""
    return Check(name, CheckState.NOTICE, sentence, facts or {})


def does_not_apply(
    name: HealthCheck, sentence: str, facts: Facts | None = None
) -> Check:
    """Make a check that cannot be made here, or not yet."""
    return Check(name, CheckState.NOT_APPLICABLE, sentence, facts or {})


def left_out(
    name: HealthCheck, found: int, of: int, what: str, none: str, advice: str
) -> Check:
    """Judge how many customers had to be left out or doubted: 1 % is too many.

    Args:
        name: of the check.
        found: customers.
        of: customers in all.
        what: is the matter with them.
        none: sentence where there is nobody.
        advice: what to do where there are too many.

    Returns:
        The check.
    """
    share = found / of if of else 0.0
    facts = {"customers": found, "of": of, "share": share}
    if not found:
        return passed(name, none, facts)
    sentence = (
        f"{wording.percent(share, decimals_of(share))} of customers"
        f" ({wording.count(found)} of {wording.count(of)}) {what}."
    )
    if share > MAX_SHARE:
        return Check(name, CheckState.FAILED, f"{sentence} {advice}", facts)
    return noticed(name, sentence, facts)


def decimals_of(share: float) -> int:
    """Write enough decimals that a share above 0 does not look like 0."""
    decimals = 1
    while round(share * 100, decimals) == 0:
        decimals += 1
    return decimals


def decimals_apart(seen: float, planned: float) -> int:
    """Write enough decimals to tell two shares apart, one at least."""
    decimals = 1
    while round(seen * 100, decimals) == round(planned * 100, decimals):
        decimals += 1
    return decimals
