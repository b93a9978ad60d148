"""When an event happened: by the client's time, its clock, or the arrival."""

import pytest

from experiments.event_times import times_of
from experiments.messages import Rejected
from experiments.vocabulary import QuarantineReason

RECEIVED_US = 1_773_480_600_000_000  # 2026-03-14T09:30:00Z
AT, AT_US = "2026-03-14T09:29:00Z", RECEIVED_US - 60_000_000
SENT = "2026-03-14T09:29:50Z"  # ten seconds behind the arrival


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({}, (None, RECEIVED_US)),
        ({"timestamp": None}, (None, RECEIVED_US)),
        ({"timestamp": AT}, (AT_US, AT_US + 5)),
        ({"timestamp": None, "originalTimestamp": AT}, (AT_US, AT_US + 5)),
        # Empty is none, as null is: the client's other time is the better one.
        ({"timestamp": "", "originalTimestamp": AT}, (AT_US, AT_US + 5)),
        ({"timestamp": "", "originalTimestamp": ""}, (None, RECEIVED_US)),
        ({"timestamp": AT, "sentAt": SENT}, (AT_US, AT_US + 10_000_000)),
    ],
)
def test_times__of_a_message__are_its_own_then_corrected(
    item: dict[str, object], expected: tuple[int | None, int]
) -> None:
    assert times_of(item, RECEIVED_US, 5) == expected


@pytest.mark.parametrize("field", ["timestamp", "originalTimestamp"])
def test_times__that_are_none__are_a_fault_of_their_field(field: str) -> None:
    with pytest.raises(Rejected) as refused:
        times_of({field: "yesterday"}, RECEIVED_US, 0)
    assert refused.value.reason == QuarantineReason.INVALID_TIME
    assert field in refused.value.detail
