"""Why nobody counts yet: the usual causes, each with what was found of it."""

from dataclasses import dataclass

from analysis import wording
from experiments.exposures_view import Arrived


@dataclass(frozen=True, slots=True)
class Cause:
    """One usual cause."""

    name: str
    is_likely: bool
    found: str


def causes(arrived: Arrived) -> tuple[Cause, ...]:
    """Say of each usual cause what the last seven days tell.

    Args:
        arrived: what came.

    Returns:
        Three causes.
    """
    some = arrived.counted + arrived.misnamed
    reported = (
        f"{_exposures(some)} came from production in 7 days."
        if some
        else "None came from production in 7 days."
    )
    if arrived.counted:
        reported += " The next analysis counts them."
    misnamed = []
    if arrived.misnamed:
        misnamed.append(f"{_exposures(arrived.misnamed)} named another variant.")
    if arrived.unknown:
        names = wording.joined([f'"{name}"' for name in arrived.unknown])
        misnamed.append(f"Some named experiments that are not here: {names}.")
    development = (
        f"{_exposures(arrived.development)} came with development keys."
        if arrived.development
        else "None came with a development key."
    )
    return (
        Cause(
            "The app does not report Experiment Viewed when the variant is seen.",
            not some,
            reported,
        ),
        Cause(
            "It reports another key or variant name than below.",
            bool(misnamed),
            " ".join(misnamed) or "No other name came.",
        ),
        Cause(
            "It uses a development key; development data is never analysed.",
            bool(arrived.development),
            development,
        ),
    )


def _exposures(number: int) -> str:
    return "1 exposure" if number == 1 else f"{wording.count(number)} exposures"
