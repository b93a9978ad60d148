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
    Look,
    Result,
)
from experiments.models.audit import AuditEntry
from experiments.models.certificates import Certificate
from experiments.models.connectors import (
    Connector,
    ConnectorMapping,
    RefusedHookDay,
)
from experiments.models.digests import DigestMail, DigestRecipient
from experiments.models.experiments import (
    Experiment,
    ExperimentMetric,
    Pause,
    Variant,
)
from experiments.models.hypotheses import HypothesisRow, MergedHypothesis
from experiments.models.intake import (
    AssignedDay,
    CompactionMark,
    EventSource,
    ExposureDay,
    ImportedContent,
    ImportRecord,
    InboxGroup,
    QuarantinedMessage,
    RecentExposure,
    SourceHour,
)
from experiments.models.journey import JourneyStage
from experiments.models.keys import ApiKey, IdempotentAnswer
from experiments.models.layers import HoldoutRow, Layer, LayerRange
from experiments.models.learnings import (
    Citation,
    Learning,
    LearningLink,
    LearningNote,
)
from experiments.models.metrics import (
    Metric,
    MetricBaseline,
    MetricVersion,
    MetricWeek,
)
from experiments.models.opt_outs import (
    CustomerWords,
    OptOut,
    OptOutLink,
    OptOutRevision,
)
from experiments.models.plans import AmendmentRow, PlanRow
from experiments.models.previews import PreviewLink
from experiments.models.privacy import (
    ErasedExposure,
    Erasure,
    ErasureLink,
    ExpiredExposure,
    Tombstone,
)
from experiments.models.rulesets import RulesetRow
from experiments.models.segments import (
    Attribute,
    Segment,
    SegmentCount,
    SegmentSize,
    SegmentVersion,
)
from experiments.models.sharing import SummaryLink
from experiments.models.steps import ListedUnit, ScheduledStep
from experiments.models.surveys import Survey, SurveyComment, SurveyReply

__all__ = [
    "AmendmentRow",
    "AnalysisRun",
    "ApiKey",
    "AssignedDay",
    "Attribute",
    "AuditEntry",
    "Certificate",
    "Chart",
    "CheckResult",
    "Citation",
    "CompactionMark",
    "Connector",
    "ConnectorMapping",
    "CustomerWords",
    "DigestMail",
    "DigestRecipient",
    "ErasedExposure",
    "Erasure",
    "ErasureLink",
    "EventSource",
    "Experiment",
    "ExperimentMetric",
    "ExpiredExposure",
    "ExposureDay",
    "HoldoutRow",
    "HypothesisRow",
    "IdempotentAnswer",
    "ImportRecord",
    "ImportedContent",
    "InboxGroup",
    "JobRecord",
    "JourneyStage",
    "Layer",
    "LayerRange",
    "Learning",
    "LearningLink",
    "LearningNote",
    "Lease",
    "ListedUnit",
    "Look",
    "MergedHypothesis",
    "Metric",
    "MetricBaseline",
    "MetricVersion",
    "MetricWeek",
    "OptOut",
    "OptOutLink",
    "OptOutRevision",
    "Pause",
    "Person",
    "PlanRow",
    "PreviewLink",
    "QuarantinedMessage",
    "RecentExposure",
    "RefusedHookDay",
    "Result",
    "RulesetRow",
    "ScheduledStep",
    "Segment",
    "SegmentCount",
    "SegmentSize",
    "SegmentVersion",
    "SignInLink",
    "SignInSession",
    "SignInTry",
    "SourceHour",
    "SummaryLink",
    "Survey",
    "SurveyComment",
    "SurveyReply",
    "Tombstone",
    "Variant",
]
