"""The word a person reads for each value of the vocabulary."""

from types import SimpleNamespace

from experiments.vocabulary import (
    Action,
    AssignedBy,
    CheckState,
    ConnectorKind,
    Decision,
    Direction,
    Environment,
    Evidence,
    Goal,
    HealthCheck,
    HypothesisHeld,
    KeyKind,
    LearningRelation,
    Lever,
    MailState,
    MetricKind,
    NamedState,
    PersonRole,
    QuarantineReason,
    Risk,
    Role,
    SentenceCase,
    SignatureStyle,
    Signer,
    Status,
    StepState,
    Unit,
    Verdict,
)

STATUS = {
    Status.DRAFT: "Draft",
    Status.IN_REVIEW: "In review",
    Status.RUNNING: "Running",
    Status.PAUSED: "Paused",
    Status.STOPPED: "Stopped",
    Status.DECIDED: "Decided",
}
DRAWN = {
    Unit.CUSTOMER: "Each customer for itself",
    Unit.ACCOUNT: "Whole accounts: all customers of one get the same variant",
}
VERDICT = {
    Verdict.SHIP: "Ship",
    Verdict.DO_NOT_SHIP: "Do not ship",
    Verdict.UNDECIDED: "Undecided",
    Verdict.KEEP_RUNNING: "Keep running",
    Verdict.DO_NOT_USE: "Do not use",
}
DECISION = {
    Decision.SHIP: "Ship",
    Decision.DO_NOT_SHIP: "Do not ship",
    Decision.RUN_AGAIN: "Run again",
    Decision.UNDECIDED: "Undecided",
}
SENTENCE_CASE = {
    SentenceCase.UNTRUSTED: "Not usable",
    SentenceCase.TOO_EARLY: "Too early",
    SentenceCase.NOT_COMPUTABLE: "Cannot be computed",
    SentenceCase.BETTER: "Better",
    SentenceCase.WORSE: "Worse",
    SentenceCase.HARM_RULED_OUT: "Harm ruled out",
    SentenceCase.HARM_NOT_RULED_OUT: "Harm not ruled out",
    SentenceCase.EQUAL_ENOUGH: "Equal enough",
    SentenceCase.UNDECIDED: "Undecided",
}
CHECK_STATE = {
    CheckState.PASSED: "Passed",
    CheckState.NOTICE: "Notice",
    CheckState.FAILED: "Failed",
    CheckState.NOT_APPLICABLE: "Does not apply",
}
HEALTH_CHECK = {
    HealthCheck.SAMPLE_RATIO: "Split as planned",
    HealthCheck.SPLIT_BY_SEGMENT: "Each segment split as planned",
    HealthCheck.SPLIT_BY_DAY: "Each day split as planned",
    HealthCheck.SPLIT_BY_SOURCE: "Each source split as planned",
    HealthCheck.TWO_VARIANTS: "Customers in two groups",
    HealthCheck.CONTRADICTING_EXPOSURES: "Exposures as assigned",
    HealthCheck.UNKNOWN_VARIANTS: "Known variants only",
    HealthCheck.EXPOSURE_DELAY: "Exposures arrive alike",
    HealthCheck.MACHINES: "People, not machines",
    HealthCheck.ALIKE_BEFORE: "Groups alike beforehand",
    HealthCheck.FOLLOWED_ALIKE: "Followed equally long",
    HealthCheck.PLAN_INTACT: "Plan unchanged since its lock",
    HealthCheck.FRESHNESS: "Data is fresh",
    HealthCheck.RESPONSE_BALANCE: "Survey answers balanced",
    HealthCheck.PAUSES: "No pauses",
    HealthCheck.NOT_PRE_REGISTERED: "Planned beforehand",
    HealthCheck.NOT_REVIEWED: "Reviewed by a second person",
    HealthCheck.ERASURES: "Erased customers balanced",
    HealthCheck.OPT_OUTS: "Opt-outs balanced",
    HealthCheck.RECONCILIATION: "From assignment to outcome",
    HealthCheck.OUTLIERS: "No customer weighs too much",
    HealthCheck.TOO_GOOD: "Changes of a usual size",
}
GOAL = {
    Goal.CHURN_REDUCTION: "Fewer customers leave",
    Goal.PERSONALISATION: "Personalisation",
    Goal.SATISFACTION: "Satisfaction",
    Goal.OTHER: "Other",
}
ASSIGNED_BY = {
    AssignedBy.ABIDE: "Abide",
    AssignedBy.EXTERNAL: "Another system",
}
ROLE = {
    Role.PRIMARY: "Primary",
    Role.SECONDARY: "Secondary",
    Role.GUARDRAIL: "Guardrail",
}
DIRECTION = {
    Direction.INCREASE: "Higher is better",
    Direction.DECREASE: "Lower is better",
}
METRIC_KIND = {
    MetricKind.RETENTION: "Retention on day N",
    MetricKind.UNBOUNDED_RETENTION: "Came back on day N or later",
    MetricKind.CHURN: "Churn by day N: a gap without activity",
    MetricKind.TIME_TO_CHURN: "Time to churn",
    MetricKind.CANCELLATION: "Cancellation by day N: contractual churn",
    MetricKind.TIME_TO_CANCELLATION: "Time to cancellation",
    MetricKind.EVENT_SHARE: "Share with k events or more, as for repeat purchase",
    MetricKind.FUNNEL: "Funnel: share that takes all steps in order",
    MetricKind.TIME_TO_EVENT: "Time to an event: first value, resolution",
    MetricKind.FIRST_CONTACT_RESOLUTION: "First-contact resolution",
    MetricKind.CSAT_MEAN: "CSAT, mean score",
    MetricKind.CSAT_SHARE: "CSAT, share satisfied",
    MetricKind.NPS: "NPS",
    MetricKind.CES_MEAN: "Effort (CES), mean score",
    MetricKind.CES_SHARE: "Effort (CES), share in the upper box",
    MetricKind.EVENT_COUNT: "Number of events a customer",
    MetricKind.VALUE_SUM: "Revenue, cost or another sum of values a customer",
    MetricKind.RATIO: "Ratio of two amounts",
    MetricKind.VALUE_QUANTILE: "Median or another quantile of an amount",
}
EVIDENCE = {
    Evidence.OPINION: "Opinion",
    Evidence.COMPLAINTS: "Complaints or interviews",
    Evidence.DATA_PATTERN: "A pattern in the data",
    Evidence.EARLIER_EXPERIMENT: "An earlier experiment",
}
LEVER = {
    Lever.FEWER_STEPS: "Fewer steps",
    Lever.GUIDANCE: "Guidance",
    Lever.REMINDER: "A reminder",
    Lever.PRICE_CLARITY: "Clearer prices",
    Lever.INCENTIVE: "An incentive",
    Lever.PERSONAL_CONTACT: "Personal contact",
    Lever.PERSONALISATION: "Personalisation",
    Lever.CONTENT: "Better content",
    Lever.SPEED: "Speed",
    Lever.RELIABILITY: "Reliability",
    Lever.OTHER: "Another means",
}
HELD = {
    HypothesisHeld.YES: "Yes",
    HypothesisHeld.PARTLY: "In part",
    HypothesisHeld.NO: "No",
    HypothesisHeld.UNCLEAR: "We still do not know",
}
LEARNING_RELATION = {
    LearningRelation.REPLICATED: "Replicated",
    LearningRelation.CONTRADICTED: "Contradicted",
}
RISK = {
    Risk.PRICE: "Prices, fees or discounts",
    Risk.LEGAL: "Contracts, terms or what the law asks",
    Risk.VULNERABLE: "Customers who need special care",
    Risk.MESSAGING: "More messages to customers than before",
    Risk.BRAND: "The brand: name, voice or a promise",
}
SIGNER = {
    Signer.PRICING: "Pricing",
    Signer.LEGAL: "Legal",
    Signer.CARE: "Customer care",
    Signer.BRAND: "Brand",
}
QUARANTINE_REASON = {
    QuarantineReason.NOT_AN_OBJECT: "No JSON object",
    QuarantineReason.UNKNOWN_TYPE: "Unknown type",
    QuarantineReason.NO_IDENTITY: "No customer named",
    QuarantineReason.INVALID_ID: "Id that cannot be read",
    QuarantineReason.INVALID_MESSAGE_ID: "Message id that cannot be read",
    QuarantineReason.INVALID_EVENT_NAME: "No event name",
    QuarantineReason.INVALID_TIME: "Time that cannot be read",
    QuarantineReason.IN_THE_FUTURE: "Stamped in the future",
    QuarantineReason.TOO_LARGE: "Too large",
    QuarantineReason.TOO_DEEP: "Nested too deep",
    QuarantineReason.INVALID_SCORE: "Score that cannot be read",
    QuarantineReason.INVALID_EXPOSURE: "Exposure without experiment or variant",
    QuarantineReason.INVALID_TEXT: "Text that cannot be stored",
    QuarantineReason.INVALID_PROPERTIES: "Properties that cannot be stored",
    QuarantineReason.DIFFERENT_PAYLOAD: "Same id, different message",
    QuarantineReason.UNMAPPED: "No mapping fits this webhook",
}
NAMED_STATE = {
    NamedState.UNKNOWN_EXPERIMENT: "No such experiment",
    NamedState.UNKNOWN_VARIANT: "No such variant",
    NamedState.NOT_STARTED: "Has not started",
    NamedState.KNOWN: "Known",
}
KEY_KIND = {
    KeyKind.ADMIN: "Admin",
    KeyKind.SERVER: "Server",
    KeyKind.CLIENT: "Client",
    KeyKind.WRITE: "Write",
}
CONNECTOR_KIND = {
    ConnectorKind.INTERCOM: "Intercom",
    ConnectorKind.ZENDESK: "Zendesk",
    ConnectorKind.TYPEFORM: "Typeform",
    ConnectorKind.DELIGHTED: "Delighted",
    ConnectorKind.GENERIC: "Another tool that signs what it sends",
}
SIGNATURE_STYLE = {
    SignatureStyle.HMAC: "An HMAC of the body, as described below",
    SignatureStyle.STANDARD_WEBHOOKS: "By Standard Webhooks",
}
ENVIRONMENT = {
    Environment.PRODUCTION: "Production",
    Environment.DEVELOPMENT: "Development",
}
PERSON_ROLE = {
    PersonRole.VIEWER: "Viewer",
    PersonRole.ANALYST: "Analyst",
    PersonRole.EDITOR: "Editor",
    PersonRole.APPROVER: "Approver",
    PersonRole.ADMIN: "Administrator",
}

