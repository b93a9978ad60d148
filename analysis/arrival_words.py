"""How many customers come week by week, in sentences."""

from analysis import wording
from analysis.stats.arrivals import Arrivals
from analysis.wording import count, joined
from experiments.vocabulary import Unit

FIRST_WEEKS = 4  # that are said one by one
RETURNING = 0.9  # fewer than this share of the first week's: many were there before


def arrivals_in_words(arrivals: Arrivals, unit: Unit) -> str:
    """Say how many come in the first weeks, and how many later.

    Args:
        arrivals: week by week.
        unit: who comes.

    Returns:
        A sentence, with numbers of two digits; it tells why they become fewer.
    """
    who = wording.units(unit)
    if arrivals.is_steady:
        return f"{wording.about(arrivals.later).capitalize()} new {who} come each week."
    first, *others = (*arrivals.weeks[:FIRST_WEEKS], arrivals.later)
    rounded = [count(wording.rounded_like(n, n)) for n in others]
    said = f"{wording.about(first).capitalize()} {who} come in the first week, then"
    if len(rounded) == 1:
        said = f"{said} about {rounded[0]} new ones each week"
    else:
        said = f"{said} {joined(rounded[:-1])} new ones, later {rounded[-1]} a week"
    if arrivals.later < RETURNING * first:
        return f"{said}: the others are the same {who}, who come back."
    return f"{said}."


def arrivals_asked(first: float | None, unit: Unit) -> str:
    """Ask how many come, where nobody has said and no data tell."""
    who = wording.units(unit)
    if first is None:
        return (
            f"how many {who} reach the change in the first week, and how many new ones"
            " in each week after it"
        )
    return f"how many new {who} come in each week after the first"
