"""Sample ratio of parts: of segments, days or sources, with their number allowed for.

The split of all customers decides whether results can be used (srm.py). Its parts say
where a fault comes from, so they are many, and are adjusted for it by Holm (1979).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.stats.multiplicity import holm
from analysis.stats.srm import SampleRatio, sample_ratio


@dataclass(frozen=True, slots=True)
class PartSplit:
    """How one part of the customers was split.

    Attributes:
        part: its name.
        split: its own test.
        p_value: for one look, adjusted by Holm over the parts.
        anytime_p_value: however often one looks, adjusted likewise.
        rest_p_value: of all customers but this part, for one look, not adjusted. Where
            it is large although the whole is off, the fault is in this part alone.
    """

    part: str
    split: SampleRatio
    p_value: float | None
    anytime_p_value: float | None
    rest_p_value: float | None


def split_by_part(
    counts: Mapping[str, Mapping[str, int]],
    shares: Mapping[str, float],
    whole: Mapping[str, int],
    family: int = 0,
) -> tuple[PartSplit, ...]:
    """Test the split of each part.

    Args:
        counts: part -> variant -> customers.
        shares: planned share of each variant.
        whole: variant -> customers of all, of which each part is a part.
        family: how many parts there will be in the end, where that is more than are
            here now: a test made anew for each new part, as every day is one, then
            raises no more false alarms over all of them than it states.

    Returns:
        One for each part, in their order.
    """
    splits = [sample_ratio(found, shares) for found in counts.values()]
    unseen: list[float | None] = [None] * max(0, family - len(splits))
    once = holm([*(split.p_value for split in splits), *unseen])
    always = holm([*(split.anytime_p_value for split in splits), *unseen])
    return tuple(
        PartSplit(
            part, split, p_value, anytime, _rest(whole, counts[part], shares).p_value
        )
        for part, split, p_value, anytime in zip(
            counts, splits, once, always, strict=False
        )
    )


def largest_first(parts: Sequence[PartSplit]) -> list[PartSplit]:
    """Order parts by how sure it is that they were not split as planned."""
    tested = [part for part in parts if part.p_value is not None]
    return sorted(tested, key=lambda each: (each.split.p_value or 0.0, each.part))


def _rest(
    whole: Mapping[str, int], part: Mapping[str, int], shares: Mapping[str, float]
) -> SampleRatio:
    rest = {name: max(0, whole.get(name, 0) - part.get(name, 0)) for name in shares}
    return sample_ratio(rest, shares)
