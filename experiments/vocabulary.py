"""The words of the house, as enums: one word in code, column, JSON and page.

Imports nothing of the house, so that every room may use it. Values are stored in
the database and written on the wire: adding one is safe, renaming one is a migration.
"""

from enum import StrEnum

EVERYBODY = ""  # the segment of what is about all customers in the experiment
UNIT_ATTRIBUTE = "id"  # the customer's own id: OpenFeature's targeting key


class Status(StrEnum):
    """Where an experiment stands; the lifecycle table says what may follow."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPED = "stopped"
    DECIDED = "decided"


class Action(StrEnum):
    """What can be done with an experiment; the lifecycle table says when."""

    SUBMIT = "submit"
    SEND_BACK = "send_back"
    APPROVE = "approve"
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    RAISE_COVERAGE = "raise_coverage"
    STOP_ENROLMENT = "stop_enrolment"
    NEW_PHASE = "new_phase"
    STOP = "stop"
    DECIDE = "decide"
    CONFIRM_DECISION = "confirm_decision"
    DECLINE_DECISION = "decline_decision"


class StepState(StrEnum):
    """How far a planned step of an experiment is."""

    PLANNED = "planned"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Goal(StrEnum):
    """What an experiment is for."""

    CHURN_REDUCTION = "churn_reduction"
    PERSONALISATION = "personalisation"
    SATISFACTION = "satisfaction"
    OTHER = "other"


class AssignedBy(StrEnum):
    """Who decides the variant: Abide's hash, or another system."""

    ABIDE = "abide"
    EXTERNAL = "external"


class Unit(StrEnum):
    """Who is randomised."""

    CUSTOMER = "customer"
    ACCOUNT = "account"


class Role(StrEnum):
    """What a metric is for in one experiment."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    GUARDRAIL = "guardrail"


class Direction(StrEnum):
    """Which way is better for customers."""

    INCREASE = "increase"
    DECREASE = "decrease"


class MetricKind(StrEnum):
    """How a customer's events become one outcome."""

    RETENTION = "retention"  # 1 when active on day N (or in days [N, M)), else 0
    UNBOUNDED_RETENTION = "unbounded_retention"  # 1 when active on day N or later
    CHURN = "churn"  # 1 when an inactivity gap of W days starts by day N, else 0
    TIME_TO_CHURN = "time_to_churn"  # days from exposure to churn, censored
    CANCELLATION = "cancellation"  # share that cancelled by day N, censored
    TIME_TO_CANCELLATION = "time_to_cancellation"  # days until then, censored
    TIME_TO_EVENT = "time_to_event"  # days from exposure or an event to another
    EVENT_SHARE = "event_share"  # 1 when the events came k times or more, else 0
    FUNNEL = "funnel"  # 1 when all steps were taken in order, else 0
    FIRST_CONTACT_RESOLUTION = "first_contact_resolution"  # 1 when no second contact
    CSAT_MEAN = "csat_mean"  # the first survey answer in the window, as a score
    CSAT_SHARE = "csat_share"  # 1 when that answer is in the satisfied box, else 0
    NPS = "nps"  # 100 for a promoter, -100 for a detractor, else 0
    CES_MEAN = "ces_mean"  # the first answer on effort, as a score
    CES_SHARE = "ces_share"  # 1 when that answer is in the upper box, else 0
    EVENT_COUNT = "event_count"  # how many of the named events in the window
    VALUE_SUM = "value_sum"  # what the values of these events add up to
    RATIO = "ratio"  # one such amount of all customers over another
    VALUE_QUANTILE = "value_quantile"  # a quantile over customers of such an amount


class Amount(StrEnum):
    """What is taken of events: how many there are, or what their values add up to."""

    COUNT = "count"
    SUM = "sum"


class SurveyKind(StrEnum):
    """What a survey asks about; answers of one kind are never read as another's."""

    CSAT = "csat"  # satisfaction
    NPS = "nps"  # would recommend, 0 to 10
    CES = "ces"  # effort


class Environment(StrEnum):
    """Development data is kept apart and never analysed."""

    PRODUCTION = "production"
    DEVELOPMENT = "development"


