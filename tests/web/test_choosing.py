"""The page of a customer's choice: reading changes nothing, the button counts."""

import dataclasses
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from analysis.compactor import compact_once
from experiments import customer_words, data_requests, lifecycle, opt_outs
from experiments.actors import SYSTEM
from experiments.choice_links import ChoiceLink, ChoiceLinks
from experiments.context import Context
from experiments.customer_words import Words
from experiments.db import transaction
from experiments.enrolled import FOLDER, file_name, write_set
from experiments.errors import AbideError, StorageFull, Unavailable
from experiments.inbox import Inbox
from experiments.privacy import load_pseudonymiser
from experiments.sealing import load_sealer
from experiments.vocabulary import Action, IdKind, MetricKind, PersonRole, Unit
from tests import factories
from tests.clock import FakeClock
from tests.experiments.sent_messages import read, track
from tests.surveys import make_survey, token_for
from tests.web.conftest import BASE, Visitor
from web.answer_limit import AnswerLimit
from web.pages import choosing
from web.presenters.choice_words import CHOICE_WORDS, ChoiceWords


@pytest.fixture(autouse=True)
def fresh_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "_limit", AnswerLimit())


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


def token_of(context: Context, who: str = "ada", key_id: str | None = None) -> str:
    hide = load_pseudonymiser(context.settings)
    link = ChoiceLink(
        hide.customer(who), is_anonymous=False, key_id=key_id or hide.key_id
    )
    return ChoiceLinks(load_sealer(context.settings)).seal(link)


def send(
    client: FlaskClient, token: str, choice: str, origin: str = BASE
) -> TestResponse:
    return client.post(
        f"/c/{token}",
        base_url=BASE,
        data={"choice": choice, "lang": "en"},
        headers={"Origin": origin},
    )


def since(context: Context, who: str = "ada") -> object:
    hide = load_pseudonymiser(context.settings)
    with transaction(context.sessions) as session:
        return opt_outs.out_since(session, hide.customer(who))


@pytest.fixture
def running(context: Context) -> None:
    """Run an experiment of customers that Ada has seen, and one of accounts."""
    hide = load_pseudonymiser(context.settings)
    sets = context.settings.data_dir / "ruleset" / FOLDER
    with transaction(context.sessions) as session:
        actor = factories.make_actor(session, "Eve", PersonRole.EDITOR)
        factories.start_experiment(session, actor, now=context.now(), key="seen")
        factories.start_experiment(session, actor, now=context.now(), key="unseen")
        factories.start_experiment(session, actor, now=context.now(), key="stopped")
        lifecycle.transition(
            session, "stopped", Action.STOP, actor, context.now(), reason="x" * 40
        )
        factories.start_experiment(
            session,
            actor,
            now=context.now(),
            key="firms",
            unit=Unit.ACCOUNT,
            hash_attribute="accountId",
        )
    for key in ("seen", "stopped"):
        write_set(sets / file_name(key, 1), [hide.customer("ada")[:8]])


@pytest.mark.usefixtures("running")
def test_opened__by_a_mail_scanner_too__says_what_there_is_and_changes_nothing(
    client: FlaskClient, context: Context
) -> None:
    token = token_of(context)
    for method in ("GET", "HEAD"):
        answer = client.open(f"/c/{token}?done=out", method=method, base_url=BASE)
        assert answer.status_code == 200
    page = client.get(f"/c/{token}").text
    assert page.count("A test of our service") == 1
    assert "You have been shown one of the versions." in page
    assert "whether customers go on using the service" in page
    assert "Take part in no tests" in page
    # Neither what the team calls it, nor what it believes.
    for secret in ("seen", "Annual plan nudge", "hypothes", "nudge"):
        assert secret not in re.sub(token, "", page)
    assert (
        "You take part in no test at the moment"
        in client.get(f"/c/{token_of(context, 'bob')}").text
    )
    assert since(context) is None


@pytest.mark.usefixtures("running")
def test_words__of_the_team__are_shown_and_accounts_only_with_them(
    client: FlaskClient, context: Context
) -> None:
    token = token_of(context)
    assert "Tests of whole organisations" not in client.get(f"/c/{token}").text
    with transaction(context.sessions) as session:
        for key in ("seen", "firms"):
            words = Words(f"Words of {key}", "Some see <fewer> steps.")
            customer_words.write(session, key, words, actor=SYSTEM, now=context.now())
    page = client.get(f"/c/{token}").text
    assert "Words of seen" in page
    assert "Some see &lt;fewer&gt; steps." in page
    assert "A test of our service" not in page
    assert "Tests of whole organisations: yours may take part" in page
    assert page.index("Words of seen") < page.index("Words of firms")


