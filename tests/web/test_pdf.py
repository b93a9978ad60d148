"""Pages as PDF: one sheet, nothing fetched, and words where none can be made."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pypdfium2
import pytest

from experiments.errors import TooManyRequests
from web import pdf

LONG = "Words that somebody wrote down at great length. " * 400
LETTER = (612, 792)  # points: 8.5 by 11 inches


def pages_of(made: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(made)
    try:
        return [page.get_textpage().get_text_bounded() for page in document]
    finally:
        document.close()


def document(text: str, more: str = "") -> str:
    return f"<!DOCTYPE html><html lang='en'><title>T</title>{more}<p>{text}</p></html>"


def test_make__long_and_short_parts__are_a_page_each_and_the_flowing_one_flows() -> (
    None
):
    parts = [
        pdf.Part(document("Beginning. " + LONG), fits=False),
        pdf.Part(document("Short."), fits=True),
        pdf.Part(document("Long. " + LONG[:9000]), fits=True),
    ]
    made = pdf.Maker().make(parts, "Letter")
    texts = pages_of(made)
    assert len(texts) > 3
    assert texts[0].startswith("Beginning.")
    assert texts[-2].strip() == "Short."
    assert texts[-1].startswith("Long.")
    shown = pypdfium2.PdfDocument(made)
    assert tuple(round(side) for side in shown[0].get_size()) == LETTER
    shown.close()


@contextmanager
def listening() -> Iterator[tuple[str, list[str]]]:
    """Stand for another machine, and note what is asked of it."""
    asked: list[str] = []

    class Notes(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Notes)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_make__page_names_things_elsewhere__fetches_none_of_them(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret.svg"
    secret.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="30">'
        '<text x="5" y="20">A secret of this machine</text></svg>'
    )
    with listening() as (there, asked):
        more = (
            f'<link rel="stylesheet" href="{there}/style.css">'
            f'<img src="{there}/picture.png"><img src="{secret.as_uri()}">'
            f'<style>@import url("{there}/import.css");'
            f'p {{ background: url("{there}/ground.png") }}</style>'
            f'<link rel="attachment" href="{secret.as_uri()}">'
        )
        made = pdf.Maker().make([pdf.Part(document("Here.", more), fits=True)], "A4")
        assert asked == []
    assert "secret" not in pages_of(made)[0]
    assert b"/EmbeddedFile" not in made


def test_make__same_page_again__is_given_from_memory() -> None:
    maker, part = pdf.Maker(), pdf.Part(document("Here."), fits=True)
    first = maker.make([part], "A4")
    maker._command = ["false"]  # noqa: SLF001  # nobody could make it now
    assert maker.make([part], "A4") is first
    with pytest.raises(pdf.NoPdf, match="Print this page instead"):
        maker.make([part], "Letter")


def test_make__takes_too_long__is_given_up_and_another_is_not_kept_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pdf, "MOST_SECONDS", 1.0)
    monkeypatch.setattr(pdf, "TURN_SECONDS", 0.0)
    maker = pdf.Maker(["sleep", "60"])
    part = pdf.Part(document("Here."), fits=True)
    refusals: list[Exception] = []

    def first() -> None:
        try:
            maker.make([part], "A4")
        except pdf.NoPdf as error:
            refusals.append(error)

    thread = threading.Thread(target=first)
    thread.start()
    while not maker._turn.locked():  # noqa: SLF001  # its turn has begun
        pass
    with pytest.raises(TooManyRequests, match="Another PDF is being made"):
        maker.make([part], "Letter")
    thread.join()
    assert "not ready after 1 second" in str(refusals[0])


def test_maker__library_absent__names_the_packages_in_words(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(pdf.LIBRARIES, "libpango-1.0-0", ("libabsent.so.9",))
    pdf.missing.cache_clear()
    try:
        maker = pdf.Maker()
        assert not maker.works
        with pytest.raises(pdf.NoPdf, match=r"can install: libpango-1\.0-0\.$"):
            maker.make([pdf.Part(document("Here."), fits=True)], "A4")
    finally:
        pdf.missing.cache_clear()


def test_check__weasyprint_cannot_load__names_the_packages_and_says_what_works(
    tmp_path: Path,
) -> None:
    # What WeasyPrint 70 does where Pango is absent: its import raises OSError.
    broken = tmp_path / "broken" / "weasyprint"
    broken.mkdir(parents=True)
    text = "raise OSError(\"cannot load library 'libpango-1.0-0'\")\n"
    (broken / "__init__.py").write_text(text)
    environ = {
        "PATH": "/usr/bin:/bin",
        "ABIDE_DATA_DIR": str(tmp_path / "data"),
        "PYTHONPATH": str(broken.parent),
    }
    abide = Path(sys.executable).with_name("abide")
    done = subprocess.run(  # noqa: S603  # our own command
        [abide, "check"], env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "Database: at migration None" in done.stderr
    assert "PDF: No PDF can be made on this server." in done.stderr
    assert (
        "libpango-1.0-0, libpangoft2-1.0-0, fontconfig, libharfbuzz-subset0"
        in done.stderr
    )
    assert "fonts-liberation" in done.stderr
