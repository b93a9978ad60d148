"""What customers did before their first exposure: covariates that nothing can change.

Of each metric that is adjusted: how much of its events came in the so many days before
the exposure. Only events before it are read, by their time, so that what is adjusted
for cannot be a result of the treatment. Where the store does not reach back so far, the
amount before is not known: it is 0 with an indicator beside it, which adjusts as if the
mean stood there.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import ibis

from analysis.event_rows import Column, Rows, microseconds
from analysis.measure import DAY, Gauge, named
from analysis.measures_value import Values, amount, amount_of
from experiments.vocabulary import EventKind

_COLUMNS = ("person", "at", "name", "value")


def longest(gauges: Sequence[Gauge]) -> timedelta:
    """Tell how far back before the exposure these metrics look.

    Args:
        gauges: of metrics, adjusted or not.

    Returns:
        0 where none is adjusted.
    """
    days = (gauge.definition.covariate_days for gauge in gauges)
    return timedelta(days=max(days, default=0))


def gather_before(rows: Rows, gauge: Gauge) -> dict[str, Column]:
    """Aggregate what a customer did before the exposure.

    Args:
        rows: events with `offset`, the time since the exposure; also later ones.
        gauge: of a metric that is adjusted.

    Returns:
        Columns that `with_before` reads.
    """
    asked = gauge.definition
    counts = named(rows, asked.events) & (rows.offset < 0)
    counts &= rows.offset >= -asked.covariate_days * DAY
    found = amount_of(rows, counts, adds=asked.adds_values)
    return {f"{_sum_name(gauge)}{end}": column for end, column in found.items()}


def before_apart(
    units: Rows,
    events: Rows,
    gauges: Sequence[Gauge],
    exposures_from: datetime,
    values: Values,
) -> Rows:
    """Gather what customers did before in a pass of its own.

    For metrics that look from one row of a customer at another: rows before the
    exposure among theirs would be taken for such that follow it.

    Args:
        units: the customers, as a stored table.
        events: stored events of these customers.
        gauges: of the metrics that are adjusted.
        exposures_from: nobody was exposed earlier.
        values: how values of events are added up.

    Returns:
        One row a customer who did something, by `unit`.
    """
    names = {name for gauge in gauges for name in gauge.definition.events}
    rows = events.filter(
        events.kind == EventKind.ACTIVITY.value,
        events.name.isin(sorted(names)),
        # By the stored column, so that files of other days are not read.
        events.occurred_at >= exposures_from - longest(gauges),
    ).select(*_COLUMNS)
    rows = rows.inner_join(units.select("person", "unit", "first_at"), "person")
    rows = rows.mutate(offset=rows.at - rows.first_at)
    rows = values.with_whole(rows.filter(rows.offset < 0))
    gathered = {k: v for g in gauges for k, v in gather_before(rows, g).items()}
    return rows.group_by("unit").agg(**gathered)


def with_before(joined: Rows, gauges: Sequence[Gauge], began: datetime | None) -> Rows:
    """Add to customers what they did before.

    Args:
        joined: one row a customer, with `first_at` and the columns of `gather_before`.
        gauges: of the metrics that are adjusted.
        began: time of the first stored activity; None where there is none.

    Returns:
        The customers with two columns more for each metric: `_before`, the amount, and
        `_unknown`, 1 where it is not known.
    """
    first = None if began is None else microseconds(began)
    columns: dict[str, Column] = {}
    for gauge in gauges:
        adds = gauge.definition.adds_values
        value = amount(joined, _sum_name(gauge), gauge.exponent if adds else None)
        days = gauge.definition.covariate_days
        reaches = (
            ibis.literal(False)  # noqa: FBT003  # a column of it
            if first is None
            else joined.first_at - days * DAY >= first
        )
        known = reaches & ~value.isnan()
        columns[f"{gauge.name}_before"] = ibis.ifelse(known, value, 0.0)
        columns[f"{gauge.name}_unknown"] = ibis.ifelse(known, 0.0, 1.0)
    return joined.mutate(**columns)


def _sum_name(gauge: Gauge) -> str:
    return f"{gauge.name}_earlier"
