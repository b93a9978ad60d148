"""The second input of the warehouse: outcomes from a file, without times.

Every customer of such a file is mature, for the file was written when the experiment
was over; an empty cell is a missing outcome. What needs times, as retention curves do,
cannot be had.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import ibis

from analysis.cells import Cell, Groups, Summaries, roll_up
from analysis.event_rows import Rows, connect
from analysis.exposure_counts import ExposureCounts
from analysis.makeup import Makeup
from analysis.measure import Mark, Measure, OutcomeCount
from analysis.membership import Membership, reported_segments
from analysis.metrics import measure_of
from analysis.number_cells import amount_cells, amounts_of
from analysis.numbers import sums_of
from analysis.orders import orders_of
from analysis.setting_aside import IdSet
from experiments.plan import Plan, PlannedMetric
from experiments.vocabulary import MetricKind

Found = tuple[str, str, str | None, float | None, int]


def summarise_units(
    plan: Plan, files: Sequence[str], scratch: Path, opted_out: Sequence[bytes] = ()
) -> Summaries:
    """Summarise a unit table; the same input gives the same summaries.

    Args:
        plan: the locked plan.
        files: the Parquet files of the experiment's units.
        scratch: folder for what does not fit into memory.
        opted_out: pseudonyms of customers who are left out by their own choice.

    Returns:
        Summaries; metrics that are times have no cells. A survey's invitations are
        unknown, so that none are counted.
    """
    with connect(scratch) as connection:
        every = connection.read_parquet(list(files), table_name="units")
        out = IdSet(connection, "opted_out_ids", opted_out)
        table = out.without(every, "customer")
        left = _who_left(every, out)
        columns = ["metric", "variant", "attributes", "value"]
        outcomes = table.group_by(columns).agg(n=table.count())
        units = table.select("customer", "variant", "attributes").distinct()
        variants = units.group_by(["variant", "attributes"]).agg(n=units.count())
        found: list[Found] = _tuples(outcomes)
        sizes = Counter[tuple[str, str | None]]()
        for variant, attributes, n in _tuples(variants):
            sizes[variant, attributes] += n
        membership = Membership(reported_segments(plan))
        texts = sorted({text for _, text in sizes}, key=repr)
        masks = dict(zip(texts, membership.of_texts(texts), strict=True))
        amounts = {
            metric.choice.metric: _amounts(plan, table, metric, masks, membership)
            for metric in plan.metrics
            if metric.definition.is_amount
        }
    names = {variant.name for variant in plan.design.variants}
    cells: list[Cell] = []
    for metric in plan.metrics:
        if not metric.definition.is_followed:
            key = metric.choice.metric
            groups = _groups(key, found, masks) or _all_missing(sizes, masks)
            measure = measure_of(metric.definition, "m")
            if isinstance(measure, Measure):
                cells += roll_up(plan, key, measure, groups, membership)
            else:
                cells += amounts[key]
    exposures = replace(
        _exposures(plan, sizes, names), opted_out=left.total(), opted_out_by=left
    )
    makeup = Makeup(by_segment=_by_segment(plan, sizes, masks, membership))
    return Summaries(tuple(cells), exposures, has_times=False, makeup=makeup)


def _by_segment(
    plan: Plan,
    sizes: Counter[tuple[str, str | None]],
    masks: dict[str | None, str],
    membership: Membership,
) -> dict[str, dict[str, int]]:
    """Count customers by reported segment and variant."""
    names = [variant.name for variant in plan.design.variants]
    found = {label: dict.fromkeys(names, 0) for label in membership.labels}
    for (variant, attributes), n in sizes.items():
        for label in membership.labels_of(masks[attributes]):
            if variant in found[label]:
                found[label][variant] += n
    return found


def _who_left(units: Rows, out: IdSet) -> Counter[str]:
    """Count by variant the customers who opted out."""
    if not out:
        return Counter()
    theirs = units.filter(out.has(units.customer)).select("customer", "variant")
    theirs = theirs.distinct()
    counts = theirs.group_by("variant").agg(n=theirs.count())
    return Counter(dict(_tuples(counts.select("variant", "n"))))


def _amounts(
    plan: Plan,
    table: Rows,
    metric: PlannedMetric,
    masks: dict[str | None, str],
    membership: Membership,
) -> list[Cell]:
    """Add up an amount that the file has, of customers of all ages."""
    gauge = measure_of(metric.definition, "m")
    pairs = [{"text": text, "segments": mask} for text, mask in masks.items()]
    schema = ibis.schema({"text": "string", "segments": "string"})
    known = ibis.memtable(pairs, schema=schema)
    own = table.filter(table.metric == metric.choice.metric)
    own = own.inner_join(known, own.attributes.identical_to(known.text))
    units = own.select(
        "variant",
        "segments",
        cluster=ibis.literal(0, type="int64"),
        m_value=own.value,
        m_mark=ibis.literal(int(Mark.PLAIN), type="int64"),
    )
    sums = sums_of(units, [gauge])[gauge.name]
    orders = None
    if metric.definition.kind == MetricKind.VALUE_QUANTILE:
        names = [variant.name for variant in plan.design.variants]
        orders = orders_of(units, gauge, sums, membership, names)
    found = amounts_of(plan, metric, sums, membership, orders)
    return amount_cells(metric, found)


def _groups(
    metric: str, found: Sequence[Found], masks: dict[str | None, str]
) -> Groups:
    groups: dict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for key, variant, attributes, value, n in found:
        if key == metric:
            outcome = OutcomeCount(value, Mark.PLAIN, n)
            groups[variant, masks[attributes]].append(outcome)
    return groups


def _all_missing(
    sizes: Counter[tuple[str, str | None]], masks: dict[str | None, str]
) -> Groups:
    """A metric of the plan that the file does not have: missing for everybody."""
    groups: dict[tuple[str, str], list[OutcomeCount]] = defaultdict(list)
    for (variant, attributes), n in sizes.items():
        groups[variant, masks[attributes]].append(OutcomeCount(None, Mark.PLAIN, n))
    return groups


def _exposures(
    plan: Plan, sizes: Counter[tuple[str, str | None]], names: set[str]
) -> ExposureCounts:
    by_variant: Counter[str] = Counter()
    for (variant, _), n in sizes.items():
        by_variant[variant] += n
    analysed = {v.name: by_variant[v.name] for v in plan.design.variants}
    unknown = {name: n for name, n in by_variant.items() if name not in names}
    return ExposureCounts(
        analysed=analysed,
        mature=analysed,
        unknown_variants=sum(unknown.values()),
        contradicting=sum(unknown.values()),
        undeclared_names=tuple(sorted(unknown, key=lambda n: (-unknown[n], n))[:5]),
        everybody=by_variant.total(),
    )


def _tuples(table: Rows) -> list[Any]:
    columns = table.to_pyarrow().columns
    return list(zip(*(column.to_pylist() for column in columns), strict=True))
