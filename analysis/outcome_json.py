"""Outcomes as JSON values and back, for the stored result."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from analysis.stats.estimate import (
    ArmValue,
    Estimate,
    Interval,
    Lift,
    NotComputable,
    Outcome,
)
from experiments.vocabulary import Reason

if TYPE_CHECKING:
    # Whoever reads a stored result needs no estimator, and none of scipy.
    from analysis.stats.satisfaction import ResponseBalance


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """Write an outcome as plain JSON values.

    Args:
        outcome: an estimate or the reason why there is none.

    Returns:
        {"computable": True, ...} with the fields of `Estimate`, or
        {"computable": False, "reason", "facts"}.
    """
    if isinstance(outcome, NotComputable):
        return {
            "computable": False,
            "reason": outcome.reason.value,
            "facts": dict(outcome.facts),
        }
    body = asdict(outcome)
    body["graded"] = list(body["graded"])
    if isinstance(outcome.lift, NotComputable):
        body["lift"] = outcome_to_json(outcome.lift)
    else:
        body["lift"]["computable"] = True
    return {"computable": True, **body}


def outcome_from_json(body: Mapping[str, Any]) -> Outcome:
    """Read an outcome back.

    Args:
        body: what `outcome_to_json` wrote.

    Returns:
        The equal outcome.
    """
    if not body["computable"]:
        return _not_computable(body)
    return Estimate(
        method=body["method"],
        control=_arm(body["control"]),
        treatment=_arm(body["treatment"]),
        effect=body["effect"],
        interval=Interval(**body["interval"]),
        p_value=body["p_value"],
        lift=_lift(body["lift"]),
        graded=tuple(Interval(**each) for each in body["graded"]),
        facts=dict(body["facts"]),
    )


def response_to_json(balance: "ResponseBalance") -> dict[str, Any]:
    """Write who was exposed, asked and answered in both groups.

    Args:
        balance: of one survey metric and one treatment.

    Returns:
        {"control": {...}, "treatment": {...}, "p_value"}; the counts `exposed`,
        `invited`, `answered` and the shares `of_exposed`, `of_invited`.
    """
    return {
        "control": asdict(balance.control),
        "treatment": asdict(balance.treatment),
        "p_value": balance.p_value,
    }


def _not_computable(body: Mapping[str, Any]) -> NotComputable:
    return NotComputable(Reason(body["reason"]), dict(body["facts"]))


def _arm(body: Mapping[str, Any]) -> ArmValue:
    interval = body["interval"]
    return ArmValue(
        **{**body, "interval": None if interval is None else Interval(**interval)}
    )


def _lift(body: Mapping[str, Any]) -> Lift | NotComputable:
    if not body["computable"]:
        return _not_computable(body)
    return Lift(body["value"], Interval(**body["interval"]), body["method"])
