"""Were customers exposed as they were assigned, in time, and by people?"""

from collections.abc import Sequence
from dataclasses import replace

from analysis import wording
from analysis.exposure_counts import ExposureCounts
from analysis.health.check import (
    MAX_SHARE,
    NOTE_P_VALUE,
    Check,
    decimals_of,
    does_not_apply,
    left_out,
    noticed,
    passed,
)
from analysis.makeup import DELAYS, LATE, PACE, Makeup
from analysis.stats.estimate import NotComputable
from analysis.stats.homogeneity import homogeneity
from analysis.stats.srm import sample_ratio
from experiments.plan import Plan
from experiments.vocabulary import AssignedBy, CheckState, HealthCheck, Unit

FEW = 10  # machines; fewer may be more than 1 % by chance
LEAST_GAP = 0.01  # between variants, of exposures that came late


def two_variants(exposures: ExposureCounts) -> Check:
    """Check that customers stay in one variant."""
    return left_out(
        HealthCheck.TWO_VARIANTS,
        exposures.two_variants,
        exposures.units + exposures.two_variants,
        "were seen in two variants and are left out",
        "No customer was seen in two variants.",
        "Find why customers change groups.",
    )


def unknown_variants(exposures: ExposureCounts) -> Check:
    """Check that exposures name variants of the plan."""
    named = wording.joined(list(exposures.undeclared_names))
    return left_out(
        HealthCheck.UNKNOWN_VARIANTS,
        exposures.unknown_variants,
        exposures.everybody,
        f"were seen in variants the plan does not have ({named})",
        "All exposures name a variant of the plan.",
        "Send the variant names of the plan.",
    )


def contradicting(plan: Plan, exposures: ExposureCounts) -> Check:
    """Count customers whose exposures the assignment cannot have given.

    Intake compares each exposure with the rules in force at its time, where the id that
    was hashed comes with it. What is certain without: the hash gives a customer one
    variant, and one of the plan.
    """
    name = HealthCheck.CONTRADICTING_EXPOSURES
    if plan.design.assigned_by == AssignedBy.EXTERNAL:
        sentence = "Another system assigned the variants, so there is nothing to match."
        return Check(name, CheckState.NOT_APPLICABLE, sentence)
    found = left_out(
        name,
        exposures.contradicting,
        exposures.everybody,
        "were shown what their assignment at the time was not",
        _agreeing(exposures),
        "Show customers the variant that the assignment door answers, and send the"
        " exposure with the id it was asked with.",
    )
    known = {
        "wrongly_shown": exposures.wrongly_shown,
        "unchecked": exposures.unchecked,
    }
    return replace(found, facts={**found.facts, **known})


def _agreeing(exposures: ExposureCounts) -> str:
    """Say that nothing contradicts, and how much of it is known."""
    if not exposures.everybody or exposures.unchecked >= exposures.everybody:
        return "No exposure is known to contradict the assignment."
    if not exposures.unchecked:
        return "All exposures agree with the assignment in force at their time."
    share = exposures.unchecked / exposures.everybody
    return (
        "No exposure contradicts the assignment, as far as can be told: for"
        f" {wording.percent(share, decimals_of(share))} of customers some came without"
        " the id that was hashed, or from before the rules known."
    )


def delay(plan: Plan, makeup: Makeup, *, has_times: bool) -> Check:
    """Check that the exposures of all variants arrive equally soon.

    Where those of one variant come late, some may not have come at all.

    Args:
        plan: names the variants.
        makeup: customers by how late their first exposure was received.
        has_times: False for a unit table.

    Returns:
        NOTICE where a share of one variant's that matters came later.
    """
    name = HealthCheck.EXPOSURE_DELAY
    if not has_times:
        return does_not_apply(name, "The data have no times, so nothing can be late.")
    counts = [
        makeup.delays.get(v.name, (0,) * (len(DELAYS) + 1))
        for v in plan.design.variants
    ]
    facts: dict[str, object] = {
        f"late_share_{v.name}": _share_from(n, LATE) if sum(n) else None
        for v, n in zip(plan.design.variants, counts, strict=True)
    }
    total = [sum(column) for column in zip(*counts, strict=True)]
    if not sum(total):
        return does_not_apply(name, "No exposures so far, so none can be late.", facts)
    found = homogeneity(counts)
    if not isinstance(found, NotComputable):
        facts |= {"chi2": found.chi2, "p_value": found.p_value}
        place, gap = _widest_gap(counts)
        if found.p_value < NOTE_P_VALUE and gap >= LEAST_GAP:
            return noticed(name, _later(plan, counts, place), facts)
    soon = 1 - _share_from(total, LATE)
    sentence = (
        f"{wording.percent(soon)} of first exposures arrived within an hour, of all"
        " groups alike."
    )
    return passed(name, sentence, facts)


def _share_from(counts: Sequence[int], place: int) -> float:
    return sum(counts[place:]) / sum(counts) if sum(counts) else 0.0


def _widest_gap(counts: Sequence[Sequence[int]]) -> tuple[int, float]:
    """Find the delay by which variants differ most, and by what share."""
    gaps = []
    for place in range(1, len(DELAYS) + 1):
        shares = [_share_from(each, place) for each in counts]
        gaps.append((max(shares) - min(shares), place))
    gap, place = max(gaps)
    return place, gap


def _later(plan: Plan, counts: Sequence[Sequence[int]], place: int) -> str:
    late = wording.age(DELAYS[place - 1].total_seconds())
    if DELAYS[place - 1] < DELAYS[1]:
        late = f"{DELAYS[0].seconds} seconds"
    said = [
        f"{wording.percent(_share_from(each, place))} of {variant.name}"
        for variant, each in zip(plan.design.variants, counts, strict=True)
    ]
    return (
        f"First exposures arrived {late} late or later for {wording.joined(said)}."
        " Are some of one group lost?"
    )


def pace(plan: Plan, makeup: Makeup) -> Check:
    """Check for customers with more events in an hour than a person can have.

    Args:
        plan: names variants and split.
        makeup: how many customers were so fast.

    Returns:
        NOTICE where they are more than 1 %, or not split as planned.
    """
    name, fast = HealthCheck.MACHINES, makeup.fast
    if fast is None:
        sentence = "The data have no times, so nobody's pace is known."
        return does_not_apply(name, sentence)
    found, of = sum(fast.values()), sum(makeup.people.values())
    share = found / of if of else 0.0
    facts: dict[str, object] = {"customers": found, "of": of, "share": share}
    limit = f"{wording.count(PACE)} events or more within an hour"
    if not found:
        sentence = f"No customer had {limit}, as only machines have."
        return passed(name, sentence, facts)
    sentence = (
        f"{wording.count(found)} of {wording.count(of)} customers had {limit}, as only"
        " machines have."
    )
    shares = {variant.name: variant.share for variant in plan.design.variants}
    split = sample_ratio(fast, shares)
    if plan.design.unit == Unit.CUSTOMER and split.p_value is not None:
        facts["p_value"] = split.p_value
        if split.p_value < NOTE_P_VALUE:
            sentence += (
                " They are not split as planned: is one group's traffic filtered"
                " otherwise, or counted twice?"
            )
            return noticed(name, sentence, facts)
    if share > MAX_SHARE and found >= FEW:
        sentence += " Filter them out before they are sent, in all groups alike."
        return noticed(name, sentence, facts)
    return passed(name, sentence, facts)
