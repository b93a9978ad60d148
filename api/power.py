"""How large and how long an experiment must be: the one computation that is asked for.

The statistics are loaded when the first such request comes: an API process that
never gets one stays small.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from analysis.account_likeness import known_likeness
from api.endpoints import Call, Endpoint, Resource
from api.schemas.power import PowerBodySchema, PowerSchema
from experiments import metrics
from experiments.design import check_looks
from experiments.errors import InvalidInput, NotFound
from experiments.field_faults import Faults
from experiments.vocabulary import PersonRole, Reason, Unit

if TYPE_CHECKING:
    from analysis.stats.estimate import NotComputable
    from analysis.stats.power import Demand, SampleSize
    from experiments.metric_definition import MetricDefinition

resource = Resource("power", "How large and how long an experiment must be.")

WORK_OUT = Endpoint(
    role=PersonRole.VIEWER,
    to="work out a size",
    answer=PowerSchema,
    body=PowerBodySchema,
)
NOTHING: dict[str, Any] = {
    "computable": False,
    "reason": None,
    "facts": {},
    "control_count": None,
    "treatment_count": None,
    "planned_units": None,
    "enrolment_days": None,
    "total_days": None,
    "design_effect": None,
    "planned_customers": None,
    "assumed": {},
}
_BY_ACCOUNT = ("account_customers", "account_cv", "icc")


@resource.route("POST", "/power", WORK_OUT)
def work_out(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Work out how many customers and days an experiment needs."""
    from analysis.stats import power  # noqa: PLC0415  # see the module's head
    from analysis.stats.duration import duration  # noqa: PLC0415
    from analysis.stats.estimate import NotComputable  # noqa: PLC0415
    from analysis.stats.sequential_power import size_for_mode  # noqa: PLC0415

    definition = _definition(call, body)
    _check(definition, body)
    split = tuple(body["split"])
    demand = power.Demand(
        body["alpha"], body["power"], len(split) - 1, split[1] / split[0]
    )
    size = size_for_mode(
        _size(definition, body, demand),
        body["monitoring_mode"],
        tuple(body["looks"]),
        demand,
    )
    weekly = body["weekly_customers"]
    beside: dict[str, Any] = {}
    if body["unit"] == Unit.ACCOUNT:
        size, beside = _in_accounts(call, size, body, demand)
        weekly = body["weekly_accounts"]
    if isinstance(size, NotComputable):
        return _without(size)
    time = duration(
        size,
        weekly,
        definition.maturity.total_seconds() / 86_400,
        body["coverage"],
        split,
    )
    sizes = {
        **NOTHING,
        "control_count": size.control,
        "treatment_count": size.treatment,
        "planned_units": _of_all(size, len(split) - 1),
        **beside,
    }
    if isinstance(time, NotComputable):
        return {**sizes, **_without(time, sizes)}
    return {
        **sizes,
        "computable": True,
        "enrolment_days": time.enrolment_days,
        "total_days": time.total_days,
    }


def _of_all(size: SampleSize, treatments: int) -> int:
    return size.control + size.treatment * treatments


def _in_accounts(
    call: Call,
    size: SampleSize | NotComputable,
    body: dict[str, Any],
    demand: Demand,
) -> tuple[SampleSize | NotComputable, dict[str, Any]]:
    """Give a size in accounts, and what the answer says beside it."""
    from analysis.stats import account_power  # noqa: PLC0415  # see the module's head
    from analysis.stats.estimate import NotComputable  # noqa: PLC0415

    given = {name: body[name] for name in _BY_ACCOUNT}
    assumed: dict[str, Any] = {**given, "experiment": None}
    if None in given.values():
        assumed = _with_own_data(call, body["metric"], assumed)
    accounts = account_power.Accounts(
        assumed["account_customers"], assumed["account_cv"], assumed["icc"]
    )
    found = account_power.size_in_accounts(size, accounts, demand)
    if isinstance(found, NotComputable):
        return found, {}
    return found.accounts, {
        "design_effect": found.design_effect,
        "planned_customers": _of_all(found.customers, demand.treatments),
        "assumed": assumed,
    }


