"""The data cut-off of statistics 4.1, source by source."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from analysis.cutoff import Cutoff, Source, data_cutoff, read_sources
from experiments.config import Settings
from experiments.db import transaction
from experiments.models import ApiKey, EventSource, Person
from tests.analysis.event_files import at, csat, plan_of, retention

SETTINGS = Settings(data_dir=Path(), database_url="sqlite://")
HOUR = timedelta(hours=1)
NOW = at(50)


def live(name: str, through: datetime, last: datetime, *events: str) -> Source:
    return Source(
        name,
        is_import=False,
        is_closed=False,
        complete_through=through,
        last_received_at=last,
        event_names=frozenset(events or {"Opened"}),
    )


def imported(name: str, through: datetime) -> Source:
    return replace(live(name, through, NOW), is_import=True)


def cutoff(*sources: Source, as_of: datetime = NOW) -> Cutoff:
    plan = plan_of({"r": retention(), "s": csat()})
    return data_cutoff(plan, sources, as_of, SETTINGS)


APP = live("app", NOW, NOW - HOUR)


def test_live_source__advances_with_the_clock_less_its_lateness() -> None:
    assert cutoff(APP).at == NOW - HOUR
    behind = live("app", NOW - 3 * HOUR, NOW - 3 * HOUR)  # its inbox is not compacted
    assert cutoff(behind).at == NOW - 4 * HOUR


def test_live_source__silent_for_longer_than_usual__freezes_at_its_last_event() -> None:
    just_in_time = live("app", NOW, NOW - 24 * HOUR)
    assert cutoff(just_in_time).frozen == ()
    silent = live("app", NOW, NOW - 25 * HOUR)
    found = cutoff(silent)
    assert found.at == NOW - 26 * HOUR
    assert (found.frozen, found.primary_frozen) == (("app",), ("app",))


def test_several_sources__the_earliest_named_by_a_metric_decides() -> None:
    web = live("web", NOW - 5 * HOUR, NOW - 5 * HOUR, "CSAT Submitted")
    other = live("other", NOW - 9 * HOUR, NOW - 9 * HOUR, "Invoice Paid")
    assert cutoff(APP, web, other).at == NOW - 6 * HOUR
    silent_survey = live("web", NOW, at(40), "CSAT Submitted")
    found = cutoff(APP, silent_survey)
    assert (found.frozen, found.primary_frozen) == (("web",), ())


def test_import__complete_through_what_was_declared() -> None:
    assert cutoff(imported("file", at(45))).at == at(45)
    assert cutoff(imported("file", at(99))).at == NOW
    # It ended before the experiment began: it cannot hold anything back.
    assert cutoff(APP, imported("old", at(0))).at == NOW - HOUR


def test_import__not_whole__is_complete_up_to_where_it_was_before() -> None:
    first = replace(imported("file", NOW), complete_through=None)
    under_way = replace(first, importing_through=at(45))
    found = cutoff(APP, under_way)
    assert found.at == plan_of({"r": retention()}).exposures_from
    assert (found.unfinished, found.primary_unfinished) == (("file",), ("file",))
    added = replace(imported("file", at(40)), importing_through=at(45))
    assert cutoff(APP, added).at == at(40)
    # What it brings lies before the experiment: it cannot hold anything back.
    old = replace(under_way, importing_through=at(0))
    assert cutoff(APP, old) == cutoff(APP)


def test_source_of_a_revoked_key__holds_nothing_back() -> None:
    retired = replace(live("old", NOW, at(20)), is_closed=True)
    assert cutoff(APP, retired) == Cutoff(NOW - HOUR, unseen=SURVEY)


SURVEY = ("CSAT Requested", "CSAT Submitted")


def test_event_that_nobody_sent__is_named_and_all_live_sources_decide() -> None:
    other = live("other", NOW - 9 * HOUR, NOW - 9 * HOUR, "Invoice Paid")
    found = cutoff(other)
    assert found == Cutoff(NOW - 10 * HOUR, unseen=(*SURVEY, "Opened"))
    assert cutoff() == Cutoff(NOW - HOUR, unseen=(*SURVEY, "Opened"))


def test_earlier_as_of__nothing_later_is_known() -> None:
    assert cutoff(APP, as_of=at(30)).at == at(30) - HOUR


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_read_sources__of_production__with_revoked_keys_marked(
    sessions: sessionmaker[Session],
) -> None:
    with transaction(sessions) as session:
        person = Person(email="a@example.com", name="A", role="admin", created_at=at(0))
        session.add(person)
        session.flush()
        session.add(
            ApiKey(
                public_id="oldkey",
                kind="write",
                environment="production",
                name="old",
                secret_hash="0" * 64,
                owner_id=person.id,
                created_at=at(0),
                revoked_at=at(9),
            )
        )
        for source, environment in (
            ("oldkey", "production"),
            ("app", "production"),
            ("app", "development"),
        ):
            session.add(
                EventSource(
                    source=source,
                    environment=environment,
                    is_import=False,
                    complete_through=at(10),
                    last_received_at=at(9),
                    event_count=1,
                    duplicate_count=0,
                    event_names=["Opened"],
                )
            )
    with transaction(sessions) as session:
        found = read_sources(session)
    expected = live("app", at(10), at(9))
    assert found == [expected, replace(expected, name="oldkey", is_closed=True)]