ACTION = {
    Action.SUBMIT: "Ask for a review",
    Action.SEND_BACK: "Send back",
    Action.APPROVE: "Approve",
    Action.START: "Start",
    Action.PAUSE: "Pause",
    Action.RESUME: "Resume",
    Action.RAISE_COVERAGE: "Raise the coverage",
    Action.STOP_ENROLMENT: "Stop enrolment",
    Action.NEW_PHASE: "Begin a new phase",
    Action.STOP: "Stop",
    Action.DECIDE: "Decide",
    Action.CONFIRM_DECISION: "Confirm the decision",
    Action.DECLINE_DECISION: "Decline the decision",
}
# What can be planned for later.
STEP = {
    Action.RAISE_COVERAGE: "Raise the coverage",
    Action.START: "Start",
    Action.STOP: "Stop",
}
STEP_STATE = {
    StepState.PLANNED: "Planned",
    StepState.DONE: "Done",
    StepState.FAILED: "Not done",
    StepState.CANCELLED: "Taken back",
}

# Actions of the audit that read badly as they are stored.
DEEDS = {
    "experiment.draft": "Draft written",
    "experiment.edit": "Plan changed",
    "experiment.submit": "Review asked for",
    "experiment.send_back": "Plan sent back",
    "experiment.approve": "Plan approved",
    "experiment.start": "Started, plan locked",
    "experiment.pause": "Paused",
    "experiment.resume": "Resumed",
    "experiment.raise_coverage": "Coverage raised",
    "experiment.stop_enrolment": "Enrolment stopped",
    "experiment.new_phase": "Phase ended, a new one begins",
    "experiment.list_customer": "Customer put on a list by hand",
    "experiment.unlist_customer": "Customer taken off a list",
    "experiment.make_preview": "Preview link made",
    "experiment.revoke_preview": "Preview link revoked",
    "experiment.share_summary": "Link to the summary made",
    "experiment.revoke_summary_link": "Link to the summary revoked",
    "experiment.plan_step": "Step planned",
    "experiment.cancel_step": "Planned step taken back",
    "experiment.fail_step": "Planned step not done",
    "experiment.stop": "Stopped",
    "experiment.decide": "Decision recorded",
    "experiment.confirm_decision": "Decision confirmed",
    "experiment.decline_decision": "Decision declined",
}