@pytest.mark.usefixtures("running")
def test_opted_out__by_the_button__holds_until_the_customer_takes_part_again(
    client: FlaskClient, context: Context, now: FakeClock
) -> None:
    token = token_of(context)
    answer = send(client, token, "out")
    assert answer.status_code == 303
    out = client.get(answer.location, base_url=BASE)
    assert "You take part in no tests" in out.text
    assert "Since 14 March 2026 you see the usual version." in out.text
    assert "It takes effect everywhere within a minute." in out.text
    assert "A test of our service" not in out.text
    assert since(context) == now()
    assert "Set-Cookie" not in {**answer.headers, **out.headers}
    now.advance(days=2)
    assert send(client, token, "out").status_code == 303  # twice is once
    again = send(client, token, "in")
    page = client.get(again.location, base_url=BASE).text
    assert "You take part again within a minute." in page
    assert "A test of our service" in page
    assert since(context) is None


def test_sent__something_else_or_from_elsewhere__changes_nothing(
    client: FlaskClient, context: Context
) -> None:
    token = token_of(context)
    assert send(client, token, "").status_code == 400
    assert send(client, token, "everything").status_code == 400
    elsewhere = send(client, token, "out", "https://evil.example")
    assert elsewhere.status_code == 403
    assert "This link does not work" in elsewhere.text
    broken = (token[:-4] + "AAAA", "1", "x" * 500, token_of(context, key_id="0" * 8))
    for link in broken:
        for answer in (client.get(f"/c/{link}"), send(client, link, "out")):
            assert answer.status_code == 404
            assert "This link does not work" in answer.text
    assert since(context) is None


def test_erased_customer__opts_out__and_both_stay(
    client: FlaskClient, context: Context
) -> None:
    hide = load_pseudonymiser(context.settings)
    send(client, token_of(context), "out")
    with transaction(context.sessions) as session:
        data_requests.request_erasure(
            session, hide, "ada", IdKind.CUSTOMER, actor=SYSTEM, now=context.now()
        )
        assert data_requests.is_erased(session, hide, "ada", IdKind.CUSTOMER)
    assert since(context) is not None
    page = client.get(f"/c/{token_of(context)}").text
    assert "You take part in no tests" in page


