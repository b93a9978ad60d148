"""What each vendor's webhooks hold: the mapping that a connector of it begins with.

From the vendors' documentation: Intercom "Webhook topics" and its conversation model;
Zendesk "Ticket events"; Typeform "Example payload"; Delighted "Webhooks". Which field
holds the customer's id is each company's own choice, so these are beginnings: the
mapping of a connector can be changed like any other.
"""

from collections.abc import Mapping
from typing import Any

from experiments.vocabulary import ConnectorKind

OPENED = "Support Contact Opened"
REOPENED = "Support Contact Reopened"
RESOLVED = "Support Contact Resolved"

_INTERCOM_CONTACT = {
    "at": [
        "data.item.conversation_rating.contact.external_id",
        "data.item.contacts.contacts[0].external_id",
        "data.item.user.user_id",
    ]
}


def _intercom(event: str, topic: str, **parts: object) -> dict[str, Any]:
    return {
        "event": event,
        "when": {"topic": [topic]},
        "customer": _INTERCOM_CONTACT,
        # A rating's own created_at is when it was asked for.
        "occurred_at": "created_at",
        "message_id": "id",
        **parts,
    }


def _zendesk(event: str, kind: str, when: object = None, **parts: object) -> Any:  # noqa: ANN401  # JSON
    also = when if isinstance(when, dict) else {}
    return {
        "event": event,
        "when": {"type": [f"zen:event-type:ticket.{kind}"], **also},
        "customer": {"at": ["detail.requester_external_id", "detail.requester_id"]},
        "occurred_at": "time",
        "message_id": "id",
        **parts,
    }


def _typeform(kind: str, **parts: object) -> dict[str, Any]:
    score = f"form_response.answers[field.ref={kind}].number"
    return {
        "event": f"{kind.upper()} Submitted",
        "when": {"event_type": ["form_response"], score: {"exists": True}},
        "customer": {
            "at": ["form_response.hidden.customer_id", "form_response.hidden.user_id"]
        },
        "score": score,
        "survey": "form_response.form_id",
        "comment": "form_response.answers[field.ref=comment].text",
        "occurred_at": "form_response.submitted_at",
        "message_id": "form_response.token",
        **parts,
    }


def _delighted(kind: str, **parts: object) -> dict[str, Any]:
    properties = "event_data.person_properties"
    return {
        "event": f"{kind.upper()} Submitted",
        "when": {
            "event_type": ["survey_response.created", "survey_response.updated"],
            "event_data.survey_type": [kind],
        },
        "customer": {"at": [f"{properties}.customer_id", f"{properties}.user_id"]},
        "score": "event_data.score",
        "survey": {"is": "delighted"},
        "comment": "event_data.comment",
        "occurred_at": {"at": ["event_data.updated_at", "event_data.created_at"]},
        "message_id": "event_id",
        **parts,
    }


_RATING = {"at": ["event.satisfaction_score.score", "event.satisfaction_score"]}
_GOOD_OR_BAD = {"BAD": 1, "bad": 1, "GOOD": 2, "good": 2}
_SOLVED = {"event.current": ["SOLVED", "Solved", "solved"]}

PRESETS: Mapping[ConnectorKind, dict[str, Any] | None] = {
    ConnectorKind.INTERCOM: {
        "facts": [
            _intercom(
                "CSAT Submitted",
                "conversation.rating.added",
                score="data.item.conversation_rating.rating",
                scale=5,
                survey={"is": "intercom"},
                comment="data.item.conversation_rating.remark",
            ),
            _intercom(OPENED, "conversation.user.created"),
            _intercom(REOPENED, "conversation.admin.opened"),
            _intercom(RESOLVED, "conversation.admin.closed"),
        ],
        "skip": [{"topic": ["ping"]}],
    },
    ConnectorKind.ZENDESK: {
        "facts": [
            _zendesk("CSAT Requested", "csat_requested", survey={"is": "zendesk"}),
            _zendesk(
                "CSAT Submitted",
                "csat_received",
                score={**_RATING, "table": _GOOD_OR_BAD},
                scale=2,
                survey={"is": "zendesk"},
            ),
            _zendesk(OPENED, "created"),
            _zendesk(RESOLVED, "status_changed", _SOLVED),
        ],
        "skip": [{"type": ["zen:event-type:ticket.status_changed"]}],
    },
    ConnectorKind.TYPEFORM: {
        "facts": [
            _typeform("csat", scale=5),
            _typeform("nps"),
            _typeform("ces", scale=7),
        ],
        "skip": [],
    },
    ConnectorKind.DELIGHTED: {
        "facts": [
            _delighted("csat", scale=5),
            _delighted("nps"),
            _delighted("ces", scale=5),
        ],
        "skip": [{"event_type": ["unsubscribe.created"]}],
    },
    ConnectorKind.GENERIC: None,
}
# Shown where a generic connector has no mapping yet.
EXAMPLE: dict[str, Any] = {
    "facts": [
        {
            "event": "CSAT Submitted",
            "customer": "customer_id",
            "score": "score",
            "scale": 5,
            "survey": {"is": "after-support"},
            "occurred_at": "submitted_at",
            "message_id": "id",
        }
    ],
    "skip": [],
}