class KeyKind(StrEnum):
    """What an API key may do; admin and server are secrets, the others are public."""

    ADMIN = "admin"
    SERVER = "server"
    CLIENT = "client"
    WRITE = "write"


class ConnectorKind(StrEnum):
    """Who sends the webhooks of a connector; `generic` says itself how it signs."""

    INTERCOM = "intercom"
    ZENDESK = "zendesk"
    TYPEFORM = "typeform"
    DELIGHTED = "delighted"
    GENERIC = "generic"


class SignatureStyle(StrEnum):
    """How a sender of its own kind signs its webhooks."""

    HMAC = "hmac"  # of the body, with the time before it or not
    STANDARD_WEBHOOKS = "standard_webhooks"


class PersonRole(StrEnum):
    """What a person who signs in may do, weakest first."""

    VIEWER = "viewer"
    ANALYST = "analyst"
    EDITOR = "editor"
    APPROVER = "approver"
    ADMIN = "admin"


class ParameterType(StrEnum):
    """What a parameter of a variant is; apps ask for a flag by its type."""

    STRING = "string"
    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    JSON = "json"


class MonitoringMode(StrEnum):
    """When estimates may be looked at. Fixed when the plan is locked."""

    FIXED_END = "fixed_end"
    GROUP_SEQUENTIAL = "group_sequential"
    ALWAYS_VALID = "always_valid"


class RulePreset(StrEnum):
    """The decision rules to choose from; `own` says itself what it asks for."""

    BETTER_AND_SAFE = "better_and_safe"
    DO_NO_HARM = "do_no_harm"
    CLEAR_WIN = "clear_win"
    OWN = "own"


class PrimaryTest(StrEnum):
    """What the rule asks of the primary metric before it recommends to ship."""

    BETTER = "better"
    BEYOND_CHANGE = "beyond_change"  # by more than the change that matters
    HARM_RULED_OUT = "harm_ruled_out"  # beyond its margin


class GuardrailTest(StrEnum):
    """What the rule asks of every guardrail before it recommends to ship."""

    HARM_RULED_OUT = "harm_ruled_out"
    HARM_NOT_SHOWN = "harm_not_shown"


class PlanTask(StrEnum):
    """What has to be answered before a plan is whole, in the order it is asked."""

    HYPOTHESIS = "hypothesis"
    SEGMENT = "segment"
    VARIANTS = "variants"
    METRICS = "metrics"
    DURATION = "duration"
    RISK = "risk"


class Risk(StrEnum):
    """What an experiment may touch that somebody else answers for."""

    PRICE = "price"
    LEGAL = "legal"
    VULNERABLE = "vulnerable"
    MESSAGING = "messaging"
    BRAND = "brand"


class Signer(StrEnum):
    """For what a person may sign a plan, beside approving it."""

    PRICING = "pricing"
    LEGAL = "legal"
    CARE = "care"
    BRAND = "brand"


class Evidence(StrEnum):
    """How well a hypothesis is supported before the experiment, weakest first."""

    OPINION = "opinion"
    COMPLAINTS = "complaints"
    DATA_PATTERN = "data_pattern"
    EARLIER_EXPERIMENT = "earlier_experiment"


class Lever(StrEnum):
    """By what means a change is to move customers, so that like meets like later."""

    FEWER_STEPS = "fewer_steps"
    GUIDANCE = "guidance"
    REMINDER = "reminder"
    PRICE_CLARITY = "price_clarity"
    INCENTIVE = "incentive"
    PERSONAL_CONTACT = "personal_contact"
    PERSONALISATION = "personalisation"
    CONTENT = "content"
    SPEED = "speed"
    RELIABILITY = "reliability"
    OTHER = "other"


