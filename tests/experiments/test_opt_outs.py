"""Opting out and in again: stored, counted, and in the file that doors read."""

from datetime import date
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from experiments import audit, opt_outs, ruleset
from experiments.config import Settings
from experiments.db import transaction
from experiments.enrolled import OPTED_OUT, mark_of, read_set
from experiments.models import AuditEntry
from experiments.opt_out_file import OptOutFile
from experiments.opt_outs import OptOutDay
from experiments.privacy import load_pseudonymiser
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_reader import RulesetReader
from tests.clock import FakeClock
from tests.waiting import wait_until

Sessions = sessionmaker[Session]
ADA, BOB, VISITOR, DEVICE = (letter.encode() * 16 for letter in "abvd")


def test_opt_out__and_in_again__each_counts_once_and_is_audited_without_a_name(
    sessions: Sessions, now: FakeClock
) -> None:
    with transaction(sessions) as session:
        assert opt_outs.opt_out(session, ADA, now=now())
        assert not opt_outs.opt_out(session, ADA, now=now.advance(hours=1))
        assert not opt_outs.opt_in(session, BOB, now=now())
    first = now.time
    with transaction(sessions) as session:
        since = opt_outs.out_since(session, ADA)
        assert since is not None
        assert since < first
        assert opt_outs.count(session) == 1
        assert opt_outs.opt_in(session, ADA, now=now.advance(days=1))
        assert not opt_outs.opt_in(session, ADA, now=now())
        assert opt_outs.out_since(session, ADA) is None
        assert opt_outs.times_out(session, {ADA}) == [(since, now.time)]
    with transaction(sessions) as session:
        assert opt_outs.count(session) == 0
        entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
        assert [(e.actor, e.action) for e in entries] == [
            ("customer", "opt_out.begin"),
            ("customer", "opt_out.end"),
        ]
        said = str([(e.before, e.after, e.subject_key) for e in entries])
        assert ADA.hex() not in said
        assert audit.verify(session) == []
        # 14 March 09:30 out; a day and an hour later in again.
        assert opt_outs.by_day(session, now()) == [
            OptOutDay(date(2026, 3, 15), 0, 1),
            OptOutDay(date(2026, 3, 14), 1, 0),
        ]
        assert opt_outs.by_day(session, now.advance(days=60)) == []


def test_links__found_ids__count_as_the_customer_until_the_choice_ends(
    sessions: Sessions, now: FakeClock
) -> None:
    with transaction(sessions) as session:
        opt_outs.opt_out(session, ADA, now=now())
    with transaction(sessions) as session:
        (number,) = opt_outs.unsearched(session).values()
        opt_outs.found(session, [number], {ADA: number, VISITOR: number})
        assert opt_outs.unsearched(session) == {}
    with transaction(sessions) as session:
        # A dropped event came with another id: it is looked at, and is nobody's yet.
        opt_outs.add_links(session, {DEVICE: number, VISITOR: number})
        assert opt_outs.unsearched(session) == {ADA: number, VISITOR: number}
        assert opt_outs.maybe_theirs(session, [number]) == {DEVICE: number}
        assert opt_outs.opted_out(session) == {ADA: number, VISITOR: number}
        assert opt_outs.among(session, {VISITOR, DEVICE, BOB}) == {VISITOR}
        assert not opt_outs.opt_out(session, VISITOR, now=now())
    with transaction(sessions) as session:
        assert opt_outs.opt_in(session, VISITOR, now=now.advance(days=2))
        assert opt_outs.opted_out(session) == {}
        assert len(opt_outs.times_out(session, {VISITOR})) == 1


def test_set_aside__who_was_out_while_it_ran__and_nobody_from_before(
    sessions: Sessions, now: FakeClock
) -> None:
    before = now()
    with transaction(sessions) as session:
        opt_outs.opt_out(session, ADA, now=before)
        opt_outs.opt_out(session, BOB, now=before)
        opt_outs.opt_in(session, ADA, now=now.advance(days=5))
    ends = now.time
    with transaction(sessions) as session:
        assert opt_outs.set_aside(session, before) == (ADA, BOB)
        # Ada was back when this one began, Bob is out for good.
        assert opt_outs.set_aside(session, ends) == (BOB,)


def test_file__follows_every_choice__and_is_written_again_when_it_is_gone(
    sessions: Sessions, settings: Settings, now: FakeClock
) -> None:
    folder = settings.data_dir / "ruleset"
    files = [OptOutFile(folder), OptOutFile(folder)]

    def look() -> bytes | None:
        for file in files:
            with sessions() as session:
                file.follow(session)
        return read_set(folder / OPTED_OUT)

    assert look() is None
    with transaction(sessions) as session:
        opt_outs.opt_out(session, BOB, now=now())
        opt_outs.opt_out(session, ADA, now=now())
    assert look() == ADA[:8] + BOB[:8]
    (folder / OPTED_OUT).unlink()
    assert look() == ADA[:8] + BOB[:8]
    with transaction(sessions) as session:
        opt_outs.opt_in(session, BOB, now=now())
    assert look() == ADA[:8]
    with transaction(sessions) as session:
        opt_outs.opt_in(session, ADA, now=now())
    assert look() == b""


def test_file__of_two_processes__is_written_once_for_a_choice(
    sessions: Sessions, settings: Settings, now: FakeClock
) -> None:
    folder = settings.data_dir / "ruleset"
    files = [OptOutFile(folder), OptOutFile(folder)]
    marks = set()
    with transaction(sessions) as session:
        opt_outs.opt_out(session, ADA, now=now())
    for file in files * 3:
        with sessions() as session:
            file.follow(session)
        marks.add(mark_of(folder / OPTED_OUT))
    assert len(marks) == 1


def test_choice__committed__reaches_a_running_process(
    sessions: Sessions, settings: Settings, now: FakeClock
) -> None:
    folder = RulesetFolder(settings.data_dir / "ruleset")
    hide = load_pseudonymiser(settings)
    with transaction(sessions) as session:
        ruleset.publish(session, now())
    mirror, reader = RulesetMirror(sessions, folder), RulesetReader(folder, hide)
    mirror.start()
    reader.start()
    try:
        for choose, is_out in ((opt_outs.opt_out, True), (opt_outs.opt_in, False)):
            with transaction(sessions) as session:
                choose(session, hide.customer("ada"), now=now())
            # 2 s are promised (two looks of 0.5 s); this is five times that.
            wait_until(partial(_is, reader, is_out), seconds=10)
    finally:
        mirror.stop()
        reader.stop()


def _is(reader: RulesetReader, wanted: bool) -> bool:  # noqa: FBT001  # by partial
    found = reader.current
    return found is not None and found.has_opted_out("ada", {}) is wanted
