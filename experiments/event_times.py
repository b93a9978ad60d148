"""When a message's event happened, by our clock."""

from collections.abc import Mapping
from typing import Any

from experiments import messages as wire
from experiments.messages import Rejected


def clock_error(sent_at: object, received_us: int) -> int:
    """Measure a client's clock by when it says that it sent the request.

    Args:
        sent_at: as the client wrote it.
        received_us: arrival, microseconds since 1970.

    Returns:
        Microseconds to add to the client's times; 0 when sentAt cannot be used.
    """
    try:
        sent_us = wire.microseconds(sent_at, "sentAt")
    except Rejected:
        return 0
    return 0 if sent_us is None else received_us - sent_us


def times_of(
    item: Mapping[str, Any], received_us: int, clock_error_us: int
) -> tuple[int | None, int]:
    """Read when the event happened; without a time of its own, when it came.

    An empty text is no time, as null is: originalTimestamp, where a client gives it, is
    nearer to the truth than the arrival.

    Args:
        item: the message.
        received_us: arrival, microseconds since 1970.
        clock_error_us: of the request; a message's own sentAt, as RudderStack sends it,
            counts before.

    Returns:
        The client's time and the corrected one, in microseconds since 1970; None for a
        client that gave none.

    Raises:
        Rejected: what stands there is no time.
    """
    original_us = wire.microseconds(item.get("timestamp"), "timestamp")
    if original_us is None:
        field = "originalTimestamp"
        original_us = wire.microseconds(item.get(field), field)
    if original_us is None:
        return None, received_us
    own = item.get("sentAt")
    error_us = clock_error_us if own is None else clock_error(own, received_us)
    return original_us, original_us + error_us
