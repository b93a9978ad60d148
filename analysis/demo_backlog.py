"""The ideas of the demo company that no experiment has tested yet."""

from typing import Any

_FORECAST = ("lift_low", "lift_mid", "lift_high", "ship_probability")
_IDEAS: tuple[tuple[Any, ...], ...] = (
    (
        "import-contacts",
        "Importing contacts in the first session keeps more new small businesses",
        "onboarding",
        "new-small-businesses",
        "fewer_steps",
        "earlier_experiment",
        "The guided set-up kept more of them, and most who left had no contacts in.",
        "an import of contacts as the second step of the guide",
        "Contacts are typed in one by one.",
        (-0.01, 0.05, 0.12, 0.6),
        4.0,
    ),
    (
        "renewal-overview",
        "A yearly overview before renewal keeps more second-year customers",
        "renewal",
        "second-year-customers",
        "content",
        "data_pattern",
        "Customers who opened their statistics before renewal stayed more often.",
        "a page that shows what the team got done in the year",
        "Nothing shows what the year was worth.",
        (0.0, 0.03, 0.07, 0.5),
        2.0,
    ),
    (
        "calm-reminder",
        "A single calm reminder keeps second-year customers without annoying them",
        "renewal",
        "second-year-customers",
        "reminder",
        "earlier_experiment",
        "Daily reminders kept more customers, but many took them for an unpaid bill.",
        "one reminder that says first that nothing is owed",
        "The renewal date comes as a surprise.",
        (-0.01, 0.04, 0.08, 0.6),
        1.0,
    ),
    (
        "quiet-week",
        "A note after a quiet week brings back at-risk customers",
        "renewal",
        "at-risk-customers",
        "reminder",
        "complaints",
        "Customers tell us that they simply forgot about open tasks.",
        "one note with the open tasks after seven quiet days",
        "Work that waits is not seen from outside.",
        (-0.04, 0.05, 0.15, 0.4),
        1.5,
    ),
    (
        "one-contact-person",
        "One contact person for all questions keeps more who need support",
        "first_success",
        "frequent-support-contacts",
        "personal_contact",
        "opinion",
        "Support agents believe that customers tire of telling their story again.",
        "the same agent for each further question",
        "The same question is asked three times.",
        (-0.02, 0.03, 0.09, 0.3),
        6.0,
    ),
    (
        "faster-start-page",
        "A start page that opens in a second keeps more at-risk customers",
        "renewal",
        "at-risk-customers",
        "speed",
        "opinion",
        "Our own team finds the start page slow in the morning.",
        "a start page that loads its lists later",
        "The first click of the day takes four seconds.",
        (-0.02, 0.01, 0.04, 0.3),
        None,
    ),
)


_NAMES = (
    "key",
    "title",
    "journey_stage",
    "segment",
    "lever",
    "evidence",
    "evidence_text",
    "change",
    "friction_point",
    "forecast",
    "effort_weeks",
)


def ideas() -> list[dict[str, Any]]:
    """Write the ideas as the API takes hypotheses."""
    return [_body(dict(zip(_NAMES, idea, strict=True))) for idea in _IDEAS]


def _body(idea: dict[str, Any]) -> dict[str, Any]:
    return {
        **idea,
        "forecast": dict(zip(_FORECAST, idea["forecast"], strict=True)),
        "metric": "week-4-retention",
        "direction": "increase",
        "expected_change": 0.02,
        "if_up": "Ship it to the whole segment.",
        "if_flat": "Keep control and look for a stronger change.",
        "if_down": "Keep control and tell support why.",
    }
