"""What customers write is kept without what names people."""

import pytest

from experiments.comments import MAX_COMMENT, clean_comment


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("  Very kind.\r\nThank you!  ", "Very kind.\nThank you!"),
        ("Mail ada@example.com, please", "Mail [removed] please"),
        ("Call +49 170 1234567 or 0170/123-45-67", "Call [removed] or [removed]"),
        ("Card 4111 1111 1111 1111.", "Card [removed]."),
        ("Since 2026-03-14 it took 12345 s", "Since 2026-03-14 it took 12345 s"),
        ("I am customer-17 here", "I am [removed] here"),
        ("I am CUSTOMER-17's boss", "I am [removed]'s boss"),
        ("It's me, not some", "It's [removed], not some"),
        ("ada%40example.com or bob\uff20example.com", "[removed] or [removed]"),
        ("ada (at) example.com", "[removed]"),
        ("x" * 1980 + " ada@example-company.com", "x" * 1980 + " [removed]"),
        ("a\x00b\ud800c\x07", "abc"),
        ("x" * 3000, "x" * MAX_COMMENT),
        (" \n ", ""),
    ],
)
def test_clean_comment__of_all_sorts__keeps_what_names_nobody(
    written: str, kept: str
) -> None:
    assert clean_comment(written, ("customer-17", None, "me")) == kept


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("I am c-17, you know", "I am [removed], you know"),
        ("id:c-17 / (c-17)", "id:[removed] / ([removed])"),
        ("We are Ada & Sons. Thanks", "We are [removed]. Thanks"),
        ("c-177 is another", "c-177 is another"),
    ],
)
def test_clean_comment__of_whom_the_pseudonym_is_known__loses_the_id(
    written: str, kept: str
) -> None:
    assert clean_comment(written, is_own={"c-17", "Ada & Sons"}.__contains__) == kept
