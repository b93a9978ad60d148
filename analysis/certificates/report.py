"""A stored certificate as text for a terminal."""

from typing import Any

from analysis import wording
from analysis.certificates.words import SETTING_WORDS
from experiments.models import Certificate

_HEAD = ("", "Comparisons", "Said so", "Usual", "False alarms (95 %)", "Power (95 %)")


def printed(row: Certificate) -> str:
    """Write a finished certificate.

    Args:
        row: of a finished trial.

    Returns:
        Who was compared, a table with a line for each way of running experiments, and
        the sentences.
    """
    findings: dict[str, Any] = row.findings or {}
    lines = [_HEAD, *(_line(one) for one in findings.get("settings", ()))]
    widths = [max(len(line[i]) for line in lines) for i in range(len(_HEAD))]
    table = "\n".join(
        "  ".join(
            text.ljust(width) if not place else text.rjust(width)
            for place, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )
    return f"{who(row)}\n\n{table}\n\n{row.sentences}"


def who(row: Certificate) -> str:
    """Say whose outcomes were compared.

    Args:
        row: of a finished trial.

    Returns:
        One sentence.
    """
    size = wording.number(row.customer_count or 0)
    if row.is_simulated:
        asked = "" if row.simulate else ", for the project has too few of its own"
        return f"{size} simulated customers{asked}."
    if row.entered_from is None or row.entered_to is None:
        return f"{size} customers of this project."
    first, last = wording.date(row.entered_from), wording.date(row.entered_to)
    return f"{size} customers of this project, seen from {first} to {last}."


def _line(one: dict[str, Any]) -> tuple[str, ...]:
    low, high = one["usual"]
    return (
        SETTING_WORDS[one["setting"]].capitalize(),
        wording.number(one["comparisons"]),
        wording.number(one["said"]),
        f"{low} to {high}",
        _share(one["false_alarms"]),
        "" if one["power"] is None else _share(one["power"]),
    )


def _share(parts: list[float]) -> str:
    value, low, high = (wording.percent(part) for part in parts)
    return f"{value} ({low} to {high})"
