"""Does an exposure agree with what the rules in force at its time had assigned?

Only here, where a message still has its raw id, can that be told: what is stored has
pseudonyms, and the hash takes the id. What the hash gives is compared, whatever the
customer's attributes, which an exposure does not carry; so whether a customer was in
the segment is not checked.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

from experiments.buckets import NOBODY, bucket, unit_text
from experiments.exposure_messages import ShownExposure
from experiments.ruleset_designs import holdouts_of, layer_of, table_of
from experiments.ruleset_past import PAST, SINCE
from experiments.ruleset_reader import RulesetReader
from experiments.ruleset_values import Ruleset
from experiments.running import (
    Holdout,
    LayerPlace,
    RunningDesign,
    Special,
)
from experiments.vocabulary import UNIT_ATTRIBUTE, Agreement, Unit

# Workers learn of new rules a second or two apart, apps that evaluate themselves
# later, and clocks differ: rules count from so long before to so long after.
TOLERANCE = timedelta(minutes=10)
_NO_SPECIAL = Special()


class ExposureCheck:
    """Checks the exposures of one request."""

    def __init__(self, reader: RulesetReader) -> None:
        """Look at the rules as they are now.

        Args:
            reader: of the process; asked for newer rules once a request at most.
        """
        self._reader = reader
        self._looked = False

    def __call__(self, shown: ShownExposure) -> Agreement | None:
        """Compare one exposure with its assignment; None where that cannot be told."""
        ruleset = self._reader.current
        found = None if ruleset is None else agreement(ruleset, shown)
        if found is Agreement.AGREES or self._looked:
            return found
        # Another worker may have assigned by rules that this one has yet to read.
        self._looked = True
        self._reader.refresh()
        newer = self._reader.current
        if newer is None or newer is ruleset:
            return found
        return agreement(newer, shown)

    def declares(self, experiment: str) -> bool:
        """Whether there is such an experiment, whatever becomes of it just now."""
        if self._knows(experiment):
            return True
        if not self._looked:
            self._looked = True
            self._reader.refresh()
        return self._knows(experiment)

    def _knows(self, experiment: str) -> bool:
        rules = self._reader.current
        if rules is None:
            return False
        return experiment in rules.experiments or experiment in rules.silent


def agreement(ruleset: Ruleset, shown: ShownExposure) -> Agreement | None:
    """Compare an exposure with what was assigned at its time.

    Args:
        ruleset: in force now, with what its rules were before.
        shown: the exposure, with the raw ids of who saw it.

    Returns:
        None where it cannot be told: the experiment is not assigned here, its rules
        at that time are not known, the id that was hashed did not come with the
        exposure, or a list or an earlier phase decides.
    """
    design = ruleset.experiments.get(shown.experiment)
    if design is None or not design.published["salt"]:  # none between two phases
        return None
    units = _units(design, shown)
    rules = _rules_at(design, shown.occurred_at)
    if not units or not rules or any(_is_apart(design, unit) for unit in units):
        return None
    for unit in units:
        if any(_variant(design, one, unit) == shown.variant for one in rules):
            return Agreement.AGREES
    if (design.special or _NO_SPECIAL).fallback_attribute is not None:
        return None  # a client's sticky bucket may keep what the other id got
    return Agreement.CONTRADICTS


def _units(design: RunningDesign, shown: ShownExposure) -> list[str]:
    """Find the ids one of which was hashed."""
    special = design.special or _NO_SPECIAL
    hashed = {special.hash_attribute, special.fallback_attribute}
    given = []
    if shown.hash_value is not None and shown.hash_attribute in {None, *hashed}:
        given.append(shown.hash_value)
    elif design.published.get("unit") == Unit.ACCOUNT:
        given.append(shown.account_id)
    elif UNIT_ATTRIBUTE in hashed:
        given += [shown.user_id, shown.anonymous_id]
    texts = (unit_text(one) for one in given)
    return [text for text in texts if text is not None]


def _is_apart(design: RunningDesign, unit: str) -> bool:
    """Whether a list or an earlier phase decides; analysis leaves those out."""
    special = design.special or _NO_SPECIAL
    lists = (special.forced, special.opted_out)
    if any(one is not None and one.position(unit) is not None for one in lists):
        return True
    return any(phase.has(unit) for phase in special.earlier)


class _Rules(NamedTuple):
    """What decides, beside the salt, who gets which variant."""

    table: bytes
    layer: LayerPlace | None
    holdouts: tuple[Holdout, ...]


def _variant(design: RunningDesign, rules: _Rules, unit: str) -> str | None:
    if (design.special or _NO_SPECIAL).hash_attribute != UNIT_ATTRIBUTE:
        # Holdouts ask for the customer's own id, which may not be with the exposure.
        rules = rules._replace(holdouts=())
    if _is_outside(rules, unit) and (design.kept is None or not design.kept.has(unit)):
        return None
    position = rules.table[bucket(design.salt, unit)]
    return None if position == NOBODY else design.variants[position].name


def _is_outside(rules: _Rules, unit: str) -> bool:
    if any(bucket(h.seed, unit) < h.below for h in rules.holdouts):
        return True
    layer = rules.layer
    return layer is not None and not layer.table[bucket(layer.seed, unit)]


def _rules_at(design: RunningDesign, moment: datetime) -> list[_Rules]:
    """Find the rules in force about a moment, the present ones first."""
    first, last = moment - TOLERANCE, moment + TOLERANCE
    return [
        rules
        for since, until, rules in _spans(design)
        if (since is None or since <= last) and (until is None or until > first)
    ]


def _spans(
    design: RunningDesign,
) -> Iterator[tuple[datetime | None, datetime | None, _Rules]]:
    """Go back in time: from when to when which rules held."""
    entry, special = design.published, design.special or _NO_SPECIAL
    began = _moment(entry)
    yield began, None, _Rules(design.table, special.layer, special.holdouts)
    for old in reversed(entry.get(PAST, ())):
        until, began = began, _moment(old)
        changed = {"variants": entry["variants"], **old}
        yield began, until, _read(orjson.dumps(changed))


def _moment(entry: Mapping[str, Any]) -> datetime | None:
    since = entry.get(SINCE)
    return None if since is None else datetime.fromisoformat(since)


@lru_cache(256)
def _read(entry: bytes) -> _Rules:
    fields = orjson.loads(entry)
    return _Rules(table_of(fields), layer_of(fields), holdouts_of(fields))
