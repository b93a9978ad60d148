"""Every chart has a sentence, and a table that says the same (promise U8)."""

import re
from datetime import timedelta
from typing import Any
from xml.etree.ElementTree import Element

from flask import Flask
from sqlalchemy.orm import Session

from experiments import accounts
from experiments.actors import Actor
from experiments.context import Context
from experiments.db import transaction
from experiments.design_parts import SegmentRef
from experiments.vocabulary import PersonRole, ResultPhase
from tests.analysis.run_examples import finish
from tests.clock import FakeClock
from tests.factories import NOW, make_person, make_segment, start_experiment, variant
from tests.web.structure import faults, tree_of, words_of
from tests.web.test_structure import signed_in_first

LATER = NOW + timedelta(days=60)
STATES: dict[str, dict[str, Any]] = {
    "ship": {},
    "counting": {"phase": ResultPhase.COUNTING},
    "three": {},
}
PARTS = ("", "/results", "/summary")
# Not those within names, such as treatment-0.
NUMBER = re.compile("(?<![\\w-])[+\N{MINUS SIGN}]?\\d+(?:,\\d{3})*(?:\\.\\d+)?")
# What the plan says is no reading: size and change that matters.
PLANNED = re.compile(r"; [^;]* matters?\.$| of [\d,]+ planned customers")
ENROLLED = re.compile(r"^([\d,]+) of ([\d,]+) planned customers")


def unequal(figure: Element) -> list[str]:
    """Say what a chart's sentence holds and its table does not."""
    said = {words_of(each) for each in figure.iter("desc")}
    if len(said) != 1 or not min(said):
        return [f"not one sentence: {said}"]
    sentence = said.pop()
    tables = list(figure.iter("table"))
    if "chart-forest" in "".join(each.get("id", "") for each in figure.iter()):
        # The rows of the forest are the page's own table of metrics.
        return [f"numbers: {sentence}"] if NUMBER.search(sentence) else []
    if len(tables) != 1:
        return [f"{len(tables)} tables: {sentence}"]
    rows = [[words_of(cell) for cell in row] for row in tables[0].iter("tr")]
    shown = {number for row in rows for cell in row for number in NUMBER.findall(cell)}
    enrolled = ENROLLED.match(sentence)
    if enrolled:
        # Its total is that of the last day.
        last = [int(cell.replace(",", "")) for cell in rows[-1][1:]]
        shown.add(f"{sum(last):,}")
    asked = set(NUMBER.findall(PLANNED.sub("", sentence)))
    return [f"{sentence}: {number} is in no cell" for number in asked - shown]


def fill(session: Session, owner: Actor) -> None:
    """Store a result of each kind that draws something of its own."""
    make_segment(session, "bakeries", name="Bakeries", condition={"a": "b"})
    three = tuple(
        variant(name, is_control=name == "control", share=1 / 3)
        for name in ("control", "treatment-0", "treatment-1")
    )
    for key, changes in STATES.items():
        own: dict[str, Any] = {"variants": three} if key == "three" else {}
        if key == "ship":
            own["breakdowns"] = (SegmentRef("bakeries", 1),)
        experiment = start_experiment(
            session, owner, key=key, hypothesis=key, planned_units=18_800, **own
        )
        finish(session, experiment, at=LATER, **changes)


def test_charts__of_all_states__say_what_their_tables_say(
    app: Flask, context: Context, now: FakeClock
) -> None:
    with transaction(context.sessions) as session:
        person = make_person(session, "Ada", PersonRole.ADMIN)
        fill(session, accounts.actor_for(person))
    now.advance(days=60, hours=3)
    visitor = signed_in_first(app, context)
    found, seen = [], 0
    for path in (f"/experiments/{key}{part}" for key in STATES for part in PARTS):
        page = tree_of(visitor.get(path).text)
        found += [f"{path}: {fault}" for fault in faults(page)]
        for figure in page.iter("figure"):
            if figure.get("class") == "chart":
                seen += 1
                found += [f"{path}: {fault}" for fault in unequal(figure)]
    assert not found, "\n".join(found)
    # Fewer would mean that the charts are not looked at any more.
    assert seen >= 14


def test_unequal__number_without_a_cell__is_found() -> None:
    cells = (
        "<tr><th>Group</th><th>Share</th></tr><tr><th>control</th><td>70.1 %</td></tr>"
    )
    drawn = (
        "<svg><title>Kept by group</title><desc>Kept: 70.2 % of control.</desc></svg>"
    )
    figure = tree_of(f"<figure>{drawn}<table>{cells}</table></figure>")
    assert unequal(figure) == ["Kept: 70.2 % of control.: 70.2 is in no cell"]
