"""What can go wrong, each with a stable code; both doors turn these into answers."""

from collections.abc import Mapping
from typing import ClassVar


class AbideError(Exception):
    """A refusal that a person or program can act on.

    Args:
        message: one sentence, for people.
        fields: field name -> what is wrong with it, in words.
    """

    code: ClassVar[str] = "error"  # stable, for programs

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})


class InvalidInput(AbideError):  # noqa: N818  # the code says it is an error
    """Input that breaks a rule; names every field at fault."""

    code = "invalid_input"


class NotFound(AbideError):  # noqa: N818
    """Nothing of that name that the caller may see."""

    code = "not_found"


class Conflict(AbideError):  # noqa: N818
    """The request fits no longer, or not yet, the state of the thing."""

    code = "conflict"


class Unauthenticated(AbideError):  # noqa: N818
    """No valid key or session."""

    code = "unauthenticated"


class Forbidden(AbideError):  # noqa: N818
    """Known caller, but not allowed to do this."""

    code = "forbidden"


class TooLarge(AbideError):  # noqa: N818
    """The body is over its byte cap."""

    code = "too_large"


class TooManyRequests(AbideError):  # noqa: N818
    """Slow down: `retry_after` says for how many seconds."""

    code = "too_many_requests"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(AbideError):  # noqa: N818
    """A part Abide needs does not answer now; nothing was stored."""

    code = "unavailable"

    def __init__(self, message: str, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class SetsBehind(Unavailable):
    """Who was in an experiment's earlier phase is not known to all doors yet."""


class NotMigrated(Unavailable):
    """The database is empty or of an older version; the operator brings it up."""

    code = "not_migrated"

    def __init__(self) -> None:
        super().__init__(
            "The database is not of this version of Abide. Whoever runs it brings it up"
            " with: abide db upgrade",
            retry_after=60,
        )


class StorageFull(AbideError):  # noqa: N818
    """The disk is full; nothing was stored and nothing is damaged."""

    code = "storage_full"


class ConfigurationFault(AbideError):  # noqa: N818
    """A setting is missing or wrong, so Abide does not start."""

    code = "configuration"


class DatabaseAway(ConfigurationFault):
    """Nobody answers where the database should be, or not to this account."""
