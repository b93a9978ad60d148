"""Links for many customers at once, and the fact that they were asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from experiments import audit, opt_outs, survey_replies
from experiments.actors import Actor
from experiments.config import Settings
from experiments.data_requests import invited
from experiments.errors import Conflict, InvalidInput
from experiments.field_faults import Faults
from experiments.inbox import Inbox
from experiments.models import Survey
from experiments.privacy import Pseudonymiser
from experiments.survey_answers import invitation_parcel
from experiments.survey_links import LONGEST_DAYS, SurveyKeys, SurveyLink, SurveyLinks
from experiments.vocabulary import Environment, IdKind, PersonRole

MOST_AT_ONCE = 1000
TRIAL_DAYS = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Wish:
    """Whose links are wanted.

    Attributes:
        customer_ids: as the apps send them.
        id_kind: as which id they send them.
        days: for which the links work.
        environment: answers from development are never analysed.
        tells: whether the customers count as asked, from now on.
    """

    customer_ids: Sequence[str]
    id_kind: IdKind = IdKind.CUSTOMER
    days: int = 30
    environment: Environment = Environment.PRODUCTION
    tells: bool = True

    def check(self) -> None:
        """Refuse what no links can be made for.

        Raises:
            InvalidInput: with every fault by field.
        """
        faults = Faults()
        faults.number("days", self.days, 1, LONGEST_DAYS)
        if not 1 <= len(self.customer_ids) <= MOST_AT_ONCE:
            faults.add("customer_ids", f"Give 1 to {MOST_AT_ONCE:,} ids at once.")
        faults.raise_if_any("These links cannot be made.")


@dataclass(frozen=True, slots=True)
class Links:
    """What was made.

    Attributes:
        tokens: (customer id, token), in the order asked for, each id once.
        left_out: ids of customers who were erased or opted out: no answer of theirs
            would be stored.
        expires_at: of all of them.
    """

    tokens: Sequence[tuple[str, str]]
    left_out: Sequence[str]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Inviter:
    """What making links takes.

    Attributes:
        links: signs.
        hide: makes pseudonyms.
        inbox: takes the fact that customers were asked.
    """

    links: SurveyLinks
    hide: Pseudonymiser
    inbox: Inbox

    def invite(
        self,
        session: Session,
        survey: Survey,
        wish: Wish,
        *,
        actor: Actor,
        now: datetime,
    ) -> Links:
        """Make links, and tell that the customers were asked.

        Args:
            session: open transaction.
            survey: that they are asked to answer.
            wish: whose links are wanted.
            actor: an editor.
            now: aware UTC.

        Returns:
            The links. Nobody is told of a link that could not be given out: who asks
            again gets new ones, and each customer counts as asked once in a wave.

        Raises:
            Conflict: the survey takes no answers.
        """
        actor.require(PersonRole.EDITOR, "make survey links")
        wish.check()
        if not survey.is_open:
            raise Conflict(f'"{survey.name}" is closed. Open it before you ask.')
        expires_at = (now + timedelta(days=wish.days)).replace(microsecond=0)
        pseudonyms = _pseudonyms(self.hide, wish)
        gone = survey_replies.erased(session, list(pseudonyms.values()))
        gone |= opt_outs.among(session, list(pseudonyms.values()))
        made = {
            customer_id: SurveyLink(
                survey_id=survey.id,
                wave=survey.wave,
                customer=pseudonym,
                is_anonymous=wish.id_kind == IdKind.ANONYMOUS,
                key_id=self.hide.key_id,
                environment=wish.environment,
                expires_at=expires_at,
            )
            for customer_id, pseudonym in pseudonyms.items()
            if pseudonym not in gone
        }
        if wish.tells and made:
            received_us = (now - _EPOCH) // _MICROSECOND
            told = invitation_parcel(
                self.hide, survey, list(made.values()), received_us
            )
            self.inbox.append(told)
        audit.take_turn(session)
        after = {"wave": survey.wave, "link_count": len(made), "told": wish.tells}
        audit.record(
            session, actor, "survey.make_links", "survey", survey.key, None, after, now
        )
        return Links(
            tokens=[(each, self.links.sign(link)) for each, link in made.items()],
            left_out=[each for each, who in pseudonyms.items() if who in gone],
            expires_at=expires_at,
        )

    def trial(self, survey: Survey, customer: bytes, now: datetime) -> str:
        """Make the token of a link that is only for looking at the page.

        Args:
            survey: to look at.
            customer: 16 bytes that are nobody's.
            now: aware UTC.

        Returns:
            A token whose answer is kept as development data.
        """
        link = SurveyLink(
            survey_id=survey.id,
            wave=survey.wave,
            customer=customer,
            is_anonymous=True,
            key_id=self.hide.key_id,
            environment=Environment.DEVELOPMENT,
            expires_at=now + timedelta(days=TRIAL_DAYS),
        )
        return self.links.sign(link)


def survey_keys(settings: Settings) -> SurveyKeys:
    """Find the keys that sign links."""
    return SurveyKeys(settings.keys_dir)


def _pseudonyms(hide: Pseudonymiser, wish: Wish) -> dict[str, bytes]:
    found = {}
    for index, customer_id in enumerate(wish.customer_ids):
        try:
            found[customer_id] = invited(hide, customer_id, wish.id_kind)
        except InvalidInput as fault:
            words = fault.fields["customer_id"]
            field = f"customer_ids.{index}"
            raise InvalidInput("These links cannot be made.", {field: words}) from fault
    return found