def deed(action: str) -> str:
    """Say an audited action, as in "key.create" -> "Key create"."""
    plain = action.replace(".", " ").replace("_", " ")
    return DEEDS.get(action, f"{plain[:1].upper()}{plain[1:]}")


def who(label: str) -> str:
    """Say who acted, as in "person:3 ada@example.com" -> "ada@example.com"."""
    kind, _, rest = label.partition(":")
    if kind == "person" and " " in rest:
        return rest.partition(" ")[2]
    if kind == "key":  # labels were written without the e-mail once
        name, owner = rest.partition(" ")[0], rest.rpartition(" ")[2]
        return f"{owner} by key {name}" if "@" in owner else f"key {name}"
    return "Abide" if label == "system" else label


MAIL_STATE = {
    MailState.WAITING: "Waits",
    MailState.SENDING: "Being sent",
    MailState.SENT: "Sent",
    MailState.FAILED: "Not sent",
    MailState.UNKNOWN: "Perhaps sent",
}

# What templates see as `words.status[...]`. StrEnum keys are found by plain strings.
WORDS = SimpleNamespace(
    action=ACTION,
    step=STEP,
    step_state=STEP_STATE,
    status=STATUS,
    verdict=VERDICT,
    decision=DECISION,
    sentence_case=SENTENCE_CASE,
    check_state=CHECK_STATE,
    health_check=HEALTH_CHECK,
    goal=GOAL,
    assigned_by=ASSIGNED_BY,
    role=ROLE,
    direction=DIRECTION,
    metric_kind=METRIC_KIND,
    evidence=EVIDENCE,
    lever=LEVER,
    held=HELD,
    learning_relation=LEARNING_RELATION,
    risk=RISK,
    signer=SIGNER,
    key_kind=KEY_KIND,
    connector_kind=CONNECTOR_KIND,
    named_state=NAMED_STATE,
    quarantine_reason=QUARANTINE_REASON,
    environment=ENVIRONMENT,
    person_role=PERSON_ROLE,
    mail_state=MAIL_STATE,
)

# What the page of a plan asks for, where another page has to speak of it.
PLAN_FIELDS = {
    "planned_end_at": "Planned end",
    "exposures_from": "First exposures that count",
    "enrolment_ends_at": "Enrolment ends",
}