def _with_own_data(call: Call, metric: str, assumed: dict[str, Any]) -> dict[str, Any]:
    """Fill what was left out from this project's results by account."""
    known = known_likeness(call.session, metric)
    own: dict[str, Any] = dict.fromkeys(_BY_ACCOUNT)
    if known is not None:
        own = {
            "account_customers": known.customers,
            "account_cv": known.cv,
            "icc": known.icc,
        }
    missing = [name for name in _BY_ACCOUNT if assumed[name] is None]
    filled = {**assumed, **{name: own[name] for name in missing}}
    faults = Faults()
    for name in missing:
        if filled[name] is None:
            faults.add(name, "No results by account tell this yet: give it.")
    faults.raise_if_any("This size cannot be worked out.")
    return {**filled, "experiment": None if known is None else known.experiment}


def _definition(call: Call, body: dict[str, Any]) -> MetricDefinition:
    try:
        versions = metrics.get(call.session, body["metric"]).versions
    except NotFound as error:
        raise InvalidInput(
            "This size cannot be worked out.", {"metric": error.message}
        ) from error
    wanted = body["version"] or versions[-1].version
    for version in versions:
        if version.version == wanted:
            return metrics.definition_of(version)
    raise InvalidInput(
        "This size cannot be worked out.", {"version": "There is no such version."}
    )


def _check(definition: MetricDefinition, body: dict[str, Any]) -> None:
    faults = Faults()
    needed = "sd" if definition.has_spread else "baseline"
    if body[needed] is None:
        faults.add(needed, f"A {definition.kind.value} metric needs this.")
    counts_all = not definition.is_survey and not definition.selects
    if counts_all and body["response_share"] != 1:
        faults.add("response_share", "This metric counts every customer.")
    drawn = body["unit"]
    weekly = "weekly_accounts" if drawn == Unit.ACCOUNT else "weekly_customers"
    if body[weekly] is None:
        faults.add(weekly, f"Where {drawn.value}s are drawn, this is needed.")
    if drawn != Unit.ACCOUNT:
        for name in ("weekly_accounts", *_BY_ACCOUNT):
            if body[name] is not None:
                faults.add(name, "Only where whole accounts are drawn.")
    faults.number("alpha", body["alpha"], 0.001, 0.2)
    faults.number("power", body["power"], 0.5, 0.99)
    check_looks(faults, body["monitoring_mode"], body["looks"])
    split = body["split"]
    if not 2 <= len(split) <= 10 or not all(0 < share < 1 for share in split):  # noqa: PLR2004
        faults.add("split", "Give 2 to 10 shares, each above 0 and below 1.")
    elif any(share != split[1] for share in split[2:]):
        faults.add("split", "Give all treatments the same share.")
    faults.raise_if_any("This size cannot be worked out.")


def _size(
    definition: MetricDefinition, body: dict[str, Any], demand: Demand
) -> SampleSize | NotComputable:
    from analysis.stats import event_power, power  # noqa: PLC0415  # see the head

    if definition.is_time:
        found = event_power.size_for_survival(body["baseline"], body["effect"], demand)
        return found.size if isinstance(found, event_power.SurvivalSize) else found
    if definition.has_spread:
        size = power.size_for_means(body["sd"], body["effect"], demand)
    else:
        size = power.size_for_proportions(body["baseline"], body["effect"], demand)
    return power.size_with_silence(size, body["response_share"])


def _without(
    found: NotComputable, sizes: dict[str, Any] | None = None
) -> dict[str, Any]:
    if found.reason == Reason.OUT_OF_RANGE:
        field = str(found.facts.get("field", "body"))
        raise InvalidInput(
            "This size cannot be worked out.",
            {field: "This value is outside of what is possible."},
        )
    return {**(sizes or NOTHING), "reason": found.reason, "facts": found.facts}
