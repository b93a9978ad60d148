"""What stands beside one estimate, as it is stored: answers, silence, curves."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from analysis.answer_readings import readings_to_json
from analysis.estimating import Estimated
from analysis.followed import FollowedMore
from analysis.looks import Key, Trace
from analysis.outcome_json import outcome_to_json, response_to_json
from analysis.silence import silence_to_json
from analysis.stats.estimate import NotComputable
from analysis.stats.hazards import HazardRatio
from analysis.stats.survival import LogRank


def traces_of(estimated: Iterable[Estimated]) -> dict[Key, Trace]:
    """Gather what later looks need of each reading that has it."""
    return {
        (r.metric, r.variant, r.segment): each.trace
        for each in estimated
        for r in (each.reading,)
        if each.trace is not None
    }


def details_of(each: Estimated) -> dict[str, Any]:
    """Write what stands beside one estimate as plain JSON values.

    Args:
        each: one metric of one treatment and segment.

    Returns:
        Only what there is: "response", "silence", "answers"; of times "log_rank",
        "hazard_ratio", "median" and shares under their own names.
    """
    details: dict[str, Any] = {}
    if each.reading.response is not None:
        details["response"] = response_to_json(each.reading.response)
    if each.reading.silence is not None:
        details["silence"] = silence_to_json(each.reading.silence)
    if each.answers is not None:
        details["answers"] = readings_to_json(each.answers)
    if each.followed is not None:
        details |= _of_times(each.followed)
    return details


def _of_times(followed: FollowedMore) -> dict[str, Any]:
    details = {name: outcome_to_json(share) for name, share in followed.shares.items()}
    if followed.median is not None:
        details["median"] = outcome_to_json(followed.median)
    details["log_rank"] = _whole(followed.log_rank)
    details["hazard_ratio"] = _whole(followed.hazards)
    return details


def _whole(found: LogRank | HazardRatio | NotComputable) -> dict[str, Any]:
    if isinstance(found, NotComputable):
        return outcome_to_json(found)
    body = {"computable": True, **_listed(asdict(found))}
    if isinstance(found, HazardRatio):
        body["is_proportional"] = found.is_proportional
    return body


def _listed(body: Mapping[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in body.items()}
