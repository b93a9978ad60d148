"""Segment sizes as pages show them: how old they are, and what to send without one."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from analysis import wording
from analysis.segment_sizes import SizeView
from experiments.models import SegmentVersion

NOT_COUNTED = "Not counted yet: that takes a few minutes after a change."
EVERYBODY_EXAMPLE = {"plan": "pro"}


@dataclass(frozen=True, slots=True)
class SizeShown:
    """A segment's size for a page.

    Attributes:
        sentence: how large it is, or why that is not known.
        age: how old that is; "" before it was counted.
        gap: for whom the rule had nothing to go by; "".
        overlaps: experiment, share in its segment, share seen in it.
        short: the size in a few words.
        example: an identify call to send, as JSON; "" where it is known.
    """

    sentence: str
    age: str
    gap: str
    overlaps: tuple[tuple[str, str, str], ...]
    short: str
    example: str


def shown(view: SizeView | None, now: datetime) -> SizeShown:
    """Lay a size out for a page.

    Args:
        view: None before the segment was counted.
        now: for its age.

    Returns:
        What to show.
    """
    if view is None:
        return SizeShown(NOT_COUNTED, "", "", (), "not counted yet", "")
    ago = wording.age((now - view.measured_at).total_seconds())
    overlaps = tuple(
        (each.experiment, view.part(each.shared), view.part(each.seen))
        for each in view.overlaps
        if view.customers
    )
    return SizeShown(
        sentence=view.sentence,
        age=f"Counted {ago} ago.",
        gap=view.gap,
        overlaps=overlaps,
        short=view.short,
        example="" if view.is_known else _identify(view),
    )


def all_shown(
    versions: Mapping[str, SegmentVersion],
    sizes: Mapping[int, SizeView],
    now: datetime,
) -> dict[str, SizeShown]:
    """Lay the sizes of many segments out.

    Args:
        versions: the newest of each segment, by key.
        sizes: by number of the version.
        now: for their age.

    Returns:
        Key -> what to show.
    """
    return {key: shown(sizes.get(v.id), now) for key, v in versions.items()}


def _identify(view: SizeView) -> str:
    traits = dict.fromkeys(view.attributes, "...") or EVERYBODY_EXAMPLE
    call = {"type": "identify", "userId": "customer-1", "traits": traits}
    return json.dumps(call, ensure_ascii=False)
