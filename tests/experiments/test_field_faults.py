"""Keys of things: what no client or page could tell apart is refused."""

import pytest

from experiments.errors import InvalidInput
from experiments.field_faults import Faults, check_key


@pytest.mark.parametrize("key", ["__proto__", "constructor", "toString", "new", "a b"])
def test_key__that_would_be_taken_for_something_else__is_refused(key: str) -> None:
    faults = Faults()
    check_key(faults, "key", key)
    with pytest.raises(InvalidInput) as refused:
        faults.raise_if_any("Not stored.")
    assert list(refused.value.fields) == ["key"]


@pytest.mark.parametrize("key", ["prototype", "guided-set-up", "length", "A.b~c_1"])
def test_key__that_is_plain__is_taken(key: str) -> None:
    faults = Faults()
    check_key(faults, "key", key)
    faults.raise_if_any("Not stored.")
