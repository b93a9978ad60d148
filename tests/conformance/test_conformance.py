from pathlib import Path

import pytest

from tests.conformance.__main__ import main
from tests.conformance.cases import LEFT_OUT, SECTIONS, run


def test_official_cases__of_what_abide_evaluates__all_pass(
    reference_data: Path,
) -> None:
    outcomes = run(reference_data)

    assert {one.section for one in outcomes} == set(SECTIONS)
    failed = [one for one in outcomes if not one.passed and one.left_out is None]
    assert failed == []
    # 15 of the hash, 13 ranges, 13 choices, 6 equal splits, and of 248 conditions those
    # in the language: 165 use its operators alone, of which 6 compare or equal more.
    assert sum(one.passed for one in outcomes) == 15 + 13 + 13 + 6 + 165 - 6


def test_official_cases__left_out__each_says_why(reference_data: Path) -> None:
    left_out = [one for one in run(reference_data) if one.left_out is not None]

    assert {one.section for one in left_out} == {"evalCondition"}
    named = {one.name for one in left_out if one.name in LEFT_OUT}
    assert named == set(LEFT_OUT)
    others = [one for one in left_out if one.name not in LEFT_OUT]
    assert all("not in the language of rules: $" in str(one.left_out) for one in others)


@pytest.mark.usefixtures("reference_data")
def test_command__shown__ends_with_the_total(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main() == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[-1] == "conformance: 206 passed, 0 failed, 89 left out"
    assert "hash: 15 passed, 0 failed, 0 left out" in shown
