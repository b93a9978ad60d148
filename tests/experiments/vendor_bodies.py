"""Bodies as the vendors document them, written anew with our own values.

Intercom: "Webhook notification" and the conversation model; Zendesk: "Ticket events";
Typeform: "Example payload"; Delighted: "Webhooks".
"""

from typing import Any

AT = 1_773_478_800  # date -u -d 2026-03-14T09:00:00Z +%s
AT_TEXT = "2026-03-14T09:00:00Z"
EMAIL = "charlie@example.com"


def intercom(topic: str = "conversation.rating.added", **item: object) -> Any:  # noqa: ANN401  # JSON
    return {
        "type": "notification_event",
        "id": "notif_78c122d0-23ba-11e4-9464-79b01267cc2e",
        "topic": topic,
        "app_id": "a86dr8yl",
        "created_at": AT,
        "delivery_attempts": 1,
        "data": {
            "type": "notification_event_data",
            "item": {
                "type": "conversation",
                "id": "1911149811",
                "created_at": AT - 3600,
                "contacts": {
                    "type": "contact.list",
                    "contacts": [
                        {"type": "contact", "id": "5ba6", "external_id": "u1"}
                    ],
                },
                "conversation_rating": {
                    "rating": 4,
                    "remark": "Quick, thanks",
                    "created_at": AT - 60,
                },
                **item,
            },
        },
    }


def zendesk(kind: str, event: dict[str, object] | None = None) -> Any:  # noqa: ANN401  # JSON
    return {
        "type": f"zen:event-type:ticket.{kind}",
        "account_id": 12514403,
        "id": "2b24ef10-19d4-4740-93cf-8f98ec4776c0",
        "time": AT_TEXT,
        "zendesk_event_version": "2022-06-20",
        "subject": "zen:ticket:12345",
        "detail": {
            "id": "12345",
            "requester_id": "8447388090494",
            "status": "SOLVED",
            "subject": f"From {EMAIL}",
            "created_at": AT_TEXT,
        },
        "event": event or {},
    }


def typeform(**hidden: object) -> Any:  # noqa: ANN401  # JSON
    return {
        "event_id": "LtWXD3crgy",
        "event_type": "form_response",
        "form_response": {
            "form_id": "lT4Z3j",
            "token": "a3a12ec67a1365927098a606107fac15",
            "submitted_at": AT_TEXT,
            "landed_at": "2026-03-14T08:59:00Z",
            "hidden": hidden or {"user_id": "u1"},
            "answers": [
                {"type": "email", "email": EMAIL, "field": {"id": "S", "ref": "mail"}},
                {
                    "type": "number",
                    "number": 5,
                    "field": {"id": "JwWg", "type": "rating", "ref": "csat"},
                },
            ],
        },
    }


def delighted(survey: str = "csat", score: int = 4, **data: object) -> Any:  # noqa: ANN401  # JSON
    return {
        "event_type": "survey_response.created",
        "event_id": "b8d057c59327541d7ec2104c0a9a255ad1997fb00831b9c6",
        "event_data": {
            "id": "5435",
            "person": {"id": "5975", "email": EMAIL, "name": "Charlie Gravis"},
            "survey_type": survey,
            "score": score,
            "comment": "Fast and flawless!",
            "created_at": AT,
            "updated_at": AT,
            "person_properties": {"customer_id": "u1"},
            "tags": [],
            **data,
        },
    }
