"""A file becomes a result in one call; a faulty one leaves nothing behind."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from analysis import import_events, pipeline
from analysis.compactor import compact_once
from analysis.import_outcomes import Scale
from analysis.import_request import Request
from analysis.importing import Imported, import_file, silently
from analysis.store import EventStore
from analysis.unit_store import UnitStore
from experiments import catalog, data_requests, import_records, plan_lock
from experiments.actors import SYSTEM
from experiments.context import Context
from experiments.db import transaction
from experiments.design_parts import SegmentRef
from experiments.errors import Conflict, InvalidInput
from experiments.models import AnalysisRun, EventSource, Experiment
from experiments.preparing import prepare
from experiments.privacy import load_pseudonymiser
from experiments.vocabulary import (
    CheckState,
    HealthCheck,
    IdKind,
    PersonRole,
    ResultPhase,
    Status,
    Verdict,
)
from tests import factories
from tests.analysis.test_cookie_cats import check_published_numbers
from tests.analysis.test_pipeline import the_run
from tests.clock import FakeClock

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
pytestmark = ON_SQLITE
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def administrator(context: Context) -> None:
    prepare(context)
    with transaction(context.sessions) as session:
        factories.make_person(session, role=PersonRole.ADMIN)


def write_csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    listed = list(rows)
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, list(listed[0]))
        writer.writeheader()
        writer.writerows(listed)
    return path


def customers(count: int = 200) -> list[dict[str, Any]]:
    """Half see the new page; 1 of 4 in control and 1 of 2 of the others came back."""
    return [
        {
            "customer": f"c{i}",
            "group": "new" if i % 2 else "control",
            "came_back": int(i // 2 % (2 if i % 2 else 4) == 0),
            "score": 3 + i // 2 % 3 if i % 5 else "",
        }
        for i in range(count)
    ]


def request_for(path: Path, **changes: Any) -> Request:  # noqa: ANN401
    return replace(
        Request(
            path=path,
            experiment="new-page",
            variant="group",
            outcomes=("came_back=retention:7", "score=csat_mean"),
        ),
        **changes,
    )


def run_of(context: Context, imported: Imported) -> AnalysisRun:
    assert imported.run_id is not None
    with transaction(context.sessions) as session:
        run = the_run(session, imported.run_id)
        assert run.results is not None
        assert run.checks is not None
        return run


def experiments_in(context: Context) -> list[Experiment]:
    with transaction(context.sessions) as session:
        return list(session.scalars(select(Experiment)))


def test_one_row_per_customer__new_experiment__is_registered_and_has_its_result(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "new page.csv", customers())
    imported = import_file(context, request_for(path), silently)
    assert imported.summary == (
        "200 customers (control 100, new 100) in new page.csv are stored."
    )
    run = run_of(context, imported)
    assert run.phase == ResultPhase.FINAL
    assert run.data_cutoff is None
    came_back, score = run.results
    # 25 of 100 against 50 of 100.
    assert came_back.metric == "came-back"
    assert came_back.outcome["effect"] == pytest.approx(0.25)
    # 80 of 100 answered in each group, with scores 3, 4, 5 in turn.
    assert score.outcome["control"]["n"] == 80
    assert score.outcome["control"]["n_missing"] == 20
    assert score.details["response"]["control"]["invited"] == 0
    with transaction(context.sessions) as session:
        experiment = catalog.get(session, "new-page")
        assert experiment.status == Status.STOPPED
        design = catalog.to_design(experiment)
    assert [v.name for v in design.variants if v.is_control] == ["control"]
    assert not experiment.pre_registered
    with transaction(context.sessions) as session:
        plan, _ = plan_lock.locked_plan(session, catalog.get(session, "new-page"))
    assert plan.hypothesis.forecast is None


def test_two_imports__at_the_same_time__are_both_stored(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "pages.csv", customers(40))

    def run(key: str) -> Imported:
        return import_file(context, request_for(path, experiment=key), silently)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(run, ("first-page", "second-page")))
    assert all(imported.run_id for imported in found)
    assert len(experiments_in(context)) == 2


def test_one_row_per_customer__published_data__gives_the_published_numbers(
    context: Context, tmp_path: Path, reference_data: Path
) -> None:
    request = Request(
        path=reference_data / "cookie_cats" / "cookie_cats.csv",
        experiment="cookie-cats",
        variant="version",
        customer="userid",
        control="gate_30",
        outcomes=("retention_7=retention:7", "retention_1=retention:1"),
    )
    run = run_of(context, import_file(context, request, silently))
    for row in run.results:
        row.metric = {"retention-7": "day-7-retention"}.get(
            row.metric, "day-1-retention"
        )
    check_published_numbers(run, reference_data)
    assert run.verdict == Verdict.DO_NOT_SHIP
    assert tmp_path.exists()


def test_one_row_per_customer__imported_again__is_stored_once(
    context: Context, tmp_path: Path, now: FakeClock
) -> None:
    path = write_csv(tmp_path / "a.csv", customers())
    request = request_for(path)
    first = import_file(context, request, silently)
    store = UnitStore(context.settings)
    version = store.of("new-page")
    again = import_file(context, request, silently)
    assert "were stored already" in again.summary
    assert store.of("new-page") == version
    assert again.run_id == first.run_id  # the same input says the same
    # A corrected file takes the place of the first, and its result that of the old.
    now.advance(days=1)
    corrected = customers()
    corrected[0]["came_back"] = 0
    write_csv(path, corrected)
    third = import_file(context, request, silently)
    outcome = run_of(context, third).results[0].outcome
    assert outcome["control"]["value"] == pytest.approx(0.24)
    assert len(experiments_in(context)) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        # A locked plan does not change by a second import.
        (
            {"outcomes": ("came_back=churn:7", "score=csat_mean")},
            "asks for churn:7, but in the plan of .* came-back is retention:7",
        ),
        ({"outcomes": ("came_back=retention:8", "score=csat_mean")}, "is retention:7"),
        ({"outcomes": ("came_back=csat_mean", "score=csat_mean")}, "is retention:7"),
        (
            {"outcomes": ("score=csat_mean", "came_back=retention:7")},
            "says that came-back does. Name it first",
        ),
        (
            {"outcomes": ("came_back=retention:7", "customer=came-back")},
            "came-back is named twice",
        ),
        ({"scale": Scale(7, 5)}, "scale to 7, but .* scale to 5"),
        ({"control": "new"}, "--control: control is control"),
        ({"name": "Another"}, '--name: it is called "new-page"'),
        ({"matters": 0.5}, "--matters: the smallest change that matters is 0.01"),
        ({"begins_at": BEGAN}, "--began: it is "),
        ({"ends_at": BEGAN}, "--ended: it is "),
        # Stored answers are not dropped.
        (
            {"outcomes": ("came_back=retention:7",)},
            "has stored outcomes of score,.* --outcome COLUMN=score",
        ),
    ],
)
def test_imported_again__asking_for_something_else__is_refused_and_changes_nothing(
    changes: dict[str, Any], words: str, context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", customers())
    import_file(context, request_for(path), silently)
    store = UnitStore(context.settings)
    stored = store.of("new-page")
    for dry_run in (True, False):
        request = request_for(path, dry_run=dry_run, **changes)
        with pytest.raises(Conflict) as refused:
            import_file(context, request, silently)
        faults = [f"{name}: {fault}" for name, fault in refused.value.fields.items()]
        assert re.search(words, " ".join([refused.value.message, *faults]))
    assert store.of("new-page") == stored


def test_imported_again__saying_the_same_in_other_words__is_the_same(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", customers())
    request = request_for(path, ends_at=BEGAN + timedelta(days=40), scale=Scale(6, 4))
    first = import_file(context, request, silently)
    again = replace(
        request,
        outcomes=("came_back=came-back", "score=csat_mean:30"),
        name="new-page",
        control="control",
        matters=0.01,
        scale=None,
    )
    second = import_file(context, again, silently)
    assert "were stored already" in second.summary
    assert second.run_id == first.run_id


def test_imported_again__with_a_variant_the_plan_has_not__is_refused(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", customers())
    import_file(context, request_for(path), silently)
    rows = customers()
    rows[0]["group"] = "third"
    write_csv(path, rows)
    with pytest.raises(Conflict, match="the file also has third"):
        import_file(context, request_for(path), silently)


def ask_for_erasure(context: Context, who: str) -> None:
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session,
            load_pseudonymiser(context.settings),
            who,
            IdKind.CUSTOMER,
            actor=SYSTEM,
            now=context.now(),
        )


def test_one_row_per_customer__who_was_erased__does_not_come_back(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = customers(40)
    path = write_csv(tmp_path / "people.csv", rows)
    first, second, third = (str(row["customer"]) for row in rows[:3])
    ask_for_erasure(context, first)
    replaced = UnitStore.replace

    def replace_while_somebody_asks(store: UnitStore, *args: Any) -> None:  # noqa: ANN401
        monkeypatch.setattr(UnitStore, "replace", replaced)
        replaced(store, *args)
        ask_for_erasure(context, second)

    monkeypatch.setattr(UnitStore, "replace", replace_while_somebody_asks)
    imported = import_file(context, request_for(path), silently)
    assert imported.summary == (
        "39 customers (control 19, new 20) in people.csv, without 1 who were erased"
        " or opted out, are stored."
    )
    hide, store = load_pseudonymiser(context.settings), UnitStore(context.settings)
    units = store.of("new-page")
    assert units is not None
    left = {
        row["customer"]
        for file in units.files
        for row in pq.ParquetFile(file).read(columns=["customer"]).to_pylist()
    }
    assert len(left) == 38
    assert not left & {hide.customer(first), hide.customer(second)}
    assert hide.customer(third) in left


def test_one_row_per_customer__all_of_them_erased__is_refused(
    context: Context, tmp_path: Path
) -> None:
    rows = customers(2)
    path = write_csv(tmp_path / "people.csv", rows)
    for row in rows:
        ask_for_erasure(context, str(row["customer"]))
    with pytest.raises(InvalidInput, match="Every customer in the file was erased"):
        import_file(context, request_for(path), silently)
    assert experiments_in(context) == []


def test_one_row_per_customer__as_parquet__is_the_same(
    context: Context, tmp_path: Path
) -> None:
    rows = [{**row, "score": row["score"] or None} for row in customers()]
    path = tmp_path / "a.parquet"
    pq.write_table(pa.Table.from_pylist(rows), path)
    run = run_of(context, import_file(context, request_for(path), silently))
    assert run.results[0].outcome["effect"] == pytest.approx(0.25)
    assert run.results[1].outcome["control"]["n"] == 80


def test_faulty_rows__are_named_by_number_and_nothing_is_stored(
    context: Context, tmp_path: Path
) -> None:
    rows = customers(40)
    rows[0]["customer"] = ""
    rows[1]["group"] = "two words"
    rows[2]["came_back"] = "maybe"
    rows[3]["score"] = "9"
    rows[5]["customer"] = "c4"
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(InvalidInput) as refused:
        import_file(context, request_for(path), silently)
    assert refused.value.fields == {
        "row 2": "customer must be an id of the customer.",
        "row 3": "group: Use 1 to 64 letters, digits or any of . _ ~ - (no spaces).",
        "row 4": "came_back must be 0 or 1, no or yes, or empty.",
        "row 5": "score must be a score from 0 to 5, or empty.",
        "row 7": "customer: this customer stands in row 6 already.",
    }
    assert experiments_in(context) == []
    assert UnitStore(context.settings).of("new-page") is None


def test_many_faulty_rows__the_first_are_named_and_the_rest_counted(
    context: Context, tmp_path: Path
) -> None:
    rows = [{**row, "came_back": "x"} for row in customers(150)]
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(InvalidInput, match=r"in 150 rows.*The first 20:") as refused:
        import_file(context, request_for(path), silently)
    assert list(refused.value.fields) == [f"row {number}" for number in range(2, 22)]


def test_rows_of_another_width__are_named_among_all_other_faults(
    context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "customer,group,came_back,score\n"
        "a,control,1\n"
        "\n"  # a spreadsheet counts it
        "b,new,1,2,3\n"
        "c,new,maybe,9\n"
        "d,new,0,5\n"
    )
    with pytest.raises(InvalidInput, match="in 3 rows") as refused:
        import_file(context, request_for(path), silently)
    assert refused.value.fields == {
        "row 2": "It has fewer cells than the header.",
        "row 4": "It has more cells than the header.",
        "row 5": "came_back must be 0 or 1, no or yes, or empty."
        " score must be a score from 0 to 5, or empty.",
    }


def test_dry_run__says_what_it_found_and_stores_nothing(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", customers(40))
    imported = import_file(context, request_for(path, dry_run=True), silently)
    assert imported.summary.startswith("40 customers (control 20, new 20) in a.csv")
    assert imported.run_id is None
    assert experiments_in(context) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("customer,group,score\na,control,1", "has no column came_back"),
        ("customer,group,came_back,score\n", "a.csv has no rows."),
        ("", "It is empty; its first line names the columns."),
        ("customer;group;came_back\na;control;1", "parted by semicolons; part them"),
        ("customer,group,came_back,score\na,control,1,4", "rows name 1 .control.[.]"),
        (
            "customer,group,came_back,score\na,control,1,4\nb,Control,1,4",
            'Write "Control" one way',
        ),
        (
            "customer,group,came_back,score\na,control,1,4\nb,new,1,4",
            "has 2 customers; a result takes at least 20.",
        ),
        ("customer,customer,group\n", "two columns named customer"),
        (b"customer,group\n\xff,a", "must be UTF-8; byte"),
        ('customer,group,came_back,score\n"a"b,c,1,2', "no proper CSV"),
    ],
)
def test_file_that_cannot_be_read__is_refused_in_words(
    content: str | bytes, words: str, context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InvalidInput, match=words):
        import_file(context, request_for(path), silently)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcomes": ("came_back",)}, "must be NAME=KIND"),
        ({"outcomes": ("came_back=growth:7",)}, "the kinds are retention"),
        ({"outcomes": ("came_back=retention",)}, "needs a day"),
        ({"outcomes": ("came_back=time_to_churn:7",)}, "needs event times"),
        ({"outcomes": ()}, "Say what to measure"),
        ({"experiment": None}, "Say of which experiment"),
        ({"control": "blue"}, "No customer is in variant"),
        (
            {"outcomes": ("came_back=retention:7", "came_back=churn:7")},
            "came_back can be the column of one outcome only",
        ),
        ({"experiment": "a b"}, "--experiment: Use 1 to 64 letters"),
        ({"experiment": "new"}, '--experiment: Choose another key: "new" is part'),
    ],
)
def test_request_that_cannot_be_followed__is_refused_in_words(
    changes: dict[str, Any], words: str, context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "a.csv", customers(40))
    with pytest.raises(InvalidInput, match=words):
        import_file(context, request_for(path, **changes), silently)
    assert experiments_in(context) == []


def test_control__that_no_name_tells__is_asked_for(
    context: Context, tmp_path: Path
) -> None:
    rows = [{**row, "group": row["group"] + "-x"} for row in customers(40)]
    path = write_csv(tmp_path / "a.csv", rows)
    with pytest.raises(InvalidInput, match="Say which variant is control"):
        import_file(context, request_for(path), silently)
    run_of(context, import_file(context, request_for(path, control="new-x"), silently))
    with transaction(context.sessions) as session:
        design = catalog.to_design(catalog.get(session, "new-page"))
    assert design.control.name == "new-x"


def test_other_files__for_an_experiment_of_abide__are_refused(
    context: Context, tmp_path: Path
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Bob", PersonRole.ADMIN)
        factories.make_experiment(session, actor, key="new-page")
    path = write_csv(tmp_path / "a.csv", customers(40))
    with pytest.raises(Conflict, match="assigned by Abide"):
        import_file(context, request_for(path), silently)


def test_existing_experiment__metrics_named_by_key_and_segments_by_column(
    context: Context, tmp_path: Path, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Bob", PersonRole.ADMIN)
        factories.make_segment(session, "pro", condition={"plan": {"$in": ["pro"]}})
        design = factories.external_design(
            key="new-page",
            variants=(
                factories.variant("control", is_control=True),
                factories.variant("new"),
            ),
            breakdowns=(SegmentRef("pro", 1),),
        )
        factories.start_experiment(session, actor, design, now=now())
    rows = [
        {**row, "plan": "pro" if i < 40 else "free"}
        for i, row in enumerate(customers())
    ]
    path = write_csv(tmp_path / "a.csv", rows)
    request = request_for(
        path, outcomes=(f"came_back={factories.RETENTION}", f"score={factories.CSAT}")
    )
    run = run_of(context, import_file(context, request, silently))
    assert {row.metric for row in run.results} == {factories.RETENTION, factories.CSAT}
    sizes = {
        table["segment"]: table["n"]
        for table in run.summaries
        if (table["metric"], table["variant"]) == (factories.RETENTION, "new")
    }
    assert sizes == {"": 100, "pro": 20}
    wrong = replace(request, outcomes=("came_back=retention:9",))
    with pytest.raises(InvalidInput, match="No metric of"):
        import_file(context, wrong, silently)


# Events


def event_rows(count: int = 60) -> list[dict[str, Any]]:
    """Customers exposed one an hour; 8 of 30 and 15 of 30 are back on day 7."""
    rows = []
    for i in range(count):
        viewed_at = BEGAN + timedelta(hours=i)
        variant = ["control", "new"][i % 2]
        rows.append(event_row(i, "Experiment Viewed", viewed_at, variant=variant))
        if i // 2 % (2 if i % 2 else 4) == 0:
            rows.append(event_row(i, "Opened", viewed_at + timedelta(days=7, hours=1)))
        score = 4 + i // 2 % 2
        answered_at = viewed_at + timedelta(days=2)
        rows.append(event_row(i, "CSAT Submitted", answered_at, score=score))
    return rows


def event_row(
    who: int, event: str, at: datetime, *, variant: str = "", score: object = ""
) -> dict[str, Any]:
    return {
        "user_id": f"c{who}",
        "event": event,
        "timestamp": at.isoformat(),
        "experiment_id": "new-page" if variant else "",
        "variation_id": variant,
        "score": score,
    }


def events_request(path: Path, **changes: Any) -> Request:  # noqa: ANN401
    return replace(
        Request(
            path=path,
            experiment="new-page",
            outcomes=("Opened=retention:7", "csat=csat_mean:20"),
            scale=Scale(5, 4),
        ),
        **changes,
    )


def test_events__new_experiment__is_registered_and_has_its_result(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "events.csv", event_rows())
    imported = import_file(context, events_request(path), silently)
    run = run_of(context, imported)
    assert run.phase == ResultPhase.FINAL
    assert run.counts["exposed"] == {"control": 30, "new": 30}
    assert run.results[0].outcome["effect"] == pytest.approx(7 / 30)
    assert run.results[1].outcome["control"]["n"] == 30
    with transaction(context.sessions) as session:
        source = session.scalars(select(EventSource)).one()
    assert source.is_import
    assert source.source == "import-events"
    # Customer 57 came back last; the longest window is 20 days.
    last = BEGAN + timedelta(hours=57) + timedelta(days=7, hours=1)
    assert source.complete_through == last + timedelta(days=20)


def test_events__imported_again__are_stored_once(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "events.csv", event_rows())
    request = events_request(path)
    import_file(context, request, silently)
    again = import_file(context, request, silently)
    assert "were stored before" in again.summary
    stored = sum(
        pq.ParquetFile(file).metadata.num_rows
        for file in EventStore(context.settings).files()
    )
    assert stored == len(event_rows())


def test_events__of_an_old_spreadsheet__are_read_whatever_their_capitals(
    context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "mac.csv"
    path.write_bytes(
        b"User ID,Event,Time,Score,SCALE,Plan\r"
        b"wren,CSAT Submitted,2026-01-02T00:00:00Z,4,5,pro\r"
    )
    import_file(context, Request(path), silently)
    (file,) = EventStore(context.settings).files()
    (row,) = pq.ParquetFile(file).read(["value", "scale"]).to_pylist()
    assert row == {"value": 4.0, "scale": 5}
    with transaction(context.sessions) as session:
        assert import_records.listing(session)[0].row_count == 1


def test_events__same_again_under_another_name__are_refused_unless_said(
    context: Context, tmp_path: Path
) -> None:
    rows = event_rows()
    import_file(
        context, events_request(write_csv(tmp_path / "events.csv", rows)), silently
    )
    turned = write_csv(tmp_path / "copy.csv", rows[::-1])
    packed = tmp_path / "packed.parquet"
    pq.write_table(
        pa.Table.from_pylist([{k: str(v) for k, v in row.items()} for row in rows]),
        packed,
    )
    for path in (turned, packed):
        request = events_request(path, dry_run=True)
        with pytest.raises(Conflict, match="held the same events") as refused:
            import_file(context, request, silently)
        assert "Say import-events to" in refused.value.fields["--source"]
    known = events_request(turned, source="import-events")
    assert "were stored before" in import_file(context, known, silently).summary
    again = import_file(context, events_request(turned, again=True), silently)
    assert "stored before" not in again.summary


class Killed(BaseException):
    """What stops an import half way."""


@contextmanager
def killed_half_way(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """Stop when the first rows are stored."""

    def advance(_done: int) -> None:
        if what == "Storing rows":
            raise Killed(total)

    yield advance


def source_of(context: Context) -> EventSource:
    with transaction(context.sessions) as session:
        return session.scalars(select(EventSource)).one()


def test_events__import_killed_half_way__are_complete_only_when_imported_again(
    context: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_events, "CHUNK", 50)
    path = write_csv(tmp_path / "events.csv", event_rows())
    with pytest.raises(Killed):
        import_file(context, events_request(path), killed_half_way)
    compact_once(context)
    source = source_of(context)
    assert source.event_count == 50
    assert source.complete_through is None
    run_id = pipeline.analyse(context, EventStore(context.settings), "new-page")
    run = run_of(context, Imported("", run_id))
    with transaction(context.sessions) as session:
        plan, _ = plan_lock.locked_plan(session, catalog.get(session, "new-page"))
    assert run.data_cutoff == plan.exposures_from
    states = {check.name: check.state for check in run.checks}
    assert states[HealthCheck.FRESHNESS] == CheckState.NOTICE
    imported = import_file(context, events_request(path), silently)
    assert run_of(context, imported).counts["exposed"] == {"control": 30, "new": 30}
    source = source_of(context)
    assert source.complete_through is not None
    assert source.importing is None
    assert source.event_count == len(event_rows())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcomes": ("Opened=churn:7",)}, "No metric of .* fits Opened"),
        ({"outcomes": ("Opened=retention:8",)}, "No metric of .* fits Opened"),
        ({"control": "new"}, "control is control"),
        ({"begins_at": BEGAN}, "--began and --ended are for one row per customer"),
    ],
)
def test_events__imported_again_asking_for_something_else__are_refused(
    changes: dict[str, Any], words: str, context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "events.csv", event_rows())
    import_file(context, events_request(path), silently)
    files = EventStore(context.settings).files()
    with pytest.raises((Conflict, InvalidInput)) as refused:
        import_file(context, events_request(path, **changes), silently)
    said = " ".join([refused.value.message, *refused.value.fields.values()])
    assert re.search(words, said)
    assert EventStore(context.settings).files() == files


def test_events__faulty_rows__are_named_and_nothing_is_stored(
    context: Context, tmp_path: Path
) -> None:
    rows = event_rows(30)
    rows[0]["timestamp"] = "yesterday"
    rows[1]["timestamp"] = ""
    rows[2]["user_id"] = ""
    rows[3]["timestamp"] = "2999-01-01T00:00:00Z"
    path = write_csv(tmp_path / "events.csv", rows)
    with path.open("a") as lines:
        lines.write("c1,Opened\n")
    count = len(path.read_text().splitlines())
    with pytest.raises(InvalidInput, match="in 5 rows") as refused:
        import_file(context, events_request(path), silently)
    last = f"row {count}"
    assert list(refused.value.fields) == ["row 2", "row 3", "row 4", "row 5", last]
    assert refused.value.fields[last] == "It has fewer cells than the header."
    assert "ISO 8601" in refused.value.fields["row 2"]
    assert refused.value.fields["row 3"] == "timestamp must be a time."
    assert experiments_in(context) == []
    assert EventStore(context.settings).files() == ()


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("a,b", "no column for a customer .user_id., an event's name .event., a time"),
        ("user_id,event", "no column for a time"),
    ],
)
def test_events__columns_missing__are_named(
    header: str, words: str, context: Context, tmp_path: Path
) -> None:
    path = tmp_path / "events.csv"
    path.write_text(header + "\n")
    with pytest.raises(InvalidInput, match=words):
        import_file(context, events_request(path), silently)


def test_events__without_the_experiments_exposures__are_refused(
    context: Context, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "events.csv", event_rows(30))
    with pytest.raises(InvalidInput, match='no "Experiment Viewed" event of "other"'):
        import_file(context, events_request(path, experiment="other"), silently)


def test_events__under_the_name_of_a_live_source__are_refused(
    context: Context, tmp_path: Path
) -> None:
    with transaction(context.sessions) as session:
        session.add(
            EventSource(
                source="app",
                environment="production",
                is_import=False,
                complete_through=context.now(),
                event_count=0,
                duplicate_count=0,
                event_names=[],
            )
        )
    path = write_csv(tmp_path / "events.csv", event_rows(30))
    with pytest.raises(Conflict, match="live source"):
        import_file(context, events_request(path, source="app"), silently)
