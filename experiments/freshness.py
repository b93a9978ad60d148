"""How old what the doors serve is: the ruleset, and who is known to be enrolled."""

from dataclasses import dataclass
from datetime import datetime

from experiments.enrolled import FOLDER, read_through
from experiments.ruleset_files import RulesetFolder
from experiments.ruleset_mirror import RulesetMirror
from experiments.ruleset_values import Ruleset
from experiments.serving import ServingBoard


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a monitor has to know, as one process sees it; ages in seconds.

    Attributes:
        revision: of the ruleset in force here.
        ruleset_age: since it was published; an old one may well be the newest.
        ruleset_confirmed: since the database last said that it is the newest; None in
            a process that does not ask, or never got an answer.
        processes_behind: how many processes of this machine serve an older one.
        enrolled_age: the exposures of the last so many seconds may not be in the
            enrolled sets yet; None as long as no compactor has published any.
    """

    revision: int
    ruleset_age: float
    ruleset_confirmed: float | None
    processes_behind: int
    enrolled_age: float | None


class FreshnessProbe:
    """Measures it, without a database."""

    def __init__(
        self,
        folder: RulesetFolder,
        board: ServingBoard,
        mirror: RulesetMirror | None = None,
    ) -> None:
        """Know where to look.

        Args:
            folder: of the ruleset, with the enrolled sets in it.
            board: says what each process serves.
            mirror: of this process, if it has one.
        """
        self._sets = folder.path / FOLDER
        self._board = board
        self._mirror = mirror

    def measure(self, ruleset: Ruleset, now: datetime) -> Freshness:
        """Measure it now.

        Args:
            ruleset: in force in this process.
            now: aware UTC.

        Returns:
            The ages.
        """
        mirror, through = self._mirror, read_through(self._sets)
        behind = [p for p in self._board.read() if p.revision < ruleset.revision]
        return Freshness(
            revision=ruleset.revision,
            ruleset_age=_seconds(ruleset.published_at, now),
            ruleset_confirmed=None if mirror is None else mirror.confirmed_seconds(),
            processes_behind=len(behind),
            enrolled_age=None if through is None else _seconds(through, now),
        )


def _seconds(since: datetime, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds())  # the clock may have gone back
