"""The page for applications names every reason, and no other."""

import re
from pathlib import Path

from experiments.receipt_words import REASON_WORDS
from experiments.vocabulary import AssignmentReason

PAGE = Path(__file__).parents[2] / "docs" / "api.md"


def test_reasons__of_the_page__are_those_of_the_vocabulary() -> None:
    table = PAGE.read_text().partition("| reason | the customer gets |\n|---|---|\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    named = [name for row in rows for name in re.findall("`(.+?)`", row.split("|")[1])]
    assert sorted(named) == sorted(AssignmentReason)
    assert set(REASON_WORDS) == set(AssignmentReason)
