"""Event intake: the durable inbox, what was set aside, and how far sources are."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from experiments.db import Base


class InboxGroup(Base):
    """One group commit of accepted messages, until the compactor has taken it.

    On SQLite each process keeps its groups in a file of its own; on PostgreSQL they
    stand here. `slot` owns the counter `seq`: contiguous, in commit order.
    """

    __tablename__ = "inbox_group"

    slot: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    received_at: Mapped[datetime]
    message_count: Mapped[int]
    body: Mapped[bytes] = mapped_column(LargeBinary)


class QuarantinedMessage(Base):
    """A message that could not become an event, kept with its reason, masked."""

    __tablename__ = "quarantined_message"
    # Of waiting bodies alone: doors ask twice a second how many there are.
    __table_args__ = (
        Index(
            "ix_quarantined_message_source_held_bytes",
            "source",
            "held_bytes",
            sqlite_where=text("held_bytes IS NOT NULL"),
            postgresql_where=text("held_bytes IS NOT NULL"),
        ),
    )

    slot: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    received_at: Mapped[datetime] = mapped_column(index=True)
    environment: Mapped[str] = mapped_column(String(12))
    source: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(40), index=True)
    detail: Mapped[str] = mapped_column(String(500))
    message: Mapped[dict[str, Any]]  # masked: its shape, and nothing it says
    # Where it can be read again: whose it is, and the message without any raw id.
    customer: Mapped[bytes | None] = mapped_column(LargeBinary(16), index=True)
    anonymous: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    replay: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # Of a webhook's body that waits: how large it is as it is kept.
    held_bytes: Mapped[int | None] = mapped_column(default=None)


class ImportRecord(Base):
    """One import whose rows were read, and how far it is."""

    __tablename__ = "import_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(12), unique=True)  # names its file
    finished_at: Mapped[datetime]
    file_name: Mapped[str] = mapped_column(String(255))
    experiment: Mapped[str | None] = mapped_column(String(64))
    is_dry_run: Mapped[bool]
    row_count: Mapped[int] = mapped_column(BigInteger)
    faulty_row_count: Mapped[int] = mapped_column(BigInteger)
    fault_count: Mapped[int] = mapped_column(BigInteger)
    listed_count: Mapped[int]  # faults in its file
    state: Mapped[str] = mapped_column(String(12), index=True)
    # Of an upload alone. What was asked, as analysis.import_request writes it, and
    # what its rows say about the experiment.
    asked: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    found: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    ready_count: Mapped[int] = mapped_column(BigInteger, default=0)  # good rows
    # Its rows lie in frames, a thousand each; how many of them are stored.
    frame_count: Mapped[int] = mapped_column(default=0)
    stored_frame_count: Mapped[int] = mapped_column(default=0)
    try_count: Mapped[int] = mapped_column(default=0)
    person_id: Mapped[int | None] = mapped_column(default=None)  # who decided
    note: Mapped[str] = mapped_column(String(1000), default="")  # how it ended


class EventSource(Base):
    """How far one source of events is known; feeds the data cut-off."""

    __tablename__ = "event_source"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    environment: Mapped[str] = mapped_column(String(12), primary_key=True)
    is_import: Mapped[bool]
    # Live: receipt time up to which every inbox is compacted. Import: as declared,
    # once it is whole.
    complete_through: Mapped[datetime | None]
    # Of an import under way, or broken off: {"through": what it will be complete
    # through, "names": of its events}.
    importing: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    last_event_at: Mapped[datetime | None]  # latest occurred_at seen
    last_received_at: Mapped[datetime | None]
    event_count: Mapped[int] = mapped_column(BigInteger)
    duplicate_count: Mapped[int] = mapped_column(BigInteger)
    event_names: Mapped[list[Any]]  # which events this source has sent
    # What was not stored on purpose: messages without consent, and values of
    # attributes that are not on the allow-list or look like personal data.
    consent_refused_count: Mapped[int] = mapped_column(BigInteger, default=0)
    unlisted_value_count: Mapped[int] = mapped_column(BigInteger, default=0)
    personal_value_count: Mapped[int] = mapped_column(BigInteger, default=0)
    erased_count: Mapped[int] = mapped_column(BigInteger, default=0)  # later events


class ImportedContent(Base):
    """The events that a source had from a file, known again under any file's name."""

    __tablename__ = "imported_content"

    content: Mapped[str] = mapped_column(String(40), primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    file_name: Mapped[str] = mapped_column(String(255))
    begun_at: Mapped[datetime]


class SourceHour(Base):
    """What one source brought within one hour of arrival."""

    __tablename__ = "source_hour"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    environment: Mapped[str] = mapped_column(String(12), primary_key=True)
    hour_at: Mapped[datetime] = mapped_column(primary_key=True)
    event_count: Mapped[int]
    late_count: Mapped[int]  # happened longer before than the allowed lateness
    duplicate_count: Mapped[int]
    conflict_count: Mapped[int]  # ids that came before with another content
    rejected_count: Mapped[int]  # set aside, conflicts among them


class ExposureDay(Base):
    """How many exposures named a variant on one day of arrival, known here or not."""

    __tablename__ = "exposure_day"

    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    environment: Mapped[str] = mapped_column(String(12), primary_key=True)
    experiment: Mapped[str] = mapped_column(String(100), primary_key=True)
    variant: Mapped[str] = mapped_column(String(100), primary_key=True)
    day_at: Mapped[datetime] = mapped_column(primary_key=True)
    exposure_count: Mapped[int] = mapped_column(BigInteger)
    # Those of them that the rules in force at their time had not assigned.
    contradicting_count: Mapped[int] = mapped_column(BigInteger, default=0)
    last_at: Mapped[datetime]


class RecentExposure(Base):
    """One of the last production exposures of an experiment, for whoever connects it.

    Of the customer only the first letters of the pseudonym are kept: enough to find an
    own test again, not enough to follow anybody.
    """

    __tablename__ = "recent_exposure"

    id: Mapped[int] = mapped_column(primary_key=True)
    experiment: Mapped[str] = mapped_column(String(100), index=True)
    variant: Mapped[str] = mapped_column(String(100))
    source: Mapped[str] = mapped_column(String(64))
    received_at: Mapped[datetime]
    customer_start: Mapped[str] = mapped_column(String(4))  # hexadecimal


class AssignedDay(Base):
    """How often one key was given a variant on one day, and to how many customers."""

    __tablename__ = "assigned_day"

    experiment: Mapped[str] = mapped_column(String(100), primary_key=True)
    phase: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    variant: Mapped[str] = mapped_column(String(100), primary_key=True)
    source: Mapped[str] = mapped_column(String(64), primary_key=True)
    day_at: Mapped[datetime] = mapped_column(primary_key=True)
    evaluation_count: Mapped[int] = mapped_column(BigInteger)
    customers: Mapped[bytes] = mapped_column(LargeBinary)  # experiments.sketch, packed


class CompactionMark(Base):
    """Up to which group of a slot the counters of event_source count.

    Written in the transaction that raises the counters, before the events reach the
    analytic store: a compactor that dies in between counts nothing twice.
    """

    __tablename__ = "compaction_mark"

    slot: Mapped[str] = mapped_column(String(64), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, autoincrement=False)
