"""What a person looks at: a stage, an owner or a segment, as the address says."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from experiments.models import Experiment, HypothesisRow, JourneyStage

Options = tuple[tuple[str, str], ...]  # (value, title)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice of experiments and ideas; "" is all."""

    stage: str = ""  # key
    owner: str = ""  # number of the person: an address would tell their e-mail
    segment: str = ""  # key

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> "Chosen":
        """Read it from the address."""
        return cls(
            *(asked.get(name, "")[:64] for name in ("stage", "owner", "segment"))
        )

    def __bool__(self) -> bool:
        """Whether anything is left out."""
        return bool(self.stage or self.owner or self.segment)

    def experiments(self, rows: Iterable[Experiment]) -> list[Experiment]:
        """Take the experiments that fit."""
        return [
            row
            for row in rows
            if self.stage in {"", row.hypothesis.journey_stage.key}
            and self.owner in {"", str(row.owner_id)}
            and self.segment in {"", row.segment_version.segment.key}
        ]

    def ideas(self, rows: Iterable[HypothesisRow]) -> list[HypothesisRow]:
        """Take the hypotheses that fit."""
        return [
            row
            for row in rows
            if self.stage in {"", row.journey_stage.key}
            and self.owner in {"", str(row.owner_id)}
            and self.segment in {"", row.segment.key}
        ]

    def stages(self, rows: Iterable[JourneyStage]) -> list[JourneyStage]:
        """Take the stages that fit."""
        return [row for row in rows if self.stage in {"", row.key}]


def offered(
    stages: Sequence[JourneyStage],
    ideas: Sequence[HypothesisRow],
    experiments: Sequence[Experiment],
) -> tuple[tuple[str, str, Options], ...]:
    """List what can be chosen.

    Args:
        stages: all, in the order of the journey.
        ideas: all hypotheses.
        experiments: all experiments.

    Returns:
        Name in the address, label, and the options.
    """
    owners = {str(row.owner_id): row.owner.name for row in ideas}
    owners |= {str(row.owner_id): row.owner.name for row in experiments}
    segments = {row.segment.key: row.segment.name for row in ideas}
    for row in experiments:
        segment = row.segment_version.segment
        segments[segment.key] = segment.name
    return (
        ("stage", "Stage", tuple((stage.key, stage.name) for stage in stages)),
        ("owner", "Owner", _sorted(owners)),
        ("segment", "Segment", _sorted(segments)),
    )


def _sorted(names: Mapping[str, str]) -> Options:
    return tuple(sorted(names.items(), key=lambda item: (item[1].casefold(), item[0])))
