"""From assignment to outcome: do the counts of the three places fit together? Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from analysis import wording
from experiments.vocabulary import CheckState

FEW = 100  # customers; fewer diverge by chance
MOST_EXTRA = 0.1  # of the assigned, who were exposed without
LEAST_EXPOSED = 0.5  # of the assigned
LEAST_WITH_OUTCOME = 0.01  # of the exposed
UNEQUAL = 0.05  # between variants, of exposed to assigned
_SKETCH_ERROR = 0.016  # of the number of assigned, one standard deviation
_SURE = 4.0  # standard deviations


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What the comparison found."""

    state: CheckState
    sentence: str
    facts: Mapping[str, float | int | str | bool | None] = field(default_factory=dict)


def reconcile(
    assigned: Mapping[str, int],
    exposed: Mapping[str, int],
    everybody: int,
    with_outcome: int | None,
    watched: int,
) -> Reconciled:
    """Compare customers assigned, exposed and with an outcome.

    Args:
        assigned: variant -> customers, about; empty where no door was asked.
        exposed: variant -> customers that are analysed.
        everybody: all customers who were exposed, those left out too.
        with_outcome: of the analysed, those with an event that a metric reads; None
            where that was not counted.
        watched: of the analysed, those who were exposed a day ago or more; the others
            may yet have an event.

    Returns:
        The counts in words, with a notice where they diverge. Outcomes are told for
        all variants together, so that nothing shows which one does better.
    """
    total = sum(assigned.values())
    facts: dict[str, float | int | str | bool | None] = {
        "assigned": total or None,
        "exposed": everybody,
        "analysed": sum(exposed.values()),
        "with_outcome": with_outcome,
    }
    facts |= {f"assigned_{name}": n for name, n in assigned.items()}
    said = [f"exposed {wording.count(everybody)}"]
    if total:
        said.insert(0, f"assigned about {wording.count(total)}")
    if with_outcome is not None:
        said.append(f"with an outcome {wording.count(with_outcome)}")
    sentence = f"Customers {', '.join(said)}."
    faults = _faults(assigned, exposed, everybody, with_outcome, watched)
    if faults:
        text = " ".join([sentence, *faults])
        return Reconciled(CheckState.NOTICE, text, facts)
    if not total:
        sentence += (
            " Assignments were not counted: apps that evaluate rules themselves tell"
            " of none."
        )
        return Reconciled(CheckState.NOT_APPLICABLE, sentence, facts)
    return Reconciled(CheckState.PASSED, sentence, facts)


def _faults(
    assigned: Mapping[str, int],
    exposed: Mapping[str, int],
    everybody: int,
    with_outcome: int | None,
    watched: int,
) -> Sequence[str]:
    found = []
    total = sum(assigned.values())
    if total and everybody > total * (1 + MOST_EXTRA) + FEW:
        found.append(
            "More were exposed than assigned here: some apps evaluate rules themselves,"
            " or send exposures without asking."
        )
    if total >= FEW and everybody < total * LEAST_EXPOSED:
        found.append(
            "Most who were assigned were never exposed: is the exposure sent where"
            " customers see the variant?"
        )
    lowest = _lowest_rate(assigned, exposed)
    if lowest is not None:
        found.append(
            f"Of {lowest} fewer were exposed than of the others; are exposures lost?"
        )
    if (
        with_outcome is not None
        and watched >= FEW
        and with_outcome < watched * LEAST_WITH_OUTCOME
    ):
        found.append(
            "Almost nobody has an event that a metric reads: do exposures and events"
            " carry the same ids?"
        )
    return found


def _lowest_rate(assigned: Mapping[str, int], exposed: Mapping[str, int]) -> str | None:
    """Name the variant whose assigned customers were exposed least, if that is sure."""
    rates = {
        name: (min(exposed.get(name, 0) / n, 1.0), n)
        for name, n in assigned.items()
        if n >= FEW and name in exposed
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
