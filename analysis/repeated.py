"""One comparison at a look: how far its range must reach, for there are many looks.

Each estimator is asked for an interval at the level that corresponds to the boundary,
so that shares, means, ratios, adjusted, clustered and survival estimates are handled
alike and keep their small-sample form. Between looks the estimates correlate by their
information, 1 / variance, whatever they are estimates of.

A repeated interval holds whether or not the experiment stops (Jennison and Turnbull
1989, "Interim analyses: the repeated confidence interval approach", JRSS B 51(3)). For
the metric that decides, the look that ends the experiment is read in the order of
stages instead: median-unbiased, with the p-value that belongs to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from analysis.looks import Key, Look, Trace
from analysis.stats import confidence_sequence as sequence
from analysis.stats.boundaries import (
    MAX_Z,
    Bounds,
    boundaries,
    level_of,
)
from analysis.stats.estimate import Estimate, Interval, Lift, NotComputable, Outcome
from analysis.stats.intervals import GRADES, normal_value, t_value
from analysis.stats.spending import Spending, obrien_fleming, pocock, spent_by
from analysis.stats.stagewise import Stopped, interval, median_unbiased, p_value
from experiments.vocabulary import MonitoringMode, Reason

Compare = Callable[[float], Outcome]  # level -> outcome


@dataclass(frozen=True, slots=True)
class Asked:
    """What is compared at a look, and for whom.

    Attributes:
        key: metric, variant and segment.
        alpha: two-sided, for this comparison over all looks.
        decides: whether the plan's answer hangs on it: the primary, for everybody.
        harm_sign: 1 where a rise would be harm, -1 where a fall would; None for
            what is no guardrail.
        rarer: customers of a group with the rarer outcome, in the group that has
            fewer; None where outcomes are no events.
        family: treatments that share alpha; 1 where each has its own.
    """

    key: Key
    alpha: float
    decides: bool = False
    harm_sign: int | None = None
    rarer: int | None = None
    family: int = 1


@dataclass(frozen=True, slots=True)
class _Seen:
    """The comparison as it stands, before it is known how far a range must reach."""

    plain: Estimate
    error: float
    times: tuple[float, ...]  # of the looks at which it could be computed
    information: tuple[float, ...]


def treatments_at_look(
    look: Look,
    asked: Mapping[str, Asked],
    compare: Callable[[str, float], Outcome],
) -> tuple[dict[str, Outcome], dict[str, Trace]]:
    """Compare each treatment at a look; a family of them by Holm, over all looks.

    What is not found yet gets the false alarms of what is: Maurer and Bretz (2013),
    "Multiple testing in group sequential trials using graphical approaches",
    Stat Biopharm Res 5(4).

    Args:
        look: which one.
        asked: treatment -> what is compared.
        compare: gives the comparison of a treatment with control at a level.

    Returns:
        Treatment -> outcome, in the order asked; treatment -> what later looks need,
        without those that could not be computed.
    """
    outcomes: dict[str, Outcome] = {}
    traces: dict[str, Trace] = {}
    waiting = list(asked)
    found = 0
    while waiting:
        for name in waiting:
            ask = asked[name]
            shared = replace(ask, alpha=ask.alpha / max(1, ask.family - found))
            outcomes[name], trace = at_look(look, shared, partial(compare, name))
            if trace is not None:
                traces[name] = trace
        crossed = [n for n in waiting if _has_crossed(look, asked[n], traces.get(n))]
        found += len(crossed)
        waiting = [n for n in waiting if n not in crossed and asked[n].family > 1]
        if not crossed:
            break
    return {name: outcomes[name] for name in asked}, traces


def _has_crossed(look: Look, asked: Asked, trace: Trace | None) -> bool:
    """Whether a boundary was crossed, at this look or before."""
    earlier = any(past.crossed for _, past in look.before(asked.key))
    return earlier or (trace is not None and trace.crossed)


def at_look(look: Look, asked: Asked, compare: Compare) -> tuple[Outcome, Trace | None]:
    """Compare two groups so that all looks together keep their promise.

    Args:
        look: which one.
        asked: what is compared.
        compare: gives the comparison at a level.

    Returns:
        The outcome with the range to show, and what later looks need of it; None
        where it cannot be computed, so that nothing was looked at.
    """
    plain = compare(1 - asked.alpha)
    if isinstance(plain, NotComputable):
        return plain, None
    error = standard_error(plain)
    if error is None:
        return NotComputable(Reason.NO_VARIATION), None
    if look.mode == MonitoringMode.ALWAYS_VALID:
        return _on_any_day(look, asked, compare, plain, error)
    before = look.before(asked.key)
    seen = _Seen(
        plain,
        error,
        (*(time for time, _ in before), look.time),
        (*(trace.information for _, trace in before), error**-2),
    )
    if not before and look.time >= 1:
        return _only_look(asked, seen)
    if asked.harm_sign is not None:
        return _guardrail(look, asked, compare, seen)
    return _two_sided(look, asked, compare, seen)


def standard_error(estimate: Estimate) -> float | None:
    """Read the standard error out of an interval.

    Args:
        estimate: with its interval at some level; `dof` among its facts where Student's
            t made it.

    Returns:
        The error, above 0; None where an end is open or nothing varies.
    """
    low, high, level = (
        estimate.interval.low,
        estimate.interval.high,
        estimate.interval.level,
    )
    if low is None or high is None or not high > low:
        return None
    dof = estimate.facts.get("dof")
    ordinary = not isinstance(dof, (int, float)) or dof <= 0
    value = normal_value(level) if ordinary else t_value(level, float(dof or 1))
    return (high - low) / 2 / value


def _only_look(asked: Asked, seen: _Seen) -> tuple[Outcome, Trace]:
    """The first look is the last: nothing differs from a fixed end."""
    bound = normal_value(1 - asked.alpha)
    z = _z(seen.plain, bound)
    return seen.plain, _trace(seen, seen.plain, z, bound)


def _two_sided(
    look: Look, asked: Asked, compare: Compare, seen: _Seen
) -> tuple[Outcome, Trace | None]:
    bounds = _bounds(seen, asked.alpha, obrien_fleming, two_sided=True)
    bound = min(bounds.upper[-1], MAX_Z)
    wide = compare(level_of(bound))
    if isinstance(wide, NotComputable):
        return wide, None
    z = _z(wide, bound)
    crossed_before = _has_crossed(look, asked, None)
    stops = abs(z) > bound or (look.is_last and look.time >= 1)
    outcome = _shown(wide, seen.plain, asked.alpha)
    if asked.decides and stops and not crossed_before:
        outcome = _in_stages(outcome, seen, bounds, z)
    facts = _facts(look, seen, bound, z)
    if not look.is_last:
        facts["final_boundary"] = _final_bound(look, asked, seen)
    outcome = replace(outcome, facts={**outcome.facts, **facts})
    return outcome, _trace(seen, outcome, z, bound)


def _guardrail(
    look: Look, asked: Asked, compare: Compare, seen: _Seen
) -> tuple[Outcome, Trace | None]:
    """Two one-sided boundaries: harm is to be found early, safety not too early.

    The end that would show harm reaches as far as Pocock-type spending says, the end
    that rules harm out as far as O'Brien-Fleming-type does; each errs in alpha / 2.
    """
    harm = _bounds(seen, asked.alpha, pocock, two_sided=False).upper[-1]
    clear = _bounds(seen, asked.alpha, obrien_fleming, two_sided=False).upper[-1]
    harm, clear = min(harm, MAX_Z), min(clear, MAX_Z)
    towards_harm, towards_safe = compare(level_of(harm)), compare(level_of(clear))
    if isinstance(towards_harm, NotComputable) or isinstance(
        towards_safe, NotComputable
    ):
        return NotComputable(Reason.FAILED), None
    least, most = towards_harm.interval, towards_safe.interval
    rise_harms = asked.harm_sign == 1
    range_ = Interval(
        least.low if rise_harms else most.low,
        most.high if rise_harms else least.high,
        1 - asked.alpha,
    )
    outcome = replace(_shown(towards_safe, seen.plain, asked.alpha), interval=range_)
    z = seen.plain.effect / seen.error
    facts = _facts(look, seen, harm, z)
    outcome = replace(outcome, facts={**outcome.facts, **facts})
    return outcome, _trace(seen, outcome, z, harm)


def _on_any_day(
    look: Look, asked: Asked, compare: Compare, plain: Estimate, error: float
) -> tuple[Outcome, Trace | None]:
    few = _too_few_for_a_sequence(plain, asked.rarer)
    if few is not None:
        return few, None
    bound = sequence.multiplier(look.fraction, asked.alpha)
    wide = compare(level_of(bound))
    if isinstance(wide, NotComputable):
        return wide, None
    bound = min(bound, MAX_Z)
    z = _z(wide, bound)
    before = look.before(asked.key)
    last = before[-1][1] if before else None
    seen = (
        sequence.Seen()
        if last is None
        else sequence.Seen(last.seen_low, last.seen_high, last.seen_p)
    )
    own = replace(wide.interval, level=1 - asked.alpha)
    p = sequence.p_value(z, look.fraction, asked.alpha)
    range_, now = sequence.intersected(seen, own, p)
    outcome = _shown(wide, plain, asked.alpha)
    effect = plain.effect
    if range_.low is not None:
        effect = max(effect, range_.low)
    if range_.high is not None:
        effect = min(effect, range_.high)
    standing = _Seen(plain, error, (), (error**-2,))
    outcome = replace(
        outcome,
        effect=effect,
        interval=range_,
        p_value=now.p_value,
        facts={**outcome.facts, **_facts(look, standing, bound, z)},
    )
    trace = replace(
        _trace(standing, outcome, z, bound),
        seen_low=now.low,
        seen_high=now.high,
        seen_p=now.p_value,
    )
    if range_.low is not None and range_.high is not None and range_.low > range_.high:
        return NotComputable(Reason.RANGES_DISAGREE), trace
    return outcome, trace


def _too_few_for_a_sequence(plain: Estimate, rarer: int | None) -> NotComputable | None:
    arms = (plain.control, plain.treatment)
    units = min(arm.n if arm.n_accounts is None else arm.n_accounts for arm in arms)
    enough = units >= sequence.LEAST_UNITS
    if enough and (rarer is None or rarer >= sequence.LEAST_EVENTS):
        return None
    return NotComputable(
        Reason.BURN_IN,
        {"units": sequence.LEAST_UNITS, "events": sequence.LEAST_EVENTS},
    )


def _bounds(seen: _Seen, alpha: float, spend: Spending, *, two_sided: bool) -> Bounds:
    spent = spent_by(seen.times, alpha / 2, spend)
    return boundaries(seen.information, spent, two_sided=two_sided)


def _final_bound(look: Look, asked: Asked, seen: _Seen) -> float:
    """The boundary at the planned end, if the looks still planned are taken."""
    whole = seen.information[-1] / look.fraction
    planned = _Seen(
        seen.plain,
        seen.error,
        (*seen.times, *look.later),
        (*seen.information, *(whole * time for time in look.later)),
    )
    return _bounds(planned, asked.alpha, obrien_fleming, two_sided=True).upper[-1]


def _in_stages(shown: Estimate, seen: _Seen, bounds: Bounds, z: float) -> Estimate:
    """Read the look that ends the experiment in the order of stages."""
    looks = len(seen.times)
    if looks == 1:
        # Nothing came before: the plain reading is the one in the order of stages.
        return replace(
            shown,
            interval=seen.plain.interval,
            lift=seen.plain.lift,
            graded=seen.plain.graded,
            p_value=seen.plain.p_value,
        )
    stopped = Stopped(bounds, looks - 1, z)
    # In errors of the estimator's own interval, which need not be symmetric.
    scale = _own_error(shown, seen, z) / stopped.standard_error

    def scaled(level: float) -> Interval:
        found = interval(stopped, level)
        ends = (found.low, found.high)
        low, high = (None if end is None else end * scale for end in ends)
        return Interval(low, high, level)

    effect = median_unbiased(stopped) * scale
    lift = shown.lift
    if isinstance(lift, Lift) and shown.effect:
        lift = replace(lift, value=lift.value * effect / shown.effect)
    return replace(
        shown,
        effect=effect,
        interval=scaled(shown.interval.level),
        graded=tuple(scaled(grade) for grade in GRADES),
        p_value=p_value(stopped),
        lift=lift,
        facts={
            **shown.facts,
            "adjusted_for_looks": looks,
            "plain_effect": shown.effect,
        },
    )


def _own_error(shown: Estimate, seen: _Seen, z: float) -> float:
    return shown.effect / z if z else seen.error


def _shown(wide: Estimate, plain: Estimate, alpha: float) -> Estimate:
    """The repeated interval, with each group's own value as it is."""
    lift = wide.lift
    if isinstance(lift, Lift):
        lift = replace(lift, interval=replace(lift.interval, level=1 - alpha))
    return replace(
        wide,
        control=plain.control,
        treatment=plain.treatment,
        interval=replace(wide.interval, level=1 - alpha),
        lift=lift,
        p_value=None,
        graded=(),
    )


def _z(wide: Estimate, bound: float) -> float:
    """The statistic that is beyond the bound exactly when the range leaves out 0."""
    effect = wide.effect
    end = wide.interval.low if effect >= 0 else wide.interval.high
    reach = None if end is None else abs(effect - end)
    return effect / reach * bound if reach else 0.0


def _facts(
    look: Look, seen: _Seen, bound: float, z: float
) -> dict[str, float | int | str]:
    return {
        "look": look.number,
        "looks": look.planned,
        "fraction": look.fraction,
        "boundary": bound,
        "z": z,
        "standard_error": seen.error,
    }


def _trace(seen: _Seen, shown: Estimate, z: float, bound: float) -> Trace:
    return Trace(
        information=seen.information[-1],
        z=z,
        boundary=bound,
        effect=shown.effect,
        low=shown.interval.low,
        high=shown.interval.high,
        crossed=abs(z) > bound,
    )
