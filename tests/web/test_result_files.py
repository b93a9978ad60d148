"""Results to take away: a table for spreadsheets, and a notebook that checks us."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # ships no types
import pytest

from analysis.result_table import COLUMNS
from analysis.stats.proportions import two_proportions
from analysis.stats.satisfaction import csat_mean
from analysis.stats.summary import Histogram, Successes
from experiments import accounts
from experiments.context import Context
from experiments.db import transaction
from experiments.design_parts import SegmentRef
from experiments.models import Person
from experiments.vocabulary import PersonRole, ResultPhase
from tests.analysis.run_examples import answers, finish, store_run
from tests.clock import FakeClock
from tests.factories import (
    CSAT,
    EXPERIMENT,
    NOW,
    RETENTION,
    make_segment,
    start_experiment,
)
from tests.web.conftest import Visitor

SignIn = Callable[..., Visitor]
LATER = NOW + timedelta(days=60)
PATH = f"/experiments/{EXPERIMENT}/results"
RETAINED = {"control": Successes(1_000, 700), "nudge": Successes(1_010, 747)}
SCORES = {
    "control": answers(40, 60, 90, 120, 90, exposed=1_000, invited=800),
    "nudge": answers(30, 50, 100, 140, 100, exposed=1_010, invited=810),
}
# What nbformat's schema of format 4.5 asks of such cells and of the whole.
CELL = {
    "type": "object",
    "required": ["id", "cell_type", "metadata", "source"],
    "properties": {
        "id": {"type": "string", "pattern": "^[a-zA-Z0-9-_]+$", "maxLength": 64},
        "metadata": {"type": "object"},
        "source": {"type": "array", "items": {"type": "string"}},
    },
    "oneOf": [
        {
            "required": ["outputs", "execution_count"],
            "properties": {
                "cell_type": {"enum": ["code"]},
                "outputs": {"type": "array"},
                "execution_count": {"type": ["integer", "null"]},
            },
        },
        {
            "properties": {"cell_type": {"enum": ["markdown"]}},
            "not": {"required": ["outputs"]},
        },
    ],
}
NOTEBOOK = {
    "type": "object",
    "additionalProperties": False,
    "required": ["metadata", "nbformat_minor", "nbformat", "cells"],
    "properties": {
        "metadata": {"type": "object"},
        "nbformat": {"const": 4},
        "nbformat_minor": {"const": 5},
        "cells": {"type": "array", "items": CELL},
    },
}


def table_of(metric: str, variant: str, summary: Successes | Histogram) -> Any:  # noqa: ANN401  # JSON
    kind = "successes" if isinstance(summary, Successes) else "histogram"
    return {
        "metric": metric,
        "variant": variant,
        "segment": "",
        "kind": kind,
        **asdict(summary),
    }


@pytest.fixture
def visitor(signed_in: SignIn, now: FakeClock, context: Context) -> Visitor:
    signed_in(PersonRole.EDITOR)
    now.advance(days=60, hours=3)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        make_segment(session, "tiny", actor=owner)
        splits = (SegmentRef("tiny", 1),)
        experiment = start_experiment(session, owner, breakdowns=splits)
        run = finish(
            session,
            experiment,
            at=LATER,
            primary=two_proportions(RETAINED["control"], RETAINED["nudge"]),
            guardrail=csat_mean(SCORES["control"], SCORES["nudge"]),
        )
        run.summaries = [
            table_of(metric, variant, summary)
            for metric, tables in ((RETENTION, RETAINED), (CSAT, SCORES))
            for variant, summary in tables.items()
        ]
        small = next(row for row in run.results if row.segment == "tiny")
        small.outcome = {
            **small.outcome,
            "control": {**small.outcome["control"], "n": 9},
        }
    return signed_in(PersonRole.VIEWER)


def code_of(body: dict[str, Any]) -> list[str]:
    return ["".join(c["source"]) for c in body["cells"] if c["cell_type"] == "code"]


def test_notebook__run_without_abide__finds_what_was_stored(
    visitor: Visitor, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = visitor.get(f"{PATH}.ipynb")
    assert answer.mimetype == "application/x-ipynb+json"
    body = json.loads(answer.data)
    jsonschema.validate(body, NOTEBOOK)
    code = code_of(body)
    for cell in code:
        # Only what anybody can install.
        imported = re.findall(r"^(?:import|from) ([a-z]+)", cell, re.MULTILINE)
        assert set(imported) <= {"json", "math", "scipy", "statsmodels"}
    names: dict[str, Any] = {}
    for cell in code:
        exec(cell, names)  # noqa: S102  # as a notebook does
    said = capsys.readouterr().out
    assert f"{RETENTION}, nudge: change 0.0396" in said  # 747/1010 - 700/1000
    assert f"{CSAT}, nudge: change" in said
    compared = {r["metric"]: r["compare"] for r in names["RUN"]["results"]}
    assert compared[RETENTION][-3:] == ["low", "high", "p_value"]
    assert compared[CSAT] == compared[RETENTION]
    for name in ("low", "p_value", "variant_value"):
        names["RUN"]["results"][0]["stored"][name] += 1e-6
        with pytest.raises(AssertionError):
            exec(code[-1], names)  # noqa: S102
        names["RUN"]["results"][0]["stored"][name] -= 1e-6


def test_csv__of_a_result__has_its_numbers_and_hides_small_groups(
    visitor: Visitor,
) -> None:
    answer = visitor.get(f"{PATH}.csv")
    assert answer.mimetype == "text/csv"
    first, *rows = csv.reader(io.StringIO(answer.text))
    assert tuple(first) == COLUMNS
    named = [dict(zip(first, row, strict=True)) for row in rows]
    primary = named[0]
    assert (primary["metric"], primary["role"]) == (RETENTION, "primary")
    assert float(primary["change"]) == pytest.approx(747 / 1010 - 0.7, rel=1e-12)
    assert (primary["control_n"], primary["variant_n"]) == ("1000", "1010")
    (small,) = (row for row in named if row["segment"] == "tiny")
    assert small["sentence"] == "Hidden: fewer than 10 in a group."
    assert {small[name] for name in first[8:-1]} == {""}


def test_page__with_results__offers_all_three(visitor: Visitor) -> None:
    page = visitor.get(PATH).text
    for end in ("csv", "json", "ipynb"):
        assert f'href="{PATH}.{end}"' in page


def test_files__while_counting__hold_no_estimate(
    signed_in: SignIn, context: Context
) -> None:
    signed_in(PersonRole.EDITOR)
    with transaction(context.sessions) as session:
        owner = accounts.actor_for(session.get_one(Person, 1))
        experiment = start_experiment(session, owner)
        store_run(session, experiment, at=NOW, phase=ResultPhase.COUNTING)
    visitor = signed_in(PersonRole.VIEWER)
    assert visitor.get(f"{PATH}.ipynb").status_code == 404
    assert "notebook" not in visitor.get(PATH).text
    assert "0.0" not in visitor.get(f"{PATH}.csv").text
