"""What was typed into a page and is not saved yet: it is shown under its own address.

A button that only changes a page (one more row, a step, the duration worked out) puts
what was typed by and leads on, so that Back and Reload never ask to send it again.
"""

from urllib.parse import quote

from flask import redirect, request, session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from web.kept import MAX_KEPT

TYPED = "typed"  # in the address, and in the session
MOST = 8  # pages that Back can still show


def sent() -> MultiDict[str, str]:
    """Give what the page was sent, now or before it was led here; else nothing."""
    if request.method == "POST":
        return request.form
    entry = session.get(TYPED, {}).get(request.args.get(TYPED))
    if entry is None or entry[0] != request.path:
        return MultiDict()
    return MultiDict((name, value) for name, value in entry[1])


def put_by() -> str | None:
    """Keep what this request sent in the session.

    Returns:
        The address that shows it; None where it is too much to keep.
    """
    pairs = [
        [name, value]
        for name, value in request.form.items(multi=True)
        if name != "csrf_token"
    ]
    if sum(len(name) + len(value) for name, value in pairs) > MAX_KEPT:
        return None
    before = session.get(TYPED, {})
    number = str(1 + max((int(each) for each in before), default=0))
    newest = sorted(before, key=int)[1 - MOST :]
    session[TYPED] = {each: before[each] for each in newest} | {
        number: [request.path, pairs]
    }
    return f"{quote(request.path)}?{TYPED}={number}"


def lead_on(anchor: str = "") -> Response | None:
    """Lead to the page that shows what was typed.

    Args:
        anchor: id of what the button changed, to begin there.

    Returns:
        The way there; None where it is too much to keep.
    """
    address = put_by()
    if address is None:
        return None
    return redirect(f"{address}#{anchor}" if anchor else address, code=303)
