"""What the message of an exposure says, in the spellings of all clients."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from experiments import messages as wire
from experiments.field_faults import KEY_PATTERN
from experiments.messages import Rejected
from experiments.personal_names import first, first_label, looks_like_somebody
from experiments.privacy import names_somebody
from experiments.vocabulary import Agreement, QuarantineReason

# GrowthBook's Python client sends variation_id as an index and variation_key as the
# name; its JavaScript client and Segment's own spec send the name as variationId.
_EXPERIMENT_FIELDS = ("experimentId", "experiment_id", "experiment")
_TITLE_FIELDS = ("experimentName", "experiment_name")
_VARIANT_FIELDS = ("variation_key", "variationId", "variation_id", "variant")
NAME_FIELDS = (*_EXPERIMENT_FIELDS, *_TITLE_FIELDS, *_VARIANT_FIELDS)
_HASHED_FIELDS = ("hashValue", "hash_value")
_HASHED_BY_FIELDS = ("hashAttribute", "hash_attribute")
# 9 to 19 digits and nothing else: a phone (E.164) or card number (ISO/IEC 7812-1), or
# the number that another tool gave its experiment. Only those that are ours can be it.
_LONG_NUMBER = re.compile(r"(?:[._~-]*\d){9,19}[._~-]*")
# An exposure's `properties`: how it compares with its assignment; null is not known.
AGREEMENT_TEXT = {one: f'{{"assignment":"{one.value}"}}' for one in Agreement}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ShownExposure(NamedTuple):
    """An exposure with the raw ids of who saw it, while the message is at hand."""

    experiment: str
    variant: str
    occurred_at: datetime
    user_id: str | None
    anonymous_id: str | None
    account_id: str | None
    hash_attribute: str | None  # as GrowthBook's clients tell what they hashed
    hash_value: object


class Check(Protocol):
    """Knows what was assigned."""

    def __call__(self, shown: ShownExposure) -> Agreement | None:
        """Compare one exposure with its assignment; None where that cannot be told."""

    def declares(self, experiment: str) -> bool:
        """Whether somebody registered an experiment of this key."""


class ExposureNames(NamedTuple):
    """The names that an exposure gives, with what else says who saw what."""

    experiment: str
    variant: str
    properties: Mapping[str, Any]

    @classmethod
    def read(
        cls, properties: Mapping[str, Any], identifiers: tuple[str | None, ...]
    ) -> "ExposureNames":
        """Read an exposure's names.

        Args:
            properties: of the message.
            identifiers: the message's own raw ids.

        Returns:
            The names.

        Raises:
            Rejected: one is missing, is no key, or holds the customer's id.
        """
        experiment = first_label(properties, _EXPERIMENT_FIELDS)
        variant = first_label(properties, _VARIANT_FIELDS)
        if experiment is None and first(properties, _TITLE_FIELDS) is not None:
            # Segment's spec has it beside the id. Read as one, it would begin another
            # experiment whenever somebody writes the title otherwise.
            raise Rejected(
                QuarantineReason.INVALID_EXPOSURE,
                "An exposure needs experimentId, the experiment's key; experimentName"
                " is its title, which may change.",
            )
        for given, what in ((experiment, "experimentId"), (variant, "variationId")):
            if given is None or not KEY_PATTERN.fullmatch(given):
                raise Rejected(
                    QuarantineReason.INVALID_EXPOSURE,
                    f"An exposure needs {what}: 1 to 64 letters, digits or . _ ~ -",
                )
            wire.refuse_id_inside(given, identifiers)
        return cls(experiment or "", variant or "", properties)

    def refuse_personal(self, check: Check) -> None:
        """Refuse what may be somebody's number, where no experiment is called so.

        Args:
            check: knows which experiments there are.

        Raises:
            Rejected: a name looks personal.
        """
        names = (self.experiment, self.variant)
        doubtful = any(_LONG_NUMBER.fullmatch(n) or names_somebody(n) for n in names)
        if doubtful and not check.declares(self.experiment):
            raise looks_like_somebody()

    def shown(self, item: Mapping[str, Any], occurred_us: int) -> ShownExposure:
        """Put together what its assignment is found by.

        Args:
            item: the message.
            occurred_us: when, microseconds since 1970.

        Returns:
            The exposure, with raw ids.
        """
        return ShownExposure(
            self.experiment,
            self.variant,
            _EPOCH + timedelta(microseconds=occurred_us),
            wire.identifier(item.get("userId"), "userId"),
            wire.identifier(item.get("anonymousId"), "anonymousId"),
            account_id(item),
            first_label(self.properties, _HASHED_BY_FIELDS),
            first(self.properties, _HASHED_FIELDS),
        )


def account_id(item: Mapping[str, Any]) -> str | None:
    """Read the account, where Segment's specification has it; None where none."""
    context = item.get("context")
    given = context.get("groupId") if isinstance(context, dict) else None
    try:
        return wire.identifier(given, "context.groupId")
    except Rejected:  # most experiments are not about accounts
        return None
