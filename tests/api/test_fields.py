"""Fields take a value as it is written, or refuse it."""

from datetime import UTC, datetime
from typing import Any

import marshmallow as ma
import pytest

from api.schemas.fields import Choice, Count, Decimal, Flag, Items, Text, Time, Whole
from experiments.vocabulary import Role


@pytest.mark.parametrize(
    ("field", "sent", "taken"),
    [
        (Whole(), 7, 7),
        (Whole(), 7.0, 7),  # JSON has one kind of number
        (Whole(), -(2**31) + 1, -(2**31) + 1),
        (Decimal(), 7, 7.0),
        (Decimal(), 0.1, 0.1),
        (Flag(), False, False),
        (Text(), "1", "1"),
        (Choice(Role), "primary", Role.PRIMARY),
        (Items(Whole()), [1, 2], [1, 2]),
        (Count(100), "100", 100),
        (
            Time(),
            "2026-03-14T09:30:00.5+02:00",
            datetime(2026, 3, 14, 7, 30, 0, 500_000, tzinfo=UTC),
        ),
        (Time(), "2026-03-14t09:30:00z", datetime(2026, 3, 14, 9, 30, tzinfo=UTC)),
    ],
)
def test_field__right_type__is_taken(
    field: ma.fields.Field[Any], sent: object, taken: object
) -> None:
    found = field.deserialize(sent)
    assert (found, type(found)) == (taken, type(taken))


@pytest.mark.parametrize(
    ("field", "sent"),
    [
        (Whole(), "1"),
        (Whole(), True),
        (Whole(), 1.5),
        (Whole(), 2**31),
        (Whole(), None),
        (Decimal(), "1"),
        (Decimal(), True),
        (Decimal(), float("nan")),
        (Decimal(), []),
        (Flag(), 1),
        (Flag(), "true"),
        (Text(), 1),
        (Text(), None),
        (Choice(Role), "PRIMARY"),
        (Choice(Role), []),
        (Choice(Role), {}),
        (Items(Whole()), "12"),
        (Count(100), "101"),
        (Count(100), "0"),
        (Count(100), "1.0"),
        (Count(100), "9" * 5000),
        (Time(), "2026-03-14"),
        (Time(), "2026-03-14T09:30:00"),
        (Time(), "2026-03-14T25:30:00Z"),
        (Time(), "0000-03-14T09:30:00Z"),
        (Time(), "0001-01-01T00:00:00+01:00"),
        (Time(), 0),
    ],
)
def test_field__wrong_type__is_refused_in_words(
    field: ma.fields.Field[Any], sent: object
) -> None:
    with pytest.raises(ma.ValidationError) as refusal:
        field.deserialize(sent)
    assert all(str(words).endswith(".") for words in refusal.value.messages)


def test_time__written__is_utc_with_a_z() -> None:
    field = Time()
    moment = datetime(2026, 3, 14, 9, 30, tzinfo=UTC)
    assert field.serialize("at", {"at": moment}) == "2026-03-14T09:30:00Z"
    assert field.serialize("at", {"at": moment.isoformat()}) == "2026-03-14T09:30:00Z"
    assert field.serialize("at", {"at": None}) is None