class HypothesisHeld(StrEnum):
    """Whether a hypothesis was right, as the people see it who decided."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"
    UNCLEAR = "unclear"


class LearningRelation(StrEnum):
    """What a later experiment says about an earlier one."""

    REPLICATED = "replicated"
    CONTRADICTED = "contradicted"


class AdjustedBy(StrEnum):
    """How several comparisons keep one promise."""

    DUNNETT = "dunnett"  # of treatments that share a control
    HOLM = "holm"  # of these, over all looks
    BENJAMINI_HOCHBERG = "benjamini_hochberg"  # of secondary metrics


class Verdict(StrEnum):
    """What the pre-registered rule says."""

    SHIP = "ship"
    DO_NOT_SHIP = "do_not_ship"
    UNDECIDED = "undecided"
    KEEP_RUNNING = "keep_running"
    DO_NOT_USE = "do_not_use"


class Decision(StrEnum):
    """What a person decides."""

    SHIP = "ship"
    DO_NOT_SHIP = "do_not_ship"
    RUN_AGAIN = "run_again"
    UNDECIDED = "undecided"


class SentenceCase(StrEnum):
    """The nine cases in which a metric's result can stand, first match wins."""

    UNTRUSTED = "untrusted"
    TOO_EARLY = "too_early"
    NOT_COMPUTABLE = "not_computable"
    BETTER = "better"
    WORSE = "worse"
    HARM_RULED_OUT = "harm_ruled_out"
    HARM_NOT_RULED_OUT = "harm_not_ruled_out"
    EQUAL_ENOUGH = "equal_enough"
    UNDECIDED = "undecided"


class AssignmentReason(StrEnum):
    """Why a customer got this variant, or the default."""

    SPLIT = "split"  # in the experiment, by hash
    NOT_IN_SEGMENT = "not_in_segment"
    NOT_COVERED = "not_covered"  # bucket outside the enrolled share
    NOT_STARTED = "not_started"
    PAUSED = "paused"
    STOPPED = "stopped"
    DECIDED = "decided"
    NO_CONSENT = "no_consent"
    INVALID_UNIT = "invalid_unit"
    UNKNOWN_EXPERIMENT = "unknown_experiment"
    EXTERNAL = "external"  # another system assigns this experiment
    FORCED = "forced"  # on the experiment's test list; never analysed
    OPTED_OUT = "opted_out"  # on its list of customers who do not take part
    HELD_OUT = "held_out"  # by a holdout that began before the experiment
    NOT_IN_LAYER = "not_in_layer"  # bucket belongs to another of its layer, or none
    PREVIEW = "preview"  # by a preview link; never an exposure
    EARLIER_PHASE = "earlier_phase"  # was in a phase before the present one


class ReceiptStep(StrEnum):
    """What is asked before a customer gets a variant, in this order."""

    PREVIEW = "preview"
    STATUS = "status"
    UNIT = "unit"
    CONSENT = "consent"
    OPT_OUT = "opt_out"
    TEST_LIST = "test_list"
    EARLIER_PHASES = "earlier_phases"
    HOLDOUT = "holdout"
    LAYER = "layer"
    SEGMENT = "segment"
    KEPT = "kept"
    BUCKET = "bucket"
    COVERAGE = "coverage"
    VARIANT = "variant"
    PARAMETERS = "parameters"


class StepOutcome(StrEnum):
    """What a step of a receipt did."""

    PASSED = "passed"
    DECIDED = "decided"  # nothing after it was asked, but what is given
    OUTSIDE = "outside"  # not in the experiment, unless seen in it before
    NOT_USED = "not_used"  # the experiment has no such thing
    NOT_ASKED = "not_asked"  # it cannot be, where the receipt is made


class EventKind(StrEnum):
    """What an event row says. Only `activity` can ever count as activity."""

    EXPOSURE = "exposure"
    ACTIVITY = "activity"
    SURVEY_REQUEST = "survey_request"  # of CSAT, the first there was
    SURVEY_ANSWER = "survey_answer"
    NPS_REQUEST = "nps_request"
    NPS_ANSWER = "nps_answer"
    CES_REQUEST = "ces_request"
    CES_ANSWER = "ces_answer"
    IDENTITY = "identity"
    ATTRIBUTES = "attributes"
    PREVIEW = "preview"  # noted by a door; this customer is not analysed


