"""The demo company: whom it serves, what it tried, and what is true of each try.

Figures are chosen so that the truth decides the verdict, not luck: at these sizes the
clear win is found in more than nine of ten worlds (tests/simulations checks it).
"""

from datetime import datetime, timedelta
from typing import Any

from analysis.simulation import ArmTruth, GroupTruth

GROUP_SIZE = 5_000
RUNNING_SIZE = 900  # customers of the running experiment so far
COMPANY = "Larch & Co"

SEGMENTS: tuple[dict[str, Any], ...] = (
    {
        "key": "new-small-businesses",
        "name": "New small businesses",
        "description": "In their first month, with fewer than ten people.",
        "condition": {"lifecycle": "new", "company_size": "small"},
    },
    {
        "key": "second-year-customers",
        "name": "Second-year customers",
        "description": "Renewed once; the second renewal is where most leave.",
        "condition": {"lifecycle": "second_year"},
    },
    {
        "key": "frequent-support-contacts",
        "name": "Frequent support contacts",
        "description": "Three or more support contacts in the last 90 days.",
        "condition": {"support_contacts": {"$exists": True, "$gte": 3}},
    },
    {
        "key": "at-risk-customers",
        "name": "At-risk customers",
        "description": "Paying, but not active for two weeks or more.",
        "condition": {"lifecycle": "at_risk"},
    },
    {
        "key": "business-plan",
        "name": "Business plan",
        "description": "On the larger of the two plans; a declared split.",
        "condition": {"plan": "business"},
    },
)

DECIDES = "week-4-retention"  # key of the metric of most experiments
METRICS: tuple[dict[str, Any], ...] = (
    {
        "key": DECIDES,
        "name": "Week-4 retention",
        "description": "Opened a project in days 28 to 34 after first exposure.",
        "definition": {
            "kind": "retention",
            "direction": "increase",
            "events": ["Project Opened"],
            "day": 28,
            "window_days": 7,
        },
    },
    {
        "key": "csat",
        "name": "CSAT",
        "description": "Mean answer from 1 to 5, asked two weeks after exposure.",
        "definition": {
            "kind": "csat_mean",
            "direction": "increase",
            "day": 30,
            "scale": 5,
            "satisfied_from": 4,
        },
    },
    {
        "key": "satisfied",
        "name": "Satisfied customers",
        "description": "Share of answers that are 4 or 5.",
        "definition": {
            "kind": "csat_share",
            "direction": "increase",
            "day": 30,
            "scale": 5,
            "satisfied_from": 4,
        },
    },
    {
        "key": "time-to-churn",
        "name": "Time to churn",
        "description": "Days until two weeks without opening a project begin.",
        "definition": {
            "kind": "time_to_churn",
            "direction": "increase",
            "events": ["Project Opened"],
            "day": 28,
            "gap_days": 14,
        },
    },
)

# How a stage does. Retention is no such metric here: the company's customers are
# followed for some weeks after they came and no longer, so it would seem to fall.
STAGES: dict[str, dict[str, Any]] = {
    "first_success": {
        "name": "First success",
        "position": 2,
        "health_metrics": ["csat", "satisfied"],
    },
}


def past_experiments() -> tuple[dict[str, Any], ...]:
    """List the four finished experiments: what was planned, and what is true."""
    return (
        {
            "key": "guided-set-up",
            "name": "Guided set-up for new small businesses",
            "title": "Guided set-up keeps more new small businesses",
            "stage": "onboarding",
            "segment": "new-small-businesses",
            "lever": "guidance",
            "evidence": "data_pattern",
            "evidence_text": "Six of ten new small businesses never finish set-up, and"
            " those who do stay twice as often.",
            "change": "a guided set-up in three steps instead of an empty start page",
            "friction_point": "The first screen is empty.",
            "treatment": "guided",
            "truth": _group(
                "guided-set-up",
                "new",
                {
                    "lifecycle": "new",
                    "company_size": "small",
                    "support_contacts": 1,
                    "tenure_days": 3,
                },
                ArmTruth("control", 0.5, 0.58),
                ArmTruth("guided", 0.5, 0.65, csat_shift=0.12),
            ),
        },
        {
            "key": "renewal-reminder",
            "name": "Daily renewal reminders",
            "title": "Daily renewal reminders keep more second-year customers",
            "stage": "renewal",
            "segment": "second-year-customers",
            "lever": "reminder",
            "evidence": "complaints",
            "evidence_text": "Customers say that they forgot the renewal date.",
            "change": "a reminder every day of the last two weeks",
            "friction_point": "The renewal date comes as a surprise.",
            "treatment": "daily-reminder",
            "truth": _group(
                "renewal-reminder",
                "second",
                {
                    "lifecycle": "second_year",
                    "company_size": "small",
                    "support_contacts": 1,
                    "tenure_days": 400,
                },
                ArmTruth("control", 0.5, 0.66),
                ArmTruth("daily-reminder", 0.5, 0.72, csat_shift=-0.55),
            ),
        },
        {
            "key": "call-back-offer",
            "name": "Call-back offer in support",
            "title": "A call-back offer keeps more customers who need support",
            "stage": "first_success",
            "segment": "frequent-support-contacts",
            "lever": "personal_contact",
            "evidence": "opinion",
            "evidence_text": "Support agents believe that a call solves more.",
            "change": "the offer of a call back on the second contact",
            "friction_point": "The same question is asked three times.",
            "treatment": "call-back",
            "truth": _group(
                "call-back-offer",
                "support",
                {
                    "lifecycle": "settled",
                    "company_size": "medium",
                    "support_contacts": 4,
                    "tenure_days": 200,
                },
                ArmTruth("control", 0.5, 0.61),
                ArmTruth("call-back", 0.5, 0.62),
            ),
        },
        {
            "key": "win-back-discount",
            "name": "Win-back discount",
            "title": "A win-back discount keeps more at-risk customers",
            "stage": "renewal",
            "segment": "at-risk-customers",
            "lever": "incentive",
            "evidence": "earlier_experiment",
            "evidence_text": "A discount kept customers in another country.",
            "change": "a discount of 20 % for three months",
            "friction_point": "The price is felt before the value.",
            "treatment": "discount",
            # The redirect of the discount page loses customers: a real split fault.
            "truth": _group(
                "win-back-discount",
                "risk",
                {
                    "lifecycle": "at_risk",
                    "company_size": "small",
                    "support_contacts": 0,
                    "tenure_days": 150,
                },
                ArmTruth("control", 0.56, 0.40),
                ArmTruth("discount", 0.44, 0.47),
            ),
        },
    )


