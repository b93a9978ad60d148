"""From assignment to outcome: do the counts of the three places fit together? Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis import glossary, wording
from analysis.trail import LEFT_OUT, WITHOUT_OUTCOME, Trail
from experiments.vocabulary import CheckState, Reached

FEW = 100  # customers; fewer diverge by chance
MOST_EXTRA = 0.1  # of the assigned, who were exposed without
LEAST_EXPOSED = 0.5  # of the assigned
LEAST_WITH_OUTCOME = 0.01  # of those analysed who were watched
UNEQUAL = 0.05  # between variants, of analysed to assigned
_SKETCH_ERROR = 0.016  # of the number of assigned, one standard deviation
_SURE = 4.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the comparison found."""

    state: CheckState
    sentence: str
    facts: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)


def reconcile(
    assigned: Mapping[str, int] | None,
    analysed: Mapping[str, int],
    trail: Trail,
    watched: int,
) -> Reconciled:
    """Compare customers assigned, exposed, analysed and with an outcome.

    All are counted up to one midnight (UTC), for assignments are counted by day.

    Args:
        assigned: variant -> customers, about; empty where no door was asked, None where
            another system assigns.
        analysed: variant -> customers whose exposure counts.
        trail: all customers who were exposed, and how far they came.
        watched: of the analysed, those who were exposed a day before its end or
            earlier; the others may yet have an event.

    Returns:
        The counts in words, with a notice where they diverge. Outcomes are told for
        all variants together, so that nothing shows which one does better.
    """
    given = assigned or {}
    facts = _facts(given, trail)
    if not trail.exposed and not given:
        sentence = (
            "Counted by whole days (UTC), and nobody was exposed before"
            f" {wording.date_time(trail.until)}."
        )
        return Reconciled(CheckState.NOT_APPLICABLE, sentence, facts)
    total = sum(given.values())
    sentence = " ".join([counted(total, trail), *explained(total, trail)])
    faults = _faults(given, analysed, trail, watched)
    if faults:
        return Reconciled(CheckState.NOTICE, " ".join([sentence, *faults]), facts)
    if not given:
        sentence += (
            " Another system assigned the variants; only exposures came here."
            if assigned is None
            else " Assignments were not counted: apps that evaluate rules themselves"
            " tell of none."
        )
        return Reconciled(CheckState.NOT_APPLICABLE, sentence, facts)
    return Reconciled(CheckState.PASSED, sentence, facts)


def _facts(
    assigned: Mapping[str, int], trail: Trail
) -> dict[str, float | int | str | bool | None]:
    facts: dict[str, float | int | str | bool | None] = {
        "until": trail.until.isoformat(),
        "assigned": sum(assigned.values()) or None,
        "exposed": trail.exposed,
        "analysed": trail.analysed,
        "with_outcome": trail.with_outcome,
    }
    facts |= {f"assigned_{name}": n for name, n in assigned.items()}
    return facts | {reached.value: n for reached, n in trail.differences.items()}


def counted(assigned: int, trail: Trail) -> str:
    """Say how many customers came how far, and up to when they were counted.

    Args:
        assigned: customers, about; 0 where that was not counted.
        trail: how far they came.

    Returns:
        One sentence.
    """
    said = [f"exposed {wording.count(trail.exposed)}"]
    if assigned:
        said.insert(0, f"assigned about {wording.count(assigned)}")
    said.append(f"of them analysed {wording.count(trail.analysed)}")
    if trail.with_outcome is not None:
        said.append(f"of them with an outcome {wording.count(trail.with_outcome)}")
    return f"Customers up to {wording.date_time(trail.until)}: {', '.join(said)}."


def explained(assigned: int, trail: Trail) -> list[str]:
    """Say where the difference from step to step comes from.

    Args:
        assigned: customers, about; 0 where that was not counted.
        trail: how far they came.

    Returns:
        Up to three sentences: who was not exposed, what others were left out for, and
        why further ones have no outcome.
    """
    parts = (("Left out", LEFT_OUT), ("Analysed without an outcome", WITHOUT_OUTCOME))
    said = []
    if assigned > trail.exposed:
        unseen = wording.count(assigned - trail.exposed)
        said.append(f"Assigned and not exposed: about {unseen}.")
    for begin, reasons in parts:
        found = [
            f"{wording.count(n)} {glossary.REACHED_WORDS[reached]}"
            for reached in reasons
            if reached != Reached.NOT_COUNTED and (n := trail.of(reached))
        ]
        if found:
            said.append(f"{begin}: {', '.join(found)}.")
    return said


def _faults(
    assigned: Mapping[str, int],
    analysed: Mapping[str, int],
    trail: Trail,
    watched: int,
) -> Sequence[str]:
    found = []
    total = sum(assigned.values())
    if total and trail.exposed > total * (1 + MOST_EXTRA) + FEW:
        found.append(
            "More were exposed than assigned here: some apps evaluate rules themselves,"
            " or send exposures without asking."
        )
    if total >= FEW and trail.exposed < total * LEAST_EXPOSED:
        found.append(
            "Most who were assigned were never exposed: is the exposure sent where"
            " customers see the variant?"
        )
    lowest = _lowest_rate(assigned, analysed)
    if lowest is not None:
        found.append(
            f"Of {lowest} fewer were exposed than of the others; are exposures lost?"
        )
    came = trail.with_outcome
    if came is not None and watched >= FEW and came < watched * LEAST_WITH_OUTCOME:
        found.append(
            "Almost nobody has an event that a metric reads: do exposures and events"
            " carry the same ids?"
        )
    return found


def _lowest_rate(
    assigned: Mapping[str, int], analysed: Mapping[str, int]
) -> str | None:
    """Name the variant whose assigned customers were exposed least, if that is sure."""
    rates = {
        name: (min(analysed.get(name, 0) / n, 1.0), n)
        for name, n in assigned.items()
        if n >= FEW and name in analysed
    }
    if len(rates) < 2:  # noqa: PLR2004  # nothing to compare
        return None
    low = min(rates, key=lambda name: rates[name][0])
    high = max(rates, key=lambda name: rates[name][0])
    (low_rate, low_n), (high_rate, high_n) = rates[low], rates[high]
    error = math.hypot(_error(low_rate, low_n), _error(high_rate, high_n))
    gap = high_rate - low_rate
    return low if gap > UNEQUAL * high_rate and gap > _SURE * error else None


def _error(rate: float, n: int) -> float:
    return math.hypot(math.sqrt(rate * (1 - rate) / n), _SKETCH_ERROR * rate)
