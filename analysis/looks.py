"""Looks at the estimates: those that were taken, and the one that is due. Values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from experiments.vocabulary import MonitoringMode

Key = tuple[str, str, str]  # metric, variant, segment


@dataclass(frozen=True, slots=True)
class Trace:
    """What a look keeps of one reading, so that later looks can count on it.

    Attributes:
        information: 1 / variance of the estimate.
        z: estimate / standard error.
        boundary: on the scale of z; beyond it the look decides.
        effect: as it was shown.
        low: end of the range shown; None for an end without bound.
        high: the other end.
        crossed: whether z lies beyond the boundary.
        seen_low: highest lower end so far, of a range that holds on any day.
        seen_high: lowest upper end so far.
        seen_p: smallest anytime p-value so far.
    """

    information: float
    z: float
    boundary: float
    effect: float
    low: float | None
    high: float | None
    crossed: bool
    seen_low: float | None = None
    seen_high: float | None = None
    seen_p: float = 1.0


@dataclass(frozen=True, slots=True)
class PastLook:
    """A look as it was taken.

    Attributes:
        number: from 1.
        as_of: when.
        mature_units: customers who were followed to the end.
        fraction: of the planned size; for spending, at most 1.
        spent: of the accepted false alarms, by now.
        ended: whether it was the last one.
        run_id: of the run that took it.
        traces: what it keeps.
    """

    number: int
    as_of: datetime
    mature_units: int
    fraction: float
    spent: float
    ended: bool
    run_id: int
    traces: Mapping[Key, Trace]


@dataclass(frozen=True, slots=True)
class History:
    """What happened under a plan before an analysis.

    Attributes:
        looks: taken before it, in their order.
        newest_at: time of the newest good analysis; looks are taken forwards only.
        is_repeat: whether a look was taken at this very time, and is made again.
    """

    looks: tuple[PastLook, ...] = ()
    newest_at: datetime | None = None
    is_repeat: bool = False

    @property
    def ending(self) -> PastLook | None:
        """The look after which there are no more; None while there may be."""
        return next((look for look in self.looks if look.ended), None)


@dataclass(frozen=True, slots=True)
class Look:
    """A look that the plan allows now.

    Attributes:
        mode: of the plan.
        number: from 1.
        planned: how many there are, if none is left out and none ends it early.
        fraction: of the planned size that is in; may pass 1.
        time: share of the accepted false alarms' clock, up to 1.
        is_last: whether nothing comes after it.
        later: shares of the planned size of the looks still to come.
        past: looks before.
    """

    mode: MonitoringMode
    number: int
    planned: int
    fraction: float
    time: float
    is_last: bool
    later: tuple[float, ...] = ()
    past: tuple[PastLook, ...] = field(default=())

    @property
    def is_only(self) -> bool:
        """Whether nothing was looked at before or will be after: as a fixed end."""
        return self.is_last and not self.past

    def before(self, key: Key) -> list[tuple[float, Trace]]:
        """Find what earlier looks kept of a reading, each with its fraction."""
        return [
            (look.fraction, look.traces[key])
            for look in self.past
            if key in look.traces
        ]


def traces_to_json(traces: Mapping[Key, Trace]) -> list[dict[str, Any]]:
    """Write traces as plain JSON values."""
    return [
        {"metric": metric, "variant": variant, "segment": segment, **asdict(trace)}
        for (metric, variant, segment), trace in traces.items()
    ]


def traces_from_json(rows: list[dict[str, Any]]) -> dict[Key, Trace]:
    """Read traces back from what `traces_to_json` wrote."""
    found = {}
    for row in rows:
        body = dict(row)
        key = (body.pop("metric"), body.pop("variant"), body.pop("segment"))
        found[key] = Trace(**body)
    return found
