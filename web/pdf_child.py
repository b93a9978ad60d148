"""Makes one PDF and ends: the process that `web.pdf` starts for it.

It is told what to print as JSON on standard input, and writes the PDF to standard
output. Nothing is fetched, from this machine or any other: pages bring all they show.
"""

import json
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weasyprint import Document

CANNOT_LOAD = 3  # exit code: WeasyPrint, or a library that it stands on, is absent
MEMORY_BYTES = 2 * 1024**3  # of addresses; a page takes about 300 MB
# A page that must fit one sheet is tried at these sizes of letters, in points, until it
# does; the last ones have no charts.
SIZES = (10.0, 9.4, 8.8, 8.2, 7.6)
WITHOUT_CHARTS = (8.6, 7.6, 6.6, 5.6)


def main(given: bytes) -> int:
    """Make a PDF.

    Args:
        given: JSON {"paper": "A4" or "Letter", "style": CSS, "parts": [{"html": a
            document, "fits": whether it must fit one page}]}.

    Returns:
        The exit code.
    """
    _limit_memory()
    try:
        import weasyprint  # noqa: F401, PLC0415  # loaded here, to say that it cannot
    except (ImportError, OSError) as error:
        sys.stderr.write(str(error))
        return CANNOT_LOAD
    sys.stdout.buffer.write(_pdf(json.loads(given)))
    return 0


def _pdf(asked: dict[str, Any]) -> bytes:
    style = asked["style"] + f"@page {{ size: {asked['paper']} }}"
    laid_out = [_lay_out(part, style) for part in asked["parts"]]
    pages = [page for document in laid_out for page in document.pages]
    made: bytes = laid_out[0].copy(pages).write_pdf()
    return made


def _lay_out(part: dict[str, Any], style: str) -> "Document":
    tries = [f"html {{ font-size: {size}pt }}" for size in SIZES]
    tries += [
        f"html {{ font-size: {size}pt }} .charts {{ display: none }}"
        for size in WITHOUT_CHARTS
    ]
    document = _document(part["html"], style + tries[0])
    for further in tries[1:]:
        if not part["fits"] or len(document.pages) == 1:
            break
        document = _document(part["html"], style + further)
    return document.copy(document.pages[:1]) if part["fits"] else document


def _document(html: str, style: str) -> "Document":
    from weasyprint import CSS, HTML  # noqa: PLC0415  # see above
    from weasyprint.text.fonts import FontConfiguration  # noqa: PLC0415  # see above
    from weasyprint.urls import URLFetcher  # noqa: PLC0415  # see above

    fetcher = URLFetcher(allowed_protocols=["data"], allow_redirects=False)
    fonts = FontConfiguration()
    css = CSS(string=style, url_fetcher=fetcher, font_config=fonts)
    page = HTML(string=html, url_fetcher=fetcher)
    return page.render(stylesheets=[css], font_config=fonts)


def _limit_memory() -> None:
    try:
        import resource  # noqa: PLC0415  # absent outside Unix
    except ImportError:
        return
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    wanted = MEMORY_BYTES if most == resource.RLIM_INFINITY else min(most, MEMORY_BYTES)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, most))


if __name__ == "__main__":
    sys.exit(main(sys.stdin.buffer.read()))