class IdKind(StrEnum):
    """Which of a customer's ids somebody names."""

    CUSTOMER = "customer"
    ANONYMOUS = "anonymous"


class ErasureState(StrEnum):
    """How far the erasure of a customer is; later events are dropped from the start."""

    WAITING = "waiting"
    DONE = "done"


class ImportState(StrEnum):
    """How far an import is."""

    CHECKED = "checked"  # a dry run
    REFUSED = "refused"  # for faults in its rows
    READY = "ready"  # uploaded; somebody decides
    WAITING = "waiting"  # decided
    STORING = "storing"
    STORED = "stored"
    FAILED = "failed"
    DISCARDED = "discarded"


class MailState(StrEnum):
    """How far a mail of the weekly digest is; it is begun at most once."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"  # refused for good, or too often
    UNKNOWN = "unknown"  # the connection broke: perhaps it was sent


class QuarantineReason(StrEnum):
    """Why a message was set aside instead of stored as an event."""

    NOT_AN_OBJECT = "not_an_object"
    UNKNOWN_TYPE = "unknown_type"
    NO_IDENTITY = "no_identity"
    INVALID_ID = "invalid_id"
    INVALID_MESSAGE_ID = "invalid_message_id"
    INVALID_EVENT_NAME = "invalid_event_name"
    INVALID_TIME = "invalid_time"
    IN_THE_FUTURE = "in_the_future"
    TOO_LARGE = "too_large"
    TOO_DEEP = "too_deep"
    INVALID_SCORE = "invalid_score"
    INVALID_EXPOSURE = "invalid_exposure"
    INVALID_TEXT = "invalid_text"
    INVALID_PROPERTIES = "invalid_properties"
    DIFFERENT_PAYLOAD = "different_payload"
    UNMAPPED = "unmapped"  # a webhook's body that its connector's mapping does not fit


class NamedState(StrEnum):
    """Whether what an exposure names is known here, what is not first."""

    UNKNOWN_EXPERIMENT = "unknown_experiment"
    UNKNOWN_VARIANT = "unknown_variant"
    NOT_STARTED = "not_started"
    KNOWN = "known"


# What clients call an exposure, written small.
EXPOSURE_NAMES = frozenset(
    {"experiment viewed", "experiment_viewed", "$$experiment_viewed"}
)


class Agreement(StrEnum):
    """Whether an exposure is what the rules in force at its time had assigned."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"


class Reason(StrEnum):
    """Why a number is not given. A sentence for each stands in analysis.sentences."""

    TOO_FEW_UNITS = "too_few_units"
    TOO_FEW_ACCOUNTS = "too_few_accounts"
    NO_VARIATION = "no_variation"
    EMPTY_ARM = "empty_arm"
    NO_MATURE_UNITS = "no_mature_units"
    NO_ANSWERS = "no_answers"
    BASELINE_NEAR_ZERO = "baseline_near_zero"
    BASELINE_NOT_POSITIVE = "baseline_not_positive"
    NON_FINITE = "non_finite"
    TOO_FEW_EVENTS = "too_few_events"
    DENOMINATOR_NEAR_ZERO = "denominator_near_zero"  # a ratio's own, not the baseline
    TOO_FEW_SEGMENTS = "too_few_segments"  # with an estimate, of those declared
    SEGMENTS_OVERLAP = "segments_overlap"  # or nothing proves that they do not
    NO_HISTORY = "no_history"  # too few finished experiments to learn from
    NO_PROPENSITIES = "no_propensities"  # who was likely to get what was not recorded
    NO_OVERLAP = "no_overlap"  # what the policy would do was hardly ever done
    ONE_FOR_ALL = "one_for_all"  # a learned rule gives everybody the same variant
    FOLLOW_UP_TOO_SHORT = "follow_up_too_short"
    MEDIAN_NOT_REACHED = "median_not_reached"  # fewer than half had the event by then
    NOT_BY_ACCOUNT = "not_by_account"  # only for customers that are drawn one by one
    NO_TIMES = "no_times"  # a unit table has outcomes but no event times
    NO_REQUESTS = "no_requests"  # fewer survey requests arrived than answers
    NO_SILENCE = "no_silence"  # everybody answered, so silence hides nothing
    NOT_CONVERGED = "not_converged"  # the model has no finite fit
    NO_SEGMENTS = "no_segments"  # none declared, by which answers could be weighed
    SILENT_STRATUM = "silent_stratum"  # nobody, or everybody, of a stratum answered
    OUT_OF_RANGE = "out_of_range"  # a planning input; the facts name the field
    UNREACHABLE = "unreachable"  # no size, or none within the time, would do
    BURN_IN = "burn_in"  # too few for a range that holds on any day
    RANGES_DISAGREE = "ranges_disagree"  # those of earlier days have nothing in common
    FAILED = "failed"  # the computation raised; the run's log has the incident


