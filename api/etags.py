"""ETags: does the caller hold the answer already?"""


def holds(header: str, etag: str) -> bool:
    """Compare weakly: a proxy that compresses answers makes strong ETags weak.

    Args:
        header: If-None-Match as it came; "" when it did not.
        etag: of the answer.

    Returns:
        Whether one of those named is it.
    """
    if not header:
        return False
    given = [one.strip().removeprefix("W/") for one in header.split(",")]
    return etag in given or "*" in given