def test_one_link__choosing_all_the_time__is_asked_to_wait(
    client: FlaskClient, context: Context
) -> None:
    token = token_of(context)
    codes = [send(client, token, ("out", "in")[i % 2]).status_code for i in range(20)]
    assert codes == [303] * 20
    answer = send(client, token, "out")
    assert answer.status_code == 429
    assert "Retry-After" in answer.headers
    assert "changed very often" in answer.text
    assert re.search(r"<title>\s*Error: ", answer.text)
    assert send(client, token_of(context, "bob"), "out").status_code == 303


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (Unavailable("x", 2), 503, "cannot be shown right now"),
        (StorageFull("x"), 507, "could not be stored"),
    ],
)
def test_choice__that_cannot_be_stored__is_told(
    fault: AbideError,
    status: int,
    words: str,
    client: FlaskClient,
    context: Context,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(opt_outs, "opt_out", refuse)
    answer = send(client, token_of(context), "out")
    assert answer.status_code == status
    assert words in answer.text
    assert ("Retry-After" in answer.headers) == (status == 503)


def test_every_answer__keeps_the_address_to_itself(
    client: FlaskClient, context: Context
) -> None:
    token = token_of(context)
    answers = [
        client.get(f"/c/{token}"),
        client.get("/c/1"),
        send(client, token, "out"),
    ]
    for answer in answers:
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("language", CHOICE_WORDS)
@pytest.mark.usefixtures("running")
def test_language__of_the_browser__is_spoken(
    language: str, client: FlaskClient, context: Context
) -> None:
    words, token = CHOICE_WORDS[language], token_of(context)
    headers = {"Accept-Language": f"{language}-XX,en;q=0.5"}
    page = client.get(f"/c/{token}", headers=headers).text
    assert f'<html lang="{language}">' in page
    assert words.leave in page
    assert "{" not in re.sub(r"<[^>]*>", "", page)
    assert client.get(f"/c/{token}?lang=en", headers=headers).text.count("Your choice")


@pytest.mark.parametrize("words", CHOICE_WORDS.values(), ids=CHOICE_WORDS)
def test_words__of_each_language__are_all_there_and_keep_the_values(
    words: ChoiceWords,
) -> None:
    english = CHOICE_WORDS["en"]
    for name, text in dataclasses.asdict(words).items():
        assert text.strip() == text != ""
        slots = re.findall(r"{\w+}", getattr(english, name))
        assert sorted(re.findall(r"{\w+}", text)) == sorted(slots), name
    assert len(words.months.split()) == 12
    kinds = [
        MetricKind.RETENTION,
        MetricKind.CHURN,
        MetricKind.NPS,
        MetricKind.CSAT_MEAN,
    ]
    said = words.things(kinds)
    assert said == f"{words.stays}, {words.recommends} {words.and_} {words.satisfied}"
    assert words.things([]) == ""
    # Every kind of metric has words of its own choice: none is named by another's.
    assert all(words.things([kind]) for kind in MetricKind)


def test_survey__of_who_opted_out__is_over_and_nobody_is_asked(
    client: FlaskClient, context: Context
) -> None:
    with transaction(context.sessions) as session:
        make_survey(session, factories.make_actor(session, "Eve"), context.now())
    survey = token_for(context.settings, context.now(), "ada")
    assert client.get(f"/s/{survey}").status_code == 200
    send(client, token_of(context), "out")
    assert client.get(f"/s/{survey}").status_code == 410


def test_links__made_on_the_page__one_is_shown_and_several_come_as_a_file(
    signed_in: Callable[..., Visitor],
) -> None:
    editor = signed_in(PersonRole.EDITOR)
    assert "No customer has opted out." in editor.get("/settings/opt-outs").text
    sent = {"customer_ids": "ada", "id_kind": "customer", "action": "save"}
    page = editor.post("/settings/opt-outs", sent).text
    found = re.search(r'value="http://127.0.0.1:8000(/c/[\w-]+)"', page)
    assert found is not None
    assert 'value="ada"' not in page.split("The link is made")[1].split("</section>")[0]
    assert send(editor.client, found.group(1)[3:], "out").status_code == 303
    sent["customer_ids"] = "ada\n=bob()\n"
    file = editor.post("/settings/opt-outs", sent)
    assert file.mimetype == "text/csv"
    assert [line.split(",")[0] for line in file.text.splitlines()] == [
        "customer_id",
        "ada",
        "'=bob()",
    ]
    page = editor.get("/settings/opt-outs").text
    assert "1 customer takes part in no experiment" in page
    assert "14 Mar 2026" in page
    assert "is no id" not in page
    sent["customer_ids"] = "x" * 600
    refused = editor.post("/settings/opt-outs", sent)
    assert refused.status_code == 400
    assert "Customer ids: enter the id as the apps send it" in refused.text


@pytest.mark.usefixtures("running")
def test_words__written_on_the_page__are_kept_and_can_be_taken_away(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    editor = signed_in(PersonRole.EDITOR, "Max")
    path = "/experiments/seen/customer-words"
    words = {"name": " Fewer steps ", "difference": "", "action": "save"}
    assert editor.post(path, words).status_code == 302
    assert 'value="Fewer steps"' in editor.get(path).text
    assert path in editor.get("/experiments/seen").text
    faulty = editor.post(path, {"difference": "Only this", "action": "save"})
    assert faulty.status_code == 400
    assert "Enter a name that customers may read." in faulty.text
    assert editor.post(path, {"action": "save"}).status_code == 302
    with transaction(context.sessions) as session:
        assert customer_words.read(session, "seen") == Words()


def test_raw_id__of_who_has_a_link_and_chose__is_in_no_file(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    canary = "canary-17@customers.example"
    editor = signed_in(PersonRole.EDITOR)
    for ids in (canary, f"{canary}\nsomebody-else"):
        sent = {"customer_ids": ids, "id_kind": "customer", "action": "save"}
        assert editor.post("/settings/opt-outs", sent).status_code == 200
    assert send(editor.client, token_of(context, canary), "out").status_code == 303
    hide = load_pseudonymiser(context.settings)
    kept = [f for f in context.settings.data_dir.rglob("*") if f.is_file()]
    found = [path.read_bytes() for path in kept]
    assert any(hide.customer(canary) in content for content in found)
    assert not any(canary.encode() in content for content in found)


def test_data_page__customers_who_opted_out__are_counted(
    signed_in: Callable[..., Visitor], context: Context
) -> None:
    inbox = Inbox.for_settings(context.settings)
    inbox.append(read(track(userId="u1"), received_at=context.now()))
    inbox.close()
    compact_once(context)
    viewer = signed_in(PersonRole.VIEWER)
    assert "by their own choice" not in viewer.get("/data").text
    send(viewer.client, token_of(context), "out")
    page = viewer.get("/data").text
    assert "1 customer takes part in no experiment, by their own choice" in page
    assert "/settings/opt-outs" not in page
    assert "/settings/opt-outs" in signed_in(PersonRole.EDITOR).get("/data").text
