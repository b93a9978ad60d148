"""Raw ids never reach a disk: searched for byte by byte, wherever they could be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from analysis.compactor import compact_once
from experiments.context import Context
from experiments.inbox import Inbox
from experiments.inbox_reading import open_reader
from tests.analysis.intake import events, quarantined
from tests.api.event_doors import door_client, message, post

CANARIES = [f"canary{number:04d}wren" for number in range(1000)]
MARK = b"wren"


def messages() -> Iterator[dict[str, Any]]:
    """Put each id into another place, of good messages and of bad ones."""
    for number, canary in enumerate(CANARIES):
        yield (
            message(number, userId=canary),
            message(number, anonymousId=canary),
            message(number, userId=canary, messageId=f"{canary}-{number}"),
            message(number, properties={"email": f"{canary}@example.com"}),
            message(number, userId=canary, properties={"id": canary, "plan": canary}),
            message(number, userId=canary, event=f"Opened by {canary}"),
            message(number, properties={canary: canary}),
            message(number, context={"traits": {"email": canary}}),
            message(number, type="identify", traits={"id": f"{canary}@example.com"}),
            message(number, type="group", groupId=canary),
            message(number, type="alias", previousId=canary),
            message(number, type="page", name=canary),
            message(number, type=canary),
            message(number, userId=[canary]),
            message(number, event=None, properties={"comment": canary}),
            message(number, event={canary: 1}),
            message(number, timestamp=canary),
            message(number, messageId=canary * 20),
            message(number, userId=canary, event="\x00"),
            message(number, userId=canary, event="\ud800"),
            message(
                number,
                userId=canary,
                event="CSAT Submitted",
                properties={"score": canary, "comment": canary, "survey": canary},
            ),
            message(
                number,
                userId=canary,
                event="Experiment Viewed",
                properties={"experimentId": canary, "variationId": canary},
            ),
        )[number % 22]


def test_raw_ids__pushed_through_every_door__are_in_no_file(
    context: Context, capfd: pytest.CaptureFixture[str]
) -> None:
    inbox = Inbox.for_settings(context.settings)
    client = door_client(context, inbox)
    sent = list(messages())
    for start in range(0, len(sent), 50):
        answer = post(client, "/v1/batch", {"batch": sent[start : start + 50]})
        assert answer.status_code == 200
    for path in ("track", "identify", "alias"):
        assert post(client, f"/v1/{path}", sent[0]).status_code == 200
    broken = json.dumps({"batch": sent[:9]}).encode()
    assert post(client, "/v1/batch", broken[:-9]).status_code == 400
    assert found_in(context) == []  # while they wait
    reader = open_reader(context)
    for slot in reader.slots():
        assert not any(MARK in one.body for one in reader.read(slot, 0, 2**40).groups)
    compact_once(context)
    inbox.close()
    assert found_in(context) == []
    # Parquet and long PostgreSQL values are compressed, so what they say is read too.
    kept = events(context)
    aside = [one.message | {"detail": one.detail} for one in quarantined(context)]
    assert len(kept) > 300
    assert len(aside) > 300
    assert MARK not in repr([kept, aside]).encode()
    output = capfd.readouterr()
    assert MARK.decode() not in output.out + output.err


def found_in(context: Context) -> list[Path]:
    searched = [path for path in context.settings.data_dir.rglob("*") if path.is_file()]
    assert searched
    if not context.settings.is_sqlite:
        with context.sessions() as session:
            folder = Path(str(session.scalar(text("SHOW data_directory"))))
            session.execute(text("CHECKPOINT"))
        searched += [path for path in folder.rglob("*") if path.is_file()]
        assert any("pg_wal" in str(path) for path in searched)
    return [path for path in searched if holds_a_mark(path)]


def holds_a_mark(path: Path) -> bool:
    try:
        return MARK in path.read_bytes()
    except FileNotFoundError:
        return False  # the server removed it meanwhile