class CheckState(StrEnum):
    """How a health check came out."""

    PASSED = "passed"
    NOTICE = "notice"  # shown beside the answer
    FAILED = "failed"  # blocks: the verdict is do_not_use
    NOT_APPLICABLE = "not_applicable"


class HealthCheck(StrEnum):
    """The trust checks of an analysis run."""

    SAMPLE_RATIO = "sample_ratio"
    SPLIT_BY_SEGMENT = "split_by_segment"
    SPLIT_BY_DAY = "split_by_day"
    SPLIT_BY_SOURCE = "split_by_source"
    TWO_VARIANTS = "two_variants"
    CONTRADICTING_EXPOSURES = "contradicting_exposures"
    UNKNOWN_VARIANTS = "unknown_variants"
    EXPOSURE_DELAY = "exposure_delay"
    MACHINES = "machines"
    ALIKE_BEFORE = "alike_before"
    FOLLOWED_ALIKE = "followed_alike"
    PLAN_INTACT = "plan_intact"
    FRESHNESS = "freshness"
    RESPONSE_BALANCE = "response_balance"
    PAUSES = "pauses"
    NOT_PRE_REGISTERED = "not_pre_registered"
    NOT_REVIEWED = "not_reviewed"
    ERASURES = "erasures"
    OPT_OUTS = "opt_outs"
    RECONCILIATION = "reconciliation"
    OUTLIERS = "outliers"
    TOO_GOOD = "too_good"


class Reached(StrEnum):
    """How far an exposed customer came, or what for one was left out: one of these.

    Who is analysed comes first, in the order in which an account's customers are told:
    an account came as far as the customer who came furthest.
    """

    WITH_OUTCOME = "with_outcome"  # has an event that a metric of the plan reads
    NOT_MATURE = "not_mature"  # none of the following has been watched for long enough
    NEVER_TIED = "never_tied"  # anonymous, and never seen together with a customer id
    NOT_ANSWERED = "not_answered"  # was asked, and nothing came
    NEVER_ASKED = "never_asked"  # the plan reads surveys alone
    NO_EVENT = "no_event"
    NOT_COUNTED = "not_counted"  # a metric failed, so nobody's events were counted
    TWO_VARIANTS = "two_variants"  # from here on: left out
    WRONGLY_SHOWN = "wrongly_shown"
    UNKNOWN_VARIANT = "unknown_variant"
    EARLIER_PHASE = "earlier_phase"
    LISTED = "listed"
    OPTED_OUT = "opted_out"
    PREVIEWED = "previewed"
    MOVED = "moved"  # an account without a customer who stayed with it
    BEYOND_SIZE = "beyond_size"


class RunState(StrEnum):
    """How an analysis run ended."""

    DONE = "done"
    FAILED = "failed"


class CertificateState(StrEnum):
    """How far the trial of a metric is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class CertificateStanding(StrEnum):
    """What is known of a metric's definition by trial."""

    CERTIFIED = "certified"
    REFUSED = "refused"
    OUTDATED = "outdated"  # definition or statistics have changed since
    NONE = "none"


class ResultPhase(StrEnum):
    """What a stored run may show under its monitoring mode."""

    COUNTING = "counting"  # between looks: counts, health, response only
    LOOK = "look"  # one that the plan allows before its end: ranges for many looks
    FINAL = "final"
