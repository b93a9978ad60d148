"""What a certificate found, and whether it is one: values and rules, pure.

A metric is certified where no way of running experiments said more often that equal
groups differ than chance would make of the promised rate. Fewer is no fault: ranges
that hold on any day are wider than one look needs, and answers come in few steps.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from analysis.certificates.planting import Planting
from analysis.stats.estimate import NotComputable
from analysis.stats.exact_binomial import clopper_pearson, usual_counts
from experiments.vocabulary import Reason

USUAL_LEVEL = 0.99  # of counts by chance; both ends lie outside once in 100 times
MOST_REFUSED = 0.05  # of comparisons that could not be computed
FEW_A_GROUP = 200
# Kohavi et al. (2014), "Seven rules of thumb": 355 x skewness^2 customers a group.
SKEWNESS_RULE = 355


@dataclass(frozen=True, slots=True)
class Found:
    """One way of running experiments: what its comparisons said.

    Attributes:
        setting: its key.
        comparisons: of equal groups.
        said: those that said there is a difference.
        refused: those that could not be computed.
        reason: why, of most of these.
        planted: comparisons with a planted difference; 0 where none was planted.
        found: those that said so, in the right direction.
    """

    setting: str
    comparisons: int
    said: int
    refused: int = 0
    reason: Reason | None = None
    planted: int = 0
    found: int = 0


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What may explain why comparisons err.

    Attributes:
        customers: in the trial.
        known: those whose outcome is known and a number.
        skewness: of the outcomes, where they are amounts; after the cap.
        most_alike: largest share of customers with one and the same outcome.
    """

    customers: int
    known: int
    skewness: float | None = None
    most_alike: float = 0.0


@dataclass(frozen=True, slots=True)
class Findings:
    """All that a certificate says.

    Attributes:
        alpha: the promised rate of false alarms.
        found: one for each way of running experiments, the usual one first.
        planting: the difference that was planted; None where none could be.
        circumstances: of the customers.
    """

    alpha: float
    found: tuple[Found, ...]
    planting: Planting | None
    circumstances: Circumstances

    @property
    def too_many(self) -> tuple[Found, ...]:
        """Ways that said too often that equal groups differ."""
        return tuple(f for f in self.found if f.said > self.usual(f)[1])

    @property
    def refused(self) -> tuple[Found, ...]:
        """Ways that too often said nothing at all."""
        return tuple(f for f in self.found if f.refused > MOST_REFUSED * f.comparisons)

    @property
    def is_certified(self) -> bool:
        """Whether all keep their promise."""
        return not self.too_many and not self.refused

    def usual(self, found: Found) -> tuple[int, int]:
        """Counts of false alarms that chance would make of the promised rate."""
        return usual_counts(found.comparisons, self.alpha, USUAL_LEVEL)

    def as_json(self) -> dict[str, Any]:
        """Write them as plain JSON values, with what follows from the counts."""
        return {
            "alpha": self.alpha,
            "settings": [self._row(found) for found in self.found],
            "planting": None if self.planting is None else asdict(self.planting),
            "circumstances": asdict(self.circumstances),
        }

    def _row(self, found: Found) -> dict[str, Any]:
        low, high = self.usual(found)
        false = clopper_pearson(found.said, found.comparisons)
        row = asdict(found) | {
            "expected": self.alpha * found.comparisons,
            "usual": [low, high],
            "false_alarms": [found.said / found.comparisons, false.low, false.high],
            "power": None,
        }
        if found.planted:
            power = clopper_pearson(found.found, found.planted)
            row["power"] = [found.found / found.planted, power.low, power.high]
        return row


@dataclass(slots=True)
class Counting:
    """Counts what comparisons said, setting by setting."""

    said: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, Counter[Reason]] = field(default_factory=dict)
    found: Counter[str] = field(default_factory=Counter)
    comparisons: int = 0
    planted: int = 0

    def note(self, setting: str, said: NotComputable | int) -> None:
        """Count what one comparison of equal groups said; 0 is no difference."""
        if isinstance(said, NotComputable):
            self.refused[setting] += 1
            self.reasons.setdefault(setting, Counter())[said.reason] += 1
        else:
            self.said[setting] += said != 0

    def result(
        self,
        alpha: float,
        settings: Sequence[str],
        planting: Planting | None,
        circumstances: Circumstances,
        *,
        planted_in: Mapping[str, bool],
    ) -> Findings:
        """Put the counts together.

        Args:
            alpha: the promised rate.
            settings: keys, the usual one first.
            planting: what was planted.
            circumstances: of the customers.
            planted_in: key -> whether differences were planted there.

        Returns:
            Findings.
        """
        rows = []
        for key in settings:
            reasons = self.reasons.get(key, Counter())
            planted = self.planted if planted_in[key] else 0
            rows.append(
                Found(
                    key,
                    self.comparisons,
                    self.said[key],
                    self.refused[key],
                    reasons.most_common(1)[0][0] if reasons else None,
                    planted,
                    self.found[key] if planted else 0,
                )
            )
        return Findings(alpha, tuple(rows), planting, circumstances)
