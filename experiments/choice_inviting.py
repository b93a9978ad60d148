"""Links to their choice for many customers at once; ids are not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from experiments import audit
from experiments.actors import Actor
from experiments.choice_links import ChoiceLink, ChoiceLinks
from experiments.data_requests import invited
from experiments.errors import InvalidInput
from experiments.field_faults import Faults
from experiments.privacy import Pseudonymiser
from experiments.vocabulary import IdKind, PersonRole

MOST_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class ChoiceWish:
    """Whose links are wanted.

    Attributes:
        customer_ids: as the apps send them.
        id_kind: as which id they send them.
    """

    customer_ids: Sequence[str]
    id_kind: IdKind = IdKind.CUSTOMER


def make_links(
    session: Session,
    links: ChoiceLinks,
    hide: Pseudonymiser,
    wish: ChoiceWish,
    *,
    actor: Actor,
    now: datetime,
) -> list[tuple[str, str]]:
    """Make a link for each customer.

    Args:
        session: open transaction.
        links: seals.
        hide: makes pseudonyms, the only thing of an id that is in a link.
        wish: whose links are wanted.
        actor: an editor.
        now: aware UTC.

    Returns:
        (customer id, token), in the order asked for, each id once.

    Raises:
        InvalidInput: there are none or too many, or one is no id; names the field.
    """
    actor.require(PersonRole.EDITOR, "make links to opt out")
    faults = Faults()
    if not 1 <= len(wish.customer_ids) <= MOST_AT_ONCE:
        faults.add("customer_ids", f"Give 1 to {MOST_AT_ONCE:,} ids at once.")
    pseudonyms = {}
    for index, customer_id in enumerate(wish.customer_ids[:MOST_AT_ONCE]):
        try:
            pseudonyms[customer_id] = invited(hide, customer_id, wish.id_kind)
        except InvalidInput as fault:
            faults.add(f"customer_ids.{index}", fault.fields["customer_id"])
    faults.raise_if_any("These links cannot be made.")
    is_anonymous = wish.id_kind == IdKind.ANONYMOUS
    made = [
        (customer_id, links.seal(ChoiceLink(who, is_anonymous, hide.key_id)))
        for customer_id, who in pseudonyms.items()
    ]
    after = {"link_count": len(made), "id_kind": wish.id_kind.value}
    audit.record(
        session, actor, "opt_out.make_links", "opt_out", "links", None, after, now
    )
    return made
