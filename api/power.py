"""How large and how long an experiment must be: the one computation that is asked for.

The statistics are loaded when the first such request comes: an API process that
never gets one stays small.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from analysis.account_likeness import known_likeness
from analysis.baselines import EVERYBODY, Baseline, known_baseline, with_stated
from analysis.stats.arrivals import Arrivals, observed, steady
from api.endpoints import Call, Endpoint, Resource
from api.schemas.power import MAX_WEEKS, PowerBodySchema, PowerSchema
from api.shown_plans import shown_others, shown_plan
from experiments import metrics, segments
from experiments.design import check_looks
from experiments.errors import InvalidInput, NotFound
from experiments.field_faults import Faults
from experiments.vocabulary import Direction, PersonRole, Reason, Unit

if TYPE_CHECKING:
    from analysis.plan_basis import Basis
    from analysis.plan_fits import OtherPlan
    from analysis.plan_values import Guarded, PlanAhead, PlanQuestion, Scheme
    from analysis.stats.account_power import Accounts
    from experiments.metric_definition import MetricDefinition
    from experiments.models import Metric, MetricVersion

resource = Resource("power", "How large and how long an experiment must be.")

WORK_OUT = Endpoint(
    role=PersonRole.VIEWER,
    to="work out a size",
    answer=PowerSchema,
    body=PowerBodySchema,
)
REFUSED = "This size cannot be worked out."
_BY_ACCOUNT = ("account_customers", "account_cv", "icc")
_WEEKLY_OF = {Unit.CUSTOMER: "weekly_customers", Unit.ACCOUNT: "weekly_accounts"}


@resource.route("POST", "/power", WORK_OUT)
def work_out(call: Call, body: dict[str, Any]) -> dict[str, Any]:
    """Work out how many customers and days an experiment needs."""
    from analysis.plan_fits import others_that_fit  # noqa: PLC0415  # likewise
    from analysis.plan_values import PlanQuestion  # noqa: PLC0415  # see the head
    from analysis.planner import plan_ahead  # noqa: PLC0415  # likewise

    row, version = _version(call, body)
    definition = metrics.definition_of(version)
    where = _segment(call, body)
    known = known_baseline(call.session, version, *where)
    basis = _basis(definition, known, body)
    faults = Faults()
    arrivals = _arrivals(faults, body, known)
    _check(faults, definition, basis, body)
    accounts, assumed = _accounts(call, body)
    question = PlanQuestion(
        definition=_towards(definition, body["effect"]),
        basis=basis,
        effect=abs(body["effect"]),
        scheme=_scheme(body, arrivals, accounts),
        begins_at=call.now,
        guardrails=tuple(_guardrails(call, body, where)),
    )
    ahead = plan_ahead(question)
    _refuse_fields(question, ahead)
    others: tuple[OtherPlan, ...] = ()
    if ahead.refused is not None and ahead.refused.reason == Reason.UNREACHABLE:
        others = others_that_fit(call.session, question, row, where)
    shown = shown_plan(question, ahead, body["unit"], assumed, known)
    return shown | {"name": row.name} | shown_others(shown["sentence"], others)


def _towards(definition: MetricDefinition, effect: float) -> MetricDefinition:
    """Look for a change of this sign, whichever way is better for customers."""
    way = Direction.INCREASE if effect >= 0 else Direction.DECREASE
    return dataclasses.replace(definition, direction=way)


def _scheme(
    body: dict[str, Any], arrivals: Arrivals, accounts: Accounts | None
) -> Scheme:
    from analysis.plan_values import Scheme  # noqa: PLC0415  # see the module's head

    return Scheme(
        alpha=body["alpha"],
        power=body["power"],
        shares=tuple(body["split"]),
        coverage=body["coverage"],
        arrivals=arrivals,
        mode=body["monitoring_mode"],
        looks=tuple(body["looks"]),
        accounts=accounts,
    )


def _basis(
    definition: MetricDefinition, known: Baseline | None, body: dict[str, Any]
) -> Basis:
    basis = with_stated(
        definition,
        None if known is None else known.basis,
        body["baseline"],
        body["sd"],
        body["response_share"],
    )
    correlation = body.get("correlation")
    if correlation is None:
        return basis
    return dataclasses.replace(basis, correlation=abs(correlation))


def _arrivals(faults: Faults, body: dict[str, Any], known: Baseline | None) -> Arrivals:
    """Take how they come from own data where it is left out; nobody, with a fault."""
    field = _WEEKLY_OF[body["unit"]]
    weekly, weeks = body[field], body["arrivals"]
    if weeks and weekly is not None:
        faults.add("arrivals", f"Say either this or {field}.")
    if len(weeks) == 1 or not all(week >= 0 for week in weeks):
        faults.add("arrivals", f"Give 2 to {MAX_WEEKS} numbers, none below 0.")
    if weeks:
        return observed(weeks)
    if weekly is not None:
        return steady(weekly)
    own = None if known is None else known.arrivals_of(body["unit"])
    if own is None:
        faults.add(field, "Give this or arrivals: no data of your own tell it yet.")
    return own or steady(0)


def _guardrails(
    call: Call, body: dict[str, Any], where: tuple[str, int]
) -> list[Guarded]:
    from analysis.plan_values import Guarded  # noqa: PLC0415  # see the module's head

    found, faults = [], Faults()
    for index, part in enumerate(body["guardrails"]):
        try:
            row, version = _version(call, part)
        except InvalidInput as error:
            for field, words in error.fields.items():
                faults.add(f"guardrails.{index}.{field}", words)
            continue
        if not part["margin"] > 0:
            faults.add(f"guardrails.{index}.margin", "Give a margin above 0.")
        definition = metrics.definition_of(version)
        known = known_baseline(call.session, version, *where)
        basis = _basis(definition, known, part)
        found.append(Guarded(row.key, row.name, definition, basis, part["margin"]))
    faults.raise_if_any(REFUSED)
    return found


def _accounts(
    call: Call, body: dict[str, Any]
) -> tuple[Accounts | None, dict[str, Any]]:
    """Say how customers lie in accounts, where these are drawn, and whence it is."""
    if body["unit"] != Unit.ACCOUNT:
        return None, {}
    from analysis.stats.account_power import Accounts  # noqa: PLC0415  # see the head

    given = {name: body[name] for name in _BY_ACCOUNT}
    assumed: dict[str, Any] = {**given, "experiment": None}
    if None in given.values():
        assumed = _with_own_data(call, body["metric"], assumed)
    return (
        Accounts(assumed["account_customers"], assumed["account_cv"], assumed["icc"]),
        assumed,
    )


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
    faults.raise_if_any(REFUSED)
    return {**filled, "experiment": None if known is None else known.experiment}


def _segment(call: Call, body: dict[str, Any]) -> tuple[str, int]:
    """Find the segment whose data are read; everybody where none is named."""
    key = body["segment"]
    if not key:
        return EVERYBODY, 0
    try:
        return key, segments.get(call.session, key).versions[-1].version
    except NotFound as error:
        raise InvalidInput(REFUSED, {"segment": error.message}) from error


def _version(call: Call, body: dict[str, Any]) -> tuple[Metric, MetricVersion]:
    try:
        row = metrics.get(call.session, body["metric"])
    except NotFound as error:
        raise InvalidInput(REFUSED, {"metric": error.message}) from error
    wanted = body["version"] or row.versions[-1].version
    for version in row.versions:
        if version.version == wanted:
            return row, version
    raise InvalidInput(REFUSED, {"version": "There is no such version."})


def _check(
    faults: Faults, definition: MetricDefinition, basis: Basis, body: dict[str, Any]
) -> None:
    from analysis.plan_basis import lacks  # noqa: PLC0415  # see the module's head

    needed = lacks(definition, basis)
    if needed is not None and body[needed] is None:
        faults.add(
            needed,
            f"A {definition.kind.value} metric needs this: no data of your own tell it"
            " yet.",
        )
    elif needed is not None:
        faults.add(needed, "This value is outside of what is possible.")
    counts_all = not definition.is_survey and not definition.selects
    if counts_all and body["response_share"] not in {None, 1}:
        faults.add("response_share", "This metric counts every customer.")
    if body["unit"] != Unit.ACCOUNT:
        for name in ("weekly_accounts", *_BY_ACCOUNT):
            if body[name] is not None:
                faults.add(name, "Only where whole accounts are drawn.")
    _check_numbers(faults, body)
    faults.raise_if_any(REFUSED)


def _check_numbers(faults: Faults, body: dict[str, Any]) -> None:
    faults.number("alpha", body["alpha"], 0.001, 0.2)
    faults.number("power", body["power"], 0.5, 0.99)
    check_looks(faults, body["monitoring_mode"], body["looks"])
    if body["correlation"] is not None and abs(body["correlation"]) >= 1:
        faults.add("correlation", "Give a number between -1 and 1.")
    split = body["split"]
    if not 2 <= len(split) <= 10 or not all(0 < share < 1 for share in split):  # noqa: PLR2004
        faults.add("split", "Give 2 to 10 shares, each above 0 and below 1.")
    elif any(share != split[1] for share in split[2:]):
        faults.add("split", "Give all treatments the same share.")


def _refuse_fields(question: PlanQuestion, ahead: PlanAhead) -> None:
    """Name the field at fault, where a value is none that a plan can have."""
    from analysis.plan_words import beyond_shares  # noqa: PLC0415  # see the head

    found = ahead.refused
    if found is not None and found.reason == Reason.OUT_OF_RANGE:
        field = str(found.facts.get("field", "body"))
        words = "This value is outside of what is possible."
        beyond = beyond_shares(question) if field == "effect" else ""
        raise InvalidInput(REFUSED, {field: f"{beyond}." if beyond else words})
