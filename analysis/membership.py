"""Which declared segments a customer belonged to, before the first exposure."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import ibis.expr.datatypes as dt

from analysis.event_rows import Connection, Rows, replaced
from experiments.conditions import attributes_of, compile_rule
from experiments.plan import Plan, PlannedSegment
from experiments.vocabulary import EventKind

ABSENT = ""  # no JSON text is empty


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]  # Ibis has no types
def json_extract(value: dt.json, path: dt.string) -> dt.json:
    """What stands at a JSON pointer (RFC 6901), DuckDB's own."""


def reported_segments(plan: Plan) -> dict[str, PlannedSegment]:
    """Name the segments that results are split by: declared, and personalised for.

    Args:
        plan: the locked plan.

    Returns:
        Label of a result -> segment. The label is the segment's key; a second version
        of one segment gets its number, as in "new@2".
    """
    design = plan.design
    refs = [(ref.segment, ref.version) for ref in design.breakdowns]
    for variant in design.variants:
        refs += [(rule.segment, rule.version) for rule in variant.personalisation]
    labelled: dict[str, PlannedSegment] = {}
    for key, version in dict.fromkeys(refs):
        label = f"{key[:58]}@{version}" if key in labelled else key
        labelled[label] = plan.segment(key, version)
    return labelled


def pointer_to(name: str) -> str:
    """Point to an attribute of an object, whatever its name holds (RFC 6901, 3)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


class Membership:
    """The reported segments of customers, as text: "10" is in the first of two."""

    def __init__(self, segments: Mapping[str, PlannedSegment]) -> None:
        """Compile the rules.

        Args:
            segments: label -> segment.
        """
        self.labels = tuple(segments)
        self._rules = [compile_rule(s.condition) for s in segments.values()]
        names = {a for s in segments.values() for a in attributes_of(s.condition)}
        self._names = tuple(sorted(names))

    def mask(self, attributes: Mapping[str, Any]) -> str:
        """Say which segments a customer with these attributes is in."""
        return "".join("1" if rule(attributes) else "0" for rule in self._rules)

    def labels_of(self, mask: str) -> tuple[str, ...]:
        """Name the segments of a mask."""
        pairs = zip(self.labels, mask, strict=True)
        return tuple(name for name, digit in pairs if digit == "1")

    def of_events(self, connection: Connection, events: Rows, units: Rows) -> Rows:
        """Work out each customer's segments from the attributes sent before exposure.

        Of each attribute the last value up to the first exposure counts, so that
        segments are as they were before anything could have changed them.

        Args:
            connection: where helper tables are made.
            events: stitched events of a bucket.
            units: its customers.

        Returns:
            Table (unit, segments); customers without attributes are not in it.
        """
        rows = events.filter(events.kind == EventKind.ATTRIBUTES.value)
        rows = rows.inner_join(units, "person").filter(lambda t: t.at <= t.first_at)
        sent = rows.properties.cast("json")
        # Two values of one moment: the one received last, then any fixed order.
        order = {"at": rows.at, "received_at": rows.received_at, "id": rows.message_id}
        latest = ibis.struct(order)
        values = {}
        for i, name in enumerate(self._names):
            # A pointer: DuckDB reads a mere name with a bracket or a quote as a path.
            value = json_extract(sent, pointer_to(name))
            text = value.cast("string")
            values[f"a{i}"] = text.argmax(latest, where=value.notnull())
        return self._with_mask(connection, rows.group_by("unit").agg(**values))

    def _with_mask(self, connection: Connection, known: Rows) -> Rows:
        columns = [f"a{i}" for i in range(len(self._names))]
        texts = {c: known[c].fill_null(ABSENT) for c in columns}
        known = replaced(connection, "attributes", known.select("unit", **texts))
        distinct = known.select(*columns).distinct().to_pyarrow().to_pylist()
        masks = [{**row, "segments": self._mask_of_texts(row)} for row in distinct]
        schema = ibis.schema({**dict.fromkeys(columns, "string"), "segments": "string"})
        masked = known.inner_join(ibis.memtable(masks, schema=schema), columns)
        return masked.select("unit", "segments")

    def _mask_of_texts(self, row: Mapping[str, str]) -> str:
        texts = {name: row[f"a{i}"] for i, name in enumerate(self._names)}
        sent = {name: text for name, text in texts.items() if text != ABSENT}
        return self.mask({name: json.loads(text) for name, text in sent.items()})

    def of_texts(self, texts: Sequence[str | None]) -> list[str]:
        """Work out the segments of whole attribute objects, written as JSON."""
        return [self.mask(json.loads(text) if text else {}) for text in texts]
