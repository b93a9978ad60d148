"""All tables, imported here together.

Alembic compares the metadata with the database, and a table that nobody imported
would look deleted.
"""

from experiments.models.accounts import Person, SignInLink, SignInSession, SignInTry
from experiments.models.analysis import (
    AnalysisRun,
    Chart,
    CheckResult,
    JobRecord,
    Lease,
    Result,
)
from experiments.models.audit import AuditEntry
from experiments.models.experiments import (
    Experiment,
    ExperimentMetric,
    Pause,
    Variant,
)
from experiments.models.hypotheses import HypothesisRow
from experiments.models.intake import (
    CompactionMark,
    EventSource,
    InboxGroup,
    QuarantinedMessage,
)
from experiments.models.journey import JourneyStage
from experiments.models.keys import ApiKey, IdempotentAnswer
from experiments.models.metrics import Metric, MetricVersion
from experiments.models.plans import AmendmentRow, PlanRow
from experiments.models.privacy import (
    ErasedExposure,
    Erasure,
    ErasureLink,
    ExpiredExposure,
    Tombstone,
)
from experiments.models.rulesets import RulesetRow
from experiments.models.segments import Attribute, Segment, SegmentVersion

__all__ = [
    "AmendmentRow",
    "AnalysisRun",
    "ApiKey",
    "Attribute",
    "AuditEntry",
    "Chart",
    "CheckResult",
    "CompactionMark",
    "ErasedExposure",
    "Erasure",
    "ErasureLink",
    "EventSource",
    "Experiment",
    "ExperimentMetric",
    "ExpiredExposure",
    "HypothesisRow",
    "IdempotentAnswer",
    "InboxGroup",
    "JobRecord",
    "JourneyStage",
    "Lease",
    "Metric",
    "MetricVersion",
    "Pause",
    "Person",
    "PlanRow",
    "QuarantinedMessage",
    "Result",
    "RulesetRow",
    "Segment",
    "SegmentVersion",
    "SignInLink",
    "SignInSession",
    "SignInTry",
    "Tombstone",
    "Variant",
]
