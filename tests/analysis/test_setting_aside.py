"""Who is set aside, of which experiment, under which id: counted by hand."""

from dataclasses import replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.subject import read_subject
from analysis.warehouse import summarise_events
from experiments import opt_outs
from experiments.db import transaction
from experiments.vocabulary import Reached, Unit
from tests import factories
from tests.analysis.event_files import EventFile, at, plan_of, pseudonym, retention
from tests.clock import FakeClock


def summarise(
    file: EventFile, folder: Path, *, unit: Unit = Unit.CUSTOMER, **bounds: object
) -> Summaries:
    plan = plan_of({"d7": retention()})
    plan = replace(plan, design=replace(plan.design, unit=unit))
    limits = Bounds(as_of=at(90), data_cutoff=at(60), **bounds)  # type: ignore[arg-type]
    return summarise_events(plan, [file.write(folder)], limits, folder / "scratch")


def previewed(file: EventFile, who: str) -> None:
    file.add("preview", who, at(0), experiment="exp", variant="treatment")


def test_customers__opted_out__are_left_out_whole_and_counted_by_variant(
    tmp_path: Path,
) -> None:
    file = EventFile()
    for who, variant in (
        ("ada", "control"),
        ("bob", "treatment"),
        ("cyd", "treatment"),
        ("anon-dot", "treatment"),
        ("eve", "control"),
    ):
        file.exposed(who, variant, at(1)).active(who, 8)
    # Bob was in both: out all the same, and of neither variant.
    file.exposed("bob", "control", at(2))
    # Dot was a visitor when she saw it, and opted out under the id of later.
    file.add("identity", "dot", at(3), anonymous=pseudonym("anon-dot"))
    # Eve has two reasons; who used a link as well is counted once.
    previewed(file, "eve")
    previewed(file, "cyd")
    out = tuple(map(pseudonym, ("ada", "bob", "dot", "eve", "nobody")))

    found = summarise(file, tmp_path, opted_out=out, previews=True)

    exposures = found.exposures
    assert exposures.analysed == {"control": 0, "treatment": 0}
    assert (exposures.opted_out, exposures.previewed) == (4, 1)
    assert exposures.opted_out_by == {"control": 2, "treatment": 1}
    assert exposures.two_variants == 0
    assert found.trail is not None
    assert (found.trail.exposed, found.trail.analysed) == (5, 0)
    assert found.trail.differences == {Reached.OPTED_OUT: 4, Reached.PREVIEWED: 1}
    # The same without anybody who left: as if they had never been there.
    nobody = summarise(file, tmp_path, opted_out=(pseudonym("nobody"),))
    assert nobody.exposures == summarise(file, tmp_path).exposures
    assert nobody.exposures.opted_out_by == {}


def test_many_customers__opted_out__are_compared_as_a_table(tmp_path: Path) -> None:
    file = EventFile()
    names = [f"c{i}" for i in range(40)]
    for index, who in enumerate(names):
        file.exposed(who, ("control", "treatment")[index % 2], at(1))
    others = tuple(pseudonym(f"elsewhere {i}") for i in range(20_000))
    own = tuple(pseudonym(who) for who in names[:30])

    exposures = summarise(file, tmp_path, opted_out=own + others).exposures

    assert exposures.analysed == {"control": 5, "treatment": 5}
    assert exposures.opted_out_by == {"control": 15, "treatment": 15}


def test_accounts__with_customers_who_left__stay_with_the_others(
    tmp_path: Path,
) -> None:
    file = EventFile()
    for who, variant, account in (
        ("ada", "control", "acme"),
        ("bob", "control", "acme"),
        ("cyd", "treatment", "globex"),
        ("dot", "treatment", "globex"),
        ("eve", "treatment", "initech"),
        ("fay", "control", "listed"),
    ):
        file.exposed(who, variant, at(1), account=pseudonym(account))
    # What Ada was shown by hand, or saw in a preview, is not what Acme drew.
    file.exposed("ada", "treatment", at(2), account=pseudonym("acme"))
    previewed(file, "dot")

    exposures = summarise(
        file,
        tmp_path,
        unit=Unit.ACCOUNT,
        opted_out=(pseudonym("ada"), pseudonym("eve")),
        listed=(pseudonym("listed"),),
        previews=True,
    ).exposures

    # Initech has nobody left, so it is not there.
    assert exposures.analysed == {"control": 1, "treatment": 1}
    assert exposures.customers == {"control": 1, "treatment": 1}
    assert (exposures.opted_out, exposures.previewed, exposures.listed) == (2, 1, 1)
    assert exposures.two_variants == 0
    # Ada was seen in both, Eve in one.
    assert exposures.opted_out_by == {"control": 1, "treatment": 2}


def test_subject__of_who_opted_out_while_it_ran__sets_aside_also_who_came_back(
    sessions: sessionmaker[Session], now: FakeClock
) -> None:
    ada, bob, cyd = map(pseudonym, ("ada", "bob", "cyd"))
    with transaction(sessions) as session:
        opt_outs.opt_out(session, cyd, now=now())
        opt_outs.opt_in(session, cyd, now=now.advance(hours=1))
        actor = factories.make_actor(session)
        now.advance(hours=1)
        factories.start_experiment(session, actor, now=now(), key="runs")
        for who in (ada, bob):
            opt_outs.opt_out(session, who, now=now.advance(days=1))
        opt_outs.opt_in(session, ada, now=now.advance(days=1))
    with transaction(sessions) as session:
        subject = read_subject(session, "runs", now())
    # Ada got control for a while, which the hash did not choose; Cyd was back before.
    assert subject.opted_out == tuple(sorted((ada, bob)))
