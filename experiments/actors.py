"""Who acts: a signed-in person, an API key for its owner, or Abide itself."""

from dataclasses import dataclass

from experiments.errors import Forbidden
from experiments.vocabulary import PersonRole

_RANK = {role: rank for rank, role in enumerate(PersonRole)}


@dataclass(frozen=True, slots=True)
class Actor:
    """Named in every audit row; its role decides what it may do."""

    # A person by number and e-mail, "key:ab12cd34 for" such a person, or "system".
    label: str
    role: PersonRole
    person_id: int | None  # for a key: its owner; None for the system

    def may(self, least: PersonRole) -> bool:
        """Whether this actor has at least the role `least`."""
        return _RANK[self.role] >= _RANK[least]

    def require(self, least: PersonRole, what: str) -> None:
        """Refuse an actor below the role `least`.

        Args:
            least: the weakest role that may do it.
            what: what was tried, as in "start an experiment".

        Raises:
            Forbidden: says which role it takes.
        """
        if not self.may(least):
            above = "" if least == PersonRole.ADMIN else " and above"
            raise Forbidden(
                f"Only {least.value}s{above} may {what};"
                f" your role is {self.role.value}."
            )


SYSTEM = Actor(label="system", role=PersonRole.ADMIN, person_id=None)