def running_experiment() -> dict[str, Any]:
    """Describe the experiment that still runs, assigned by Abide."""
    return {
        "key": "first-week-checklist",
        "name": "Checklist for the first week",
        "title": "A checklist for the first week keeps more new small businesses",
        "stage": "first_success",
        "segment": "new-small-businesses",
        "lever": "guidance",
        "evidence": "data_pattern",
        "evidence_text": "Customers who invite a colleague in week one stay longer.",
        "change": "a checklist that ends with inviting a colleague",
        "friction_point": "People work alone in a tool made for teams.",
        "treatment": "checklist",
    }


def hypothesis_body(item: dict[str, Any]) -> dict[str, Any]:
    """Write the hypothesis of an experiment as the API takes it."""
    return {
        "key": item["key"],
        "title": item["title"],
        "lever": item["lever"],
        "evidence": item["evidence"],
        "evidence_text": item["evidence_text"],
        "change": item["change"],
        "segment": item["segment"],
        "metric": DECIDES,
        "direction": "increase",
        "expected_change": 0.05,
        "journey_stage": item["stage"],
        "friction_point": item["friction_point"],
        "if_up": "Ship it to the whole segment.",
        "if_flat": "Keep control and look for a stronger change.",
        "if_down": "Keep control and tell support why.",
        "forecast": {
            "lift_low": -0.02,
            "lift_mid": 0.05,
            "lift_high": 0.12,
            "ship_probability": 0.5,
        },
    }


def experiment_body(
    item: dict[str, Any], now: datetime, *, external: bool
) -> dict[str, Any]:
    """Write the design of an experiment as the API takes it.

    Args:
        item: one of `past_experiments`, or `running_experiment`.
        now: planned dates count from here.
        external: whether its variants were decided elsewhere, in the past.

    Returns:
        The body for `POST /api/v1/experiments`.
    """
    days = {"exposures_from": -92, "enrolment_ends_at": -41} if external else {}
    dates = {name: _iso(now + timedelta(days=offset)) for name, offset in days.items()}
    end = now + timedelta(days=-6 if external else 63)
    return {
        "key": item["key"],
        "name": item["name"],
        "hypothesis": item["key"],
        "goal": "churn_reduction",
        "assigned_by": "external" if external else "abide",
        "unit": "customer",
        "segment": item["segment"],
        "segment_version": 1,
        "variants": [
            {
                "name": "control",
                "description": "As it is today.",
                "is_control": True,
                "share": 0.5,
                "parameters": {"enabled": False},
            },
            {
                "name": item["treatment"],
                "description": item["change"][0].upper() + item["change"][1:] + ".",
                "is_control": False,
                "share": 0.5,
                "parameters": {"enabled": True},
            },
        ],
        "coverage": 1.0,
        "metrics": [
            _choice(DECIDES, "primary", 0.02),
            _choice("csat", "guardrail", 0.1, margin=0.2),
            _choice("satisfied", "secondary", 0.03),
            _choice("time-to-churn", "secondary", 1.0),
        ],
        "monitoring_mode": "fixed_end" if external else "group_sequential",
        "planned_units": GROUP_SIZE - 200 if external else 6_000,
        "planned_end_at": _iso(end),
        "breakdowns": [{"segment": "business-plan", "version": 1}],
        **dates,
    }


def _choice(
    metric: str, role: str, matters: float, margin: float | None = None
) -> dict[str, Any]:
    body: dict[str, Any] = {
        "metric": metric,
        "version": 1,
        "role": role,
        "change_that_matters": matters,
    }
    return body if margin is None else body | {"margin": margin}


def _group(
    key: str, prefix: str, attributes: dict[str, Any], *arms: ArmTruth
) -> GroupTruth:
    return GroupTruth(
        experiment=key,
        prefix=prefix,
        size=GROUP_SIZE,
        arms=arms,
        attributes=attributes,
        first_day=90,
        last_day=45,
    )


def _iso(at: datetime) -> str:
    return at.isoformat(timespec="seconds")
