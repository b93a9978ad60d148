"""The words of receipts: reasons, statuses and ranges of buckets. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from experiments.vocabulary import AssignmentReason, Status

REASON_WORDS: Mapping[AssignmentReason, str] = {
    AssignmentReason.SPLIT: "the hash of the id says so",
    AssignmentReason.NOT_IN_SEGMENT: "the customer is not in the segment",
    AssignmentReason.NOT_COVERED: "the enrolled share leaves this customer out",
    AssignmentReason.NOT_STARTED: "the experiment has not started",
    AssignmentReason.PAUSED: "the experiment is paused",
    AssignmentReason.STOPPED: "the experiment is stopped",
    AssignmentReason.DECIDED: "that was decided for everybody in the segment",
    AssignmentReason.NO_CONSENT: "the customer refused to take part",
    AssignmentReason.INVALID_UNIT: "there is no usable id",
    AssignmentReason.UNKNOWN_EXPERIMENT: "there is no experiment with this key",
    AssignmentReason.EXTERNAL: "another system assigns this experiment",
    AssignmentReason.PREVIEW: "a preview link says so",
    AssignmentReason.FORCED: "the test list says so",
    AssignmentReason.OPTED_OUT: "the customer is on the list of those who take no part",
    AssignmentReason.HELD_OUT: "a holdout keeps this customer out",
    AssignmentReason.NOT_IN_LAYER: "this part of the layer is not the experiment's",
    AssignmentReason.EARLIER_PHASE: "the customer was in an earlier phase",
}
STATUS_WORDS: Mapping[Status, str] = {
    Status.DRAFT: "The experiment is a draft.",
    Status.IN_REVIEW: "The experiment waits for its review.",
    Status.RUNNING: "The experiment is running.",
    Status.PAUSED: "The experiment is paused: everybody gets control.",
    Status.STOPPED: "The experiment is stopped: everybody gets control.",
    Status.DECIDED: "It is decided: the segment gets one variant.",
}


def numbers(value: int) -> str:
    """Write a bucket or their number: "6,213"."""
    return f"{value:,}"


def ranges_of(ranges: Iterable[Sequence[int]]) -> str:
    """Write ranges of buckets, given as first and one after the last.

    Args:
        ranges: in any order; an empty one is left out.

    Returns:
        Such as "0 to 4,999 and 6,000 to 6,499", or "no bucket".
    """
    words = [
        f"{numbers(first)} to {numbers(end - 1)}"
        for first, end in sorted(map(tuple, ranges))
        if end > first
    ]
    if len(words) <= 1:
        return words[0] if words else "no bucket"
    return f"{', '.join(words[:-1])} and {words[-1]}"
