import pytest

from experiments.actors import SYSTEM, Actor
from experiments.errors import Forbidden
from experiments.vocabulary import PersonRole

ORDER = ["viewer", "analyst", "editor", "approver", "admin"]  # weakest first


@pytest.mark.parametrize("role", PersonRole)
@pytest.mark.parametrize("least", PersonRole)
def test_require__each_pair_of_roles__follows_their_order(
    role: PersonRole, least: PersonRole
) -> None:
    actor = Actor("person:1", role, 1)
    enough = ORDER.index(role) >= ORDER.index(least)
    assert actor.may(least) == enough
    if enough:
        actor.require(least, "do it")
        return
    with pytest.raises(Forbidden) as refusal:
        actor.require(least, "do it")
    who = "admins" if least == PersonRole.ADMIN else f"{least}s and above"
    assert refusal.value.message == f"Only {who} may do it; your role is {role}."


def test_system__may_all_and_is_nobody() -> None:
    assert SYSTEM.may(PersonRole.ADMIN)
    assert SYSTEM.person_id is None
