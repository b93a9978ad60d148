"""A notebook that works a run's figures out again, without Abide.

It holds the summary tables of the run and what was stored, and asks scipy and
statsmodels for the same: an analyst needs neither an account nor our code to check us.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from analysis.results import ResultView, RunView
from analysis.stats.estimate import ADJUSTED_BY, Estimate
from experiments.metric_definition import MetricDefinition
from experiments.plan import Plan
from experiments.vocabulary import EVERYBODY, MetricKind, MonitoringMode

FORMAT, MINOR = 4, 5  # nbformat
SHARES, MEANS = "newcombe", "welch"
CURVES = frozenset({"km_difference", "rmst_difference"})
_ARMS = ("control_n", "control_value", "variant_n", "variant_value")

_HEAD = """\
# {name}

{answer}

As of {as_of}, plan {sha256}.

This notebook holds the summary tables of the run, no customer. Its cells work the
figures out again with [scipy](https://scipy.org) and
[statsmodels](https://www.statsmodels.org) alone, and stop where one differs from what
Abide stored. `pip install scipy statsmodels` is all they need.
"""
_TOOLS = """\
import json
import math

from scipy import stats
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    score_test_proportions_2indep,
)


def successes(table, ask):
    \"\"\"Units and successes, of a yes/no outcome or of survey answers.\"\"\"
    if table["kind"] == "histogram":
        counts = table["counts"]
        best = sum(n for score, n in counts if score >= ask["satisfied_from"])
        return sum(n for _, n in counts), best
    if table["kind"] == "funnel":
        return table["n"], table["reached"][-1]
    return table["n"], table["successes"]


def moments(table):
    \"\"\"Units, mean and sample variance, of numbers or of survey answers.\"\"\"
    if table["kind"] == "histogram":
        counts = table["counts"]
        n = sum(k for _, k in counts)
        mean = math.fsum(score * k for score, k in counts) / n
        m2 = math.fsum(k * (score - mean) ** 2 for score, k in counts)
        return n, mean, m2 / (n - 1)
    return table["n"], table["mean"], table["m2"] / (table["n"] - 1)


def shares(control, variant, ask):
    (n0, x0), (n1, x1) = successes(control, ask), successes(variant, ask)
    alpha = 1 - ask["level"]
    low, high = confint_proportions_2indep(
        x1, n1, x0, n0, method="newcomb", compare="diff", alpha=alpha
    )
    z, p = score_test_proportions_2indep(
        x1, n1, x0, n0, compare="diff", correction=False, return_results=False
    )
    return {
        "control_n": n0, "control_value": x0 / n0,
        "variant_n": n1, "variant_value": x1 / n1,
        "change": x1 / n1 - x0 / n0, "low": low, "high": high, "p_value": p,
    }


def means(control, variant, ask):
    (n0, m0, v0), (n1, m1, v1) = moments(control), moments(variant)
    a, b = v0 / n0, v1 / n1
    dof = (a + b) ** 2 / (a**2 / (n0 - 1) + b**2 / (n1 - 1))
    half = stats.t.ppf((1 + ask["level"]) / 2, dof) * math.sqrt(a + b)
    test = stats.ttest_ind_from_stats(
        m1, math.sqrt(v1), n1, m0, math.sqrt(v0), n0, equal_var=False
    )
    return {
        "control_n": n0, "control_value": m0, "variant_n": n1, "variant_value": m1,
        "change": m1 - m0, "low": m1 - m0 - half, "high": m1 - m0 + half,
        "p_value": test.pvalue,
    }


def curve(table, ask):
    \"\"\"Kaplan-Meier's share on the day, or the mean days until then.\"\"\"
    times, status, weights = [], [], []
    left = table["n"]
    for day, events, censored in table["days"]:
        times += [day, day]
        status += [1, 0]
        weights += [events, censored]
        left -= events + censored
    times.append(table["days"][-1][0])
    status.append(0)
    weights.append(left)
    kept = [i for i, weight in enumerate(weights) if weight]
    found = SurvfuncRight(
        [times[i] for i in kept],
        [status[i] for i in kept],
        freq_weights=[weights[i] for i in kept],
    )
    steps = list(zip(found.surv_times, found.surv_prob))
    share, area, last = 1.0, 0.0, 0.0
    for day, after in steps:
        if day > ask["day"]:
            break
        area += share * (day - last)
        share, last = after, day
    return area + share * (ask["day"] - last) if ask["is_area"] else share


def curves(control, variant, ask):
    first, second = curve(control, ask), curve(variant, ask)
    return {
        "control_value": first, "variant_value": second, "change": second - first,
    }


WORK = {"newcombe": shares, "welch": means, "km_difference": curves,
        "rmst_difference": curves}
"""
_CHECK = """\
for result in RUN["results"]:
    who = f"{result['metric']}, {result['variant']}"
    if not result["compare"]:
        print(f"{who}: not worked out here ({result['why_not']})")
        continue
    work = WORK[result["method"]]
    found = work(result["control"], result["treatment"], result["ask"])
    for name in result["compare"]:
        stored = result["stored"][name]
        assert math.isclose(found[name], stored, rel_tol=1e-9, abs_tol=1e-12), (
            who, name, found[name], stored
        )
    print(f"{who}: change {found['change']:.6g}, as stored")
"""


def notebook(
    run: RunView, plan: Plan, summaries: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Write a notebook that reproduces what a run found about everybody.

    Args:
        run: one that shows its estimates.
        plan: the locked plan it was judged by.
        summaries: the tables that it was made from.

    Returns:
        A Jupyter notebook, format 4.5, as plain JSON.
    """
    body = {
        "experiment": run.experiment,
        "as_of": run.as_of.isoformat(),
        "plan_sha256": run.plan_sha256,
        "results": list(_results(run, plan, summaries)),
    }
    data = json.dumps(body, indent=1, ensure_ascii=True)
    head = _HEAD.format(
        name=plan.design.name,
        answer=run.answer,
        as_of=body["as_of"],
        sha256=run.plan_sha256,
    )
    # Written as JSON in a text of Python: names may hold any quotes.
    given = f"RUN = json.loads({json.dumps(data, ensure_ascii=True)})\n"
    cells = [
        _cell("head", "markdown", head),
        _cell("tools", "code", _TOOLS),
        _cell("run", "code", given),
        _cell("check", "code", _CHECK),
    ]
    return {
        "cells": cells,
        "metadata": {
            "kernelspec": {
                "display_name": "Python 3",
                "language": "python",
                "name": "python3",
            },
            "language_info": {"name": "python"},
        },
        "nbformat": FORMAT,
        "nbformat_minor": MINOR,
    }


def _cell(name: str, kind: str, text: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": name,
        "cell_type": kind,
        "metadata": {},
        "source": text.splitlines(keepends=True),
    }
    return body | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def _results(
    run: RunView, plan: Plan, summaries: Sequence[Mapping[str, Any]]
) -> Iterable[dict[str, Any]]:
    tables = {
        (table["metric"], table["variant"]): table
        for table in summaries
        if table["segment"] == EVERYBODY
    }
    control = plan.design.control.name
    for result in run.results:
        if result.segment != EVERYBODY or not isinstance(result.outcome, Estimate):
            continue
        outcome = result.outcome
        pair = [tables.get((result.metric, name)) for name in (control, result.variant)]
        compare, why_not = _comparable(plan, result, outcome, pair)
        yield {
            "metric": result.metric,
            "variant": result.variant,
            "method": outcome.method,
            "compare": compare,
            "why_not": why_not,
            "control": pair[0],
            "treatment": pair[1],
            "ask": _ask(plan.metric(result.metric).definition, outcome),
            "stored": _stored(outcome),
        }


def _ask(definition: MetricDefinition, outcome: Estimate) -> dict[str, Any]:
    return {
        "level": outcome.interval.level,
        "satisfied_from": definition.satisfied_from,
        "day": outcome.facts.get("tau", definition.day),
        "is_area": outcome.method == "rmst_difference",
    }


def _stored(outcome: Estimate) -> dict[str, float | None]:
    return {
        "control_n": outcome.control.n,
        "control_value": outcome.control.value,
        "variant_n": outcome.treatment.n,
        "variant_value": outcome.treatment.value,
        "change": outcome.effect,
        "low": outcome.interval.low,
        "high": outcome.interval.high,
        "p_value": outcome.p_value,
    }


def _comparable(
    plan: Plan,
    result: ResultView,
    outcome: Estimate,
    tables: Sequence[Mapping[str, Any] | None],
) -> tuple[list[str], str]:
    """Name the figures that a plain calculation must give, or why there is none."""
    if any(table is None or "kind" not in table for table in tables):
        return [], "its summary tables were not kept"
    kind = plan.metric(result.metric).definition.kind
    if outcome.method in CURVES:
        names = ["control_value", "variant_value", "change"]
    elif outcome.method in {SHARES, MEANS} and kind not in _OTHERWISE:
        names = [*_ARMS, "change"]
    else:
        return [], f"{outcome.method} takes more than these libraries have"
    if plan.design.monitoring_mode != MonitoringMode.FIXED_END:
        # Looks move estimate and range; each group's own value stays what it is.
        return [name for name in names if name != "change"], ""
    if outcome.method in CURVES:
        return names, ""
    is_plain = outcome.facts.get("p_method", "score") == "score"
    # What is adjusted has its range at a level of its own, and another p-value.
    if not is_plain or outcome.p_value is None or ADJUSTED_BY in outcome.facts:
        return [*names, "low", "high"], ""
    return [*names, "low", "high", "p_value"], ""


# Their table is not of the outcome itself: capped sums beside raw ones, or one row a
# customer who made contact.
_OTHERWISE = frozenset(
    {
        MetricKind.EVENT_COUNT,
        MetricKind.VALUE_SUM,
        MetricKind.RATIO,
        MetricKind.VALUE_QUANTILE,
        MetricKind.NPS,
    }
)
