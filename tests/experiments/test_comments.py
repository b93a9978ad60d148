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
        ("a\x00b\ud800c\x07", "abc"),
        ("x" * 3000, "x" * MAX_COMMENT),
        (" \n ", ""),
    ],
)
def test_clean_comment__of_all_sorts__keeps_what_names_nobody(
    written: str, kept: str
) -> None:
    assert clean_comment(written, ("customer-17", None, "me")) == kept
