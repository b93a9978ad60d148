"""Were customers split as planned: all of them, and of each segment, day and source?

All of them decide whether results can be used. The parts say where a fault comes from.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from analysis import wording
from analysis.exposure_counts import ExposureCounts
from analysis.health.check import (
    FIND_AND_RESTART,
    MAYBE_CHANCE,
    NOTICE_P_VALUE,
    Check,
    decimals_apart,
    does_not_apply,
    noticed,
    passed,
)
from analysis.makeup import Makeup
from analysis.membership import reported_segments
from analysis.stats.split_parts import PartSplit, largest_first, split_by_part
from analysis.stats.srm import SampleRatio, sample_ratio
from experiments.plan import Plan
from experiments.vocabulary import CheckState, HealthCheck

MOST_NAMED = 3
MOST_SOURCES = 50  # smaller ones are not compared
ALONE_P_VALUE = 0.05  # of all others; above it they were split as planned


def split_checks(
    plan: Plan,
    exposures: ExposureCounts,
    makeup: Makeup,
    until: datetime,
    *,
    has_times: bool,
) -> list[Check]:
    """Check the split of all customers, and of their parts.

    Args:
        plan: with the promised shares.
        exposures: customers by variant and day.
        makeup: customers by segment and source.
        until: data are complete up to here; the day of it is not over.
        has_times: False for a unit table, which has neither days nor sources.

    Returns:
        Four checks, in the order of `HealthCheck`.
    """
    whole = _sample_ratio(plan, exposures)
    doubted = whole.state in {CheckState.NOTICE, CheckState.FAILED}
    return [
        whole,
        _by_segment(plan, exposures, makeup, doubted=doubted),
        _by_day(plan, exposures, until, doubted=doubted, has_times=has_times),
        _by_source(plan, exposures, makeup, doubted=doubted, has_times=has_times),
    ]


def _shares(plan: Plan) -> dict[str, float]:
    return {variant.name: variant.share for variant in plan.design.variants}


def _sample_ratio(plan: Plan, exposures: ExposureCounts) -> Check:
    shares = _shares(plan)
    result = sample_ratio(exposures.analysed, shares)
    facts: dict[str, float | int | None] = {
        "p_value": result.p_value,
        "anytime_p_value": result.anytime_p_value,
        "chi2": result.chi2,
    }
    facts |= {f"n_{name}": n for name, n in result.observed.items()}
    name = HealthCheck.SAMPLE_RATIO
    if result.p_value is None:
        sentence = "Too few customers so far to check the split."
        return Check(name, result.state, sentence, facts)
    if result.state == CheckState.PASSED:
        return passed(name, "Customers were split as planned.", facts)
    text = f"{_off(result, shares, 'of customers')}."
    if result.state == CheckState.FAILED:
        return Check(name, result.state, f"{text} {FIND_AND_RESTART}", facts)
    return Check(name, result.state, f"{text} {MAYBE_CHANCE}", facts)


def _off(result: SampleRatio, shares: Mapping[str, float], of_whom: str) -> str:
    """Say which variant got how many of whom, and how many were planned."""
    worst = _farthest_variant(result)
    seen = result.observed[worst] / sum(result.observed.values())
    planned = shares[worst] / sum(shares.values())
    decimals = decimals_apart(seen, planned)
    return (
        f"{wording.percent(seen, decimals)} {of_whom} got {worst} where"
        f" {wording.percent(planned, decimals)} was planned"
    )


def _farthest_variant(result: SampleRatio) -> str:
    """Name the variant that adds most to chi-square; of two equal ones the last.

    With two variants both add alike when the split is even, and the treatment, which
    stands last, is the one people ask about.
    """
    parts = {
        name: (result.observed[name] - expected) ** 2 / expected
        for name, expected in result.expected.items()
    }
    largest = max(parts.values())
    return [name for name, part in parts.items() if part >= largest * (1 - 1e-9)][-1]


def _by_segment(
    plan: Plan, exposures: ExposureCounts, makeup: Makeup, *, doubted: bool
) -> Check:
    name, segments = HealthCheck.SPLIT_BY_SEGMENT, reported_segments(plan)
    if not makeup.by_segment:
        return does_not_apply(name, "No segments are declared, by which to check.")
    parts = split_by_part(makeup.by_segment, _shares(plan), exposures.analysed)
    found = _found(parts, doubted=doubted)
    titles = {label: f"of {segments[label].name}" for label in makeup.by_segment}
    facts = _facts(parts)
    if not any(part.p_value is not None for part in parts):
        return does_not_apply(name, _too_few("segment"), facts)
    if found:
        return noticed(name, _where(found, titles, _shares(plan)), facts)
    sentence = _as_planned("of each segment", "segment", doubted=doubted)
    return passed(name, sentence, facts)


def _by_day(
    plan: Plan,
    exposures: ExposureCounts,
    until: datetime,
    *,
    doubted: bool,
    has_times: bool,
) -> Check:
    name, design = HealthCheck.SPLIT_BY_DAY, plan.design
    if not has_times:
        return does_not_apply(name, "The data have no times, so there are no days.")
    days: dict[str, dict[str, int]] = {}
    for day, variant, n in exposures.by_day:
        if day < until.date():
            days.setdefault(day.isoformat(), {})[variant] = n
    # Every day brings a new test, so all the days that are planned are allowed for.
    planned = (design.planned_end_at - plan.exposures_from).days + 1
    parts = split_by_part(days, _shares(plan), exposures.analysed, planned)
    tested = sum(part.p_value is not None for part in parts)
    facts = {**_facts(parts), "days": tested}
    if not tested:
        return does_not_apply(name, _too_few("day"), facts)
    found = [p for p in largest_first(parts) if (p.p_value or 0) < NOTICE_P_VALUE]
    if found:
        titles = {
            day: f"of those who came on {wording.date(datetime.fromisoformat(day))}"
            for day in days
        }
        return noticed(name, _where(found, titles, _shares(plan)), facts)
    each = f"on each of {tested} days" if tested > 1 else "on the one day so far"
    return passed(name, _as_planned(each, "day", doubted=doubted), facts)


def _by_source(
    plan: Plan,
    exposures: ExposureCounts,
    makeup: Makeup,
    *,
    doubted: bool,
    has_times: bool,
) -> Check:
    name = HealthCheck.SPLIT_BY_SOURCE
    if makeup.by_source is None or not has_times:
        return does_not_apply(name, "The data come from one file.")
    sizes = {source: sum(n.values()) for source, n in makeup.by_source.items()}
    order = sorted(sizes, key=lambda source: (-sizes[source], source))
    counts = {source: makeup.by_source[source] for source in order[:MOST_SOURCES]}
    parts = split_by_part(counts, _shares(plan), exposures.analysed)
    facts = _facts(parts)
    if not any(part.p_value is not None for part in parts):
        return does_not_apply(name, _too_few("source"), facts)
    found = _found(parts, doubted=doubted)
    if found:
        titles = {source: f"of those who came through {source}" for source in counts}
        return noticed(name, _where(found, titles, _shares(plan)), facts)
    if len(parts) == 1:
        sentence = f"All customers came through one source: {parts[0].part}."
        return passed(name, sentence, facts)
    sentence = _as_planned("through each source", "source", doubted=doubted)
    return passed(name, sentence, facts)


def _found(parts: Sequence[PartSplit], *, doubted: bool) -> list[PartSplit]:
    """Find the parts that were not split as planned, the surest first.

    Looked at every night, a part stands out by what holds however often one looks.
    Where the split of all is in doubt already, one look says where that comes from.
    """
    return [
        part
        for part in largest_first(parts)
        if _or_one(part.anytime_p_value) < NOTICE_P_VALUE
        or (doubted and _or_one(part.p_value) < NOTICE_P_VALUE)
    ]


def _or_one(p_value: float | None) -> float:
    return 1.0 if p_value is None else p_value


def _where(
    found: Sequence[PartSplit], titles: Mapping[str, str], shares: Mapping[str, float]
) -> str:
    """Say of each part how it was split, and whether the fault is in one alone."""
    said = [_off(part.split, shares, titles[part.part]) for part in found[:MOST_NAMED]]
    sentence = f"{'; '.join(said)}."
    if len(found) > MOST_NAMED:
        sentence += f" {len(found) - MOST_NAMED} more are off too."
    if len(found) > 1:
        return f"{sentence} Look for what they have in common."
    if _or_one(found[0].rest_p_value) > ALONE_P_VALUE:
        return f"{sentence} All others were split as planned: the cause is there."
    return f"{sentence} Look for the cause there first."


def _as_planned(each: str, one: str, *, doubted: bool) -> str:
    if doubted:
        return f"No {one} stands out from the others."
    return (
        f"Customers {each} were split as planned."
        if each.startswith("of")
        else (f"Customers were split as planned {each}.")
    )


def _too_few(one: str) -> str:
    return f"Too few customers of any {one} so far to check its split."


def _facts(parts: Sequence[PartSplit]) -> dict[str, list[dict[str, object]]]:
    return {
        "parts": [
            {
                "part": part.part,
                "n": dict(part.split.observed),
                "p_value": part.p_value,
                "anytime_p_value": part.anytime_p_value,
            }
            for part in parts
        ]
    }
