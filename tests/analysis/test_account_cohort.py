"""Accounts as units: who belongs where, counted by hand."""

from dataclasses import replace
from pathlib import Path

import pytest

from analysis.bounds import Bounds
from analysis.cells import Summaries
from analysis.stats.summary import Successes
from analysis.warehouse import summarise_events
from experiments.plan import Plan
from experiments.vocabulary import Unit
from tests.analysis.event_files import EventFile, at, plan_of, pseudonym, retention


def account_plan() -> Plan:
    plan = plan_of({"d7": retention()})
    return replace(plan, design=replace(plan.design, unit=Unit.ACCOUNT))


def tied(file: EventFile, who: str, account: str, day: float) -> None:
    file.add("identity", who, at(day), name="group", account=pseudonym(account))


def seen(
    file: EventFile, who: str, variant: str, day: float = 0, account: str | None = None
) -> None:
    own = None if account is None else pseudonym(account)
    file.exposed(who, variant, at(day), account=own)


def summarise(
    file: EventFile, folder: Path, plan: Plan | None = None, **bounds: object
) -> Summaries:
    limits = Bounds(as_of=at(90), data_cutoff=at(60), **bounds)  # type: ignore[arg-type]
    return summarise_events(
        plan or account_plan(), [file.write(folder)], limits, folder / "scratch"
    )


def test_accounts__tied_or_named__hold_their_customers(tmp_path: Path) -> None:
    file = EventFile()
    # Acme by two ties, one of them older; Globex by the exposure itself.
    tied(file, "ada", "old", 0)
    tied(file, "ada", "acme", 1)
    tied(file, "bob", "acme", 0)
    seen(file, "ada", "treatment", 2)
    seen(file, "bob", "treatment", 3)
    seen(file, "cyd", "control", 2, account="globex")
    # Tied only after what they saw: nobody drew for them yet.
    seen(file, "dot", "control", 2)
    tied(file, "dot", "globex", 2.5)
    file.active("ada", 9.5).active("cyd", 9.5)

    found = summarise(file, tmp_path)

    exposures = found.exposures
    assert exposures.analysed == {"control": 1, "treatment": 1}
    assert exposures.customers == {"control": 1, "treatment": 2}
    assert exposures.mature == {"control": 1, "treatment": 1}
    assert exposures.without_account == 1
    assert (exposures.first_at, exposures.last_at) == (at(2), at(3))
    arm = found.arms("d7")["treatment"]
    assert arm.summary == Successes(n=2, successes=1)
    assert arm.clusters is not None
    assert arm.clusters.accounts == 1
    # One account of one who stayed and one who did not.
    assert arm.clusters.products.tolist() == [[1, 1], [1, 1]]


def test_accounts__in_two_variants__are_left_out_with_all_their_customers(
    tmp_path: Path,
) -> None:
    file = EventFile()
    for who, variant in (("ada", "control"), ("bob", "treatment"), ("cyd", "control")):
        seen(file, who, variant, 1, account="acme")
    seen(file, "dot", "control", 1, account="globex")

    exposures = summarise(file, tmp_path).exposures

    assert exposures.two_variants == 1
    assert exposures.contradicting == 1
    assert exposures.analysed == {"control": 1, "treatment": 0}
    assert exposures.customers == {"control": 1, "treatment": 0}


def test_customers__who_change_accounts__belong_to_the_first_or_are_left_out(
    tmp_path: Path,
) -> None:
    file = EventFile()
    for who in ("ada", "bob"):
        seen(file, who, "control", 1, account="acme")
    seen(file, "cyd", "treatment", 1, account="globex")
    seen(file, "dot", "control", 1, account="initech")
    seen(file, "ada", "control", 5, account="initech")  # the same variant: stays
    seen(file, "bob", "treatment", 5, account="globex")  # saw both: left out

    exposures = summarise(file, tmp_path).exposures

    assert exposures.two_variants == 0  # each account showed one variant
    assert exposures.moved == 1
    assert exposures.customers == {"control": 2, "treatment": 1}
    assert exposures.analysed == {"control": 2, "treatment": 1}


def test_accounts__listed_or_of_an_earlier_phase__are_left_out(tmp_path: Path) -> None:
    file = EventFile()
    seen(file, "ada", "control", 1, account="listed")
    seen(file, "bob", "control", -3, account="earlier")
    seen(file, "cyd", "control", 1, account="earlier")
    seen(file, "dot", "control", 1, account="new")

    exposures = summarise(
        file, tmp_path, listed=(pseudonym("listed"),), earlier_from=at(-10)
    ).exposures

    assert (exposures.listed, exposures.earlier_phase) == (1, 1)
    assert exposures.customers == {"control": 1, "treatment": 0}


def test_accounts__a_customer_too_young__account_is_not_mature_yet(
    tmp_path: Path,
) -> None:
    file = EventFile()
    seen(file, "ada", "control", 1, account="acme")
    seen(file, "bob", "control", 55, account="acme")  # 5 days of 8 watched
    seen(file, "cyd", "treatment", 1, account="globex")

    found = summarise(file, tmp_path)

    assert found.exposures.mature == {"control": 0, "treatment": 1}
    arm = found.arms("d7")["control"]
    assert (arm.n_immature, arm.summary) == (1, Successes(1, 0, n_immature=1))
    assert arm.clusters is not None
    assert arm.clusters.customers == 1


def test_accounts__many_buckets__same_as_in_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = EventFile()
    for i in range(60):
        who, account = f"person {i}", f"account {i % 7}"
        tied(file, who, account, 0)
        seen(file, who, "control" if i % 7 < 3 else "treatment", 1 + i % 3)
        if i % 2:
            file.active(who, 8.5 + i % 3)
    whole = summarise(file, tmp_path)
    monkeypatch.setattr("analysis.event_rows.EVENTS_A_BUCKET", 10)

    parts = summarise(file, tmp_path)

    assert parts.exposures == whole.exposures
    assert whole.exposures.analysed == {"control": 3, "treatment": 4}
    for name in ("control", "treatment"):
        one, other = whole.arms("d7")[name], parts.arms("d7")[name]
        assert one.summary == other.summary
        assert one.clusters is not None
        assert other.clusters is not None
        assert one.clusters.products.tolist() == other.clusters.products.tolist()
