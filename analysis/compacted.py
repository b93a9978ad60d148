"""What a round of compaction did, and several together."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Compacted:
    """What one round, or several, did.

    Attributes:
        group_count: groups taken from the inboxes.
        event_count: events stored.
        duplicate_count: messages that had come before, with the same content.
        quarantined_count: messages set aside.
    """

    group_count: int = 0
    event_count: int = 0
    duplicate_count: int = 0
    quarantined_count: int = 0

    def __add__(self, other: "Compacted") -> "Compacted":
        return Compacted(
            self.group_count + other.group_count,
            self.event_count + other.event_count,
            self.duplicate_count + other.duplicate_count,
            self.quarantined_count + other.quarantined_count,
        )
