"""Light, dark, or as the device: a person's choice, kept in a cookie of its own."""

from typing import Final

from flask import Response, request

COOKIE = "abide-theme"
THEMES: Final = frozenset({"light", "dark"})
ONE_YEAR = 365 * 24 * 3600  # seconds


def chosen() -> str | None:
    """Give "light" or "dark"; None when the device decides."""
    value = request.cookies.get(COOKIE)
    return value if value in THEMES else None


def choose(answer: Response, theme: str | None, *, https: bool) -> None:
    """Write the choice to the browser; anything but light and dark forgets it."""
    if theme in THEMES:
        answer.set_cookie(
            COOKIE,
            theme,
            max_age=ONE_YEAR,
            secure=https,
            httponly=True,
            samesite="Lax",
        )
    else:
        answer.delete_cookie(COOKIE, secure=https, httponly=True, samesite="Lax")
