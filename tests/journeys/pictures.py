"""`make screenshots`: the pictures of README and docs, taken from the demo company.

They are taken from what DATA_DIR holds, so the same demo gives the same pictures.
"""

import shutil
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from abide import create_flask_app
from analysis import demo
from experiments.context import open_context
from tests.journeys.site import running_site

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
WIDE, HIGH, LARGEST = 1120, 760, 150_000  # pixels, and bytes of a picture
PICTURES = {
    "summary": "/experiments/guided-set-up/summary",
    "results": "/experiments/guided-set-up/results",
    "experiment": "/experiments/first-week-checklist",
    "home": "/",
}


def main() -> int:
    """Take all pictures; say what is missing where none can be taken."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        return _refused("chromium is not installed: make tools")
    context = open_context()
    if not demo.is_filled(context):
        return _refused("The demo company is not there yet: make run, wait, try again.")
    app = create_flask_app(context)
    with running_site(app, context) as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
        )
        page = browser.new_page(
            viewport={"width": WIDE, "height": HIGH}, color_scheme="light"
        )
        page.goto(site.link())
        page.click("main button")
        page.wait_for_load_state()  # the first time it asks to choose a password
        too_large = [
            name
            for name, path in PICTURES.items()
            if not _take(page, site.url + path, IMAGES / f"{name}.png")
        ]
        browser.close()
    context.close()
    if too_large:
        return _refused(f"Larger than {LARGEST:,} bytes: {', '.join(too_large)}.")
    return 0


def _take(page: Page, address: str, file: Path) -> bool:
    """Take one picture; tell whether it is small enough for a README."""
    answer = page.goto(address)
    if answer is None or not answer.ok:
        raise RuntimeError(f"{address} gave no page")
    page.screenshot(path=file, animations="disabled")
    return file.stat().st_size <= LARGEST


def _refused(words: str) -> int:
    print(words, file=sys.stderr)  # noqa: T201  # for whoever asked
    return 1


if __name__ == "__main__":
    sys.exit(main())
