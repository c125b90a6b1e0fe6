"""The pages in a real browser: from disk, by keyboard, as a screen reader has them, printed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Browser, chromium, lacking
from pages import all_pages

pytestmark = pytest.mark.skipif(bool(lacking()), reason=f"no {lacking()}")

KINDS = ("run", "network", "sweep")
LEAST_CONTRAST = 4.5
TAB, ENTER, SPACE, RIGHT = "\ue004", "\ue007", " ", "\ue014"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return all_pages(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One for all tests: it takes longer to start than to open a page."""
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


def focused(browser: Browser) -> str:
    return str(browser.run("const e = document.activeElement; return e.id || e.textContent.trim()"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_opens_from_disk_alone_and_fits_the_screen(
    browser: Browser, pages: dict[str, Path], kind: str, size: tuple[int, int]
) -> None:
    browser.open(pages[kind], size)
    assert browser.complaints() == []
    assert browser.requested() == {pages[kind].resolve().as_uri()}
    pictures = "return [...document.images].every((i) => i.complete && i.naturalWidth > 0)"
    assert browser.run(pictures)
    assert browser.run("return innerWidth") == size[0]
    whole = "const e = document.documentElement; return [e.scrollWidth, e.clientWidth]"
    wide, room = browser.run(whole)
    assert wide <= room
    browser.run("for (const e of document.querySelectorAll('details, .enlarge')) e.click?.()")
    browser.run("for (const e of document.querySelectorAll('details')) e.open = true")
    wide, room = browser.run(whole)  # with all tables open and all pictures at full size
    assert wide <= room


def test_policy_refuses_what_the_page_is_not_made_of(
    browser: Browser, pages: dict[str, Path], tmp_path: Path
) -> None:
    """So that the test above could fail: a picture from elsewhere, a script and a style put in."""
    foreign = (
        '<img src="http://x.example/p.png"><script>document.title = "run"</script>'
        '<b style="top: 0">x</b></body>'
    )
    page = tmp_path / "foreign.html"
    page.write_text(pages["network"].read_text().replace("</body>", foreign))
    browser.open(page)
    refused = [line for line in browser.complaints() if "Content Security Policy" in line]
    assert len(refused) == 3
    assert browser.run("return document.title") == "net.h5: Weft network"


@pytest.mark.parametrize("kind", KINDS)
def test_first_stop_is_the_skip_link_and_it_leads_to_the_content(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.open(pages[kind])
    browser.press(TAB)
    assert focused(browser) == "Skip to the content"
    box = browser.run("return document.activeElement.getBoundingClientRect().toJSON()")
    assert box["left"] >= 0 and box["top"] >= 0
    browser.press(ENTER)
    assert focused(browser) == "main"


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
def test_every_stop_shows_that_it_has_the_focus(
    browser: Browser, pages: dict[str, Path], size: tuple[int, int]
) -> None:
    browser.open(pages["sweep"], size)
    stops: list[str] = []
    outline = "return parseFloat(getComputedStyle(document.activeElement).outlineWidth)"
    while not stops or browser.run("return document.activeElement !== document.body"):
        browser.press(TAB)
        if browser.run("return document.activeElement !== document.body"):
            stops.append(focused(browser))
            assert browser.run(outline) >= 2, stops[-1]
        assert len(stops) < 100
    expected = browser.run(
        "return [...document.querySelectorAll('a, summary, button, [tabindex=\"0\"]')]"
        ".filter((e) => e.checkVisibility()).length"
    )
    assert len(stops) == expected > 20


def column(browser: Browser, title: str) -> list[str]:
    script = """
    const heads = [...document.querySelectorAll("table[data-sortable] thead th")];
    const place = heads.findIndex((head) => head.textContent === arguments[0]);
    const rows = [...document.querySelectorAll("table[data-sortable] tbody tr")];
    return rows.map((row) => row.cells[place].textContent);
    """
    return list(browser.run(script, title))


def sort_by(browser: Browser, title: str, key: str = ENTER) -> str:
    """The order that the heading then tells."""
    script = """
    const buttons = [...document.querySelectorAll("table[data-sortable] thead th button")];
    buttons.find((button) => button.textContent === arguments[0]).focus();
    """
    browser.run(script, title)
    browser.press(key)
    return str(browser.run("return document.activeElement.closest('th').ariaSort"))


def test_tables_sort_by_keyboard_and_say_so(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["sweep"])
    assert column(browser, "bits") == ["15.00", "13.00", "9.00", "7.00", "5.00", ""]
    assert sort_by(browser, "bits") == "ascending"
    assert column(browser, "bits") == ["5.00", "7.00", "9.00", "13.00", "15.00", ""]
    assert sort_by(browser, "group_size", SPACE) == "ascending"
    assert column(browser, "group_size") == ["2", "2", "4", "4", "10", "10"]  # as numbers
    assert sort_by(browser, "group_size") == "descending"
    assert column(browser, "group_size") == ["10", "10", "4", "4", "2", "2"]
    assert sort_by(browser, "point") == "ascending"
    assert sort_by(browser, "point") == "descending"
    assert column(browser, "bits")[2] == ""  # now in the middle, and yet last again below
    assert sort_by(browser, "bits") == "descending"
    assert column(browser, "bits") == ["15.00", "13.00", "9.00", "7.00", "5.00", ""]
    assert sort_by(browser, "state") == "ascending"
    assert column(browser, "state") == ["done"] * 5 + ["failed"]
    assert sort_by(browser, "test accuracy") == "descending"
    expected = ["0.6500", "0.6300", "0.5900", "0.5700", "0.5500", ""]
    assert column(browser, "test accuracy") == expected
    assert browser.run("return document.querySelectorAll('th[aria-sort]').length") == 1
    assert ("status", "") in browser.accessible()
    assert ("StaticText", "Sorted by test accuracy, descending") in browser.accessible()


def test_details_and_full_size_work_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.open(pages["run"], PHONE)
    for key in (ENTER, SPACE):
        browser.run("document.querySelector('summary').focus()")
        before = browser.run("return document.querySelector('details').open")
        browser.press(key)
        assert browser.run("return document.querySelector('details').open") != before
    browser.run("document.querySelector('.enlarge').focus()")
    browser.press(ENTER)
    assert browser.run("return document.activeElement.ariaPressed") == "true"
    browser.run("document.querySelector('.picture').focus()")
    assert browser.run("return document.activeElement.className") == "picture full"
    for _ in range(5):
        browser.press(RIGHT)
    assert browser.until("return document.activeElement.scrollLeft > 0")


def test_only_what_scrolls_is_a_stop(browser: Browser, pages: dict[str, Path]) -> None:
    scrolling = "e.scrollWidth > e.clientWidth"
    script = f"""
    const frames = [...document.querySelectorAll(".scroll")].filter((e) => e.clientWidth);
    return frames.map((e) => [{scrolling}, e.tabIndex === 0, e.role === "region"]);
    """
    for size in (DESKTOP, PHONE):
        browser.open(pages["sweep"], size)
        frames = browser.run(script)
        assert all(len(set(frame)) == 1 for frame in frames)
        assert any(frame[0] for frame in frames) and not all(frame[0] for frame in frames)


@pytest.mark.parametrize("kind", KINDS)
def test_screen_reader_finds_names_for_all(
    browser: Browser, pages: dict[str, Path], kind: str
) -> None:
    browser.open(pages[kind], PHONE)
    tree = browser.accessible()
    roles = [role for role, _ in tree]
    assert roles.count("main") == 1 and roles.count("banner") == 1
    assert roles.count("contentinfo") == 1
    assert ("navigation", "Contents") in tree
    named = {"image", "heading", "link", "button", "region", "table", "columnheader", "rowheader"}
    for role, name in tree:
        assert name or role not in named, role
    images = [name for role, name in tree if role == "image"]
    shown = browser.run("return document.images.length")
    assert len(images) == shown > 0 and all(len(name) > 40 for name in images)
    buttons = [name for role, name in tree if role == "button"]
    opened = [name for role, name in tree if role == "DisclosureTriangle"]
    assert len(buttons + opened) == len(set(buttons + opened)) > 0


CONTRASTS = """
const channel = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
const parse = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const color = parse(getComputedStyle(e).backgroundColor);
    if (color.length < 4 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
document.querySelectorAll("details").forEach((e) => { e.open = true; });
const found = {};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node; (node = walker.nextNode());) {
  const e = node.parentElement;
  if (!node.textContent.trim() || !e.checkVisibility() || e.matches("script, style")) continue;
  const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
  const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const name = `${e.tagName}.${e.className}`;
  found[name] = Math.min(found[name] ?? 99, ratio);
}
return [found, light(behind(document.body))];
"""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_text_stands_out_from_what_is_behind_it(
    browser: Browser, pages: dict[str, Path], kind: str, dark: bool
) -> None:
    browser.open(pages[kind], dark=dark)
    contrasts, ground = browser.run(CONTRASTS)
    assert (ground < 0.2) == dark
    assert len(contrasts) > 10
    assert {name: ratio for name, ratio in contrasts.items() if ratio < LEAST_CONTRAST} == {}


PRINTED = """
const right = document.documentElement.clientWidth + 1;
const out = [];
for (const e of document.querySelectorAll("main *, header *, footer *")) {
  const box = e.getBoundingClientRect();
  if (box.width && box.right > right) out.push(`${e.tagName}.${e.className} ${box.right}`);
}
return out;
"""
# What the page has of a sheet's width, in pixels: A4 less its margins, upright and across.
UPRIGHT, ACROSS = (210 - 28) * 96 / 25.4, (297 - 24) * 96 / 25.4


@pytest.mark.parametrize("kind", KINDS)
def test_prints_all_and_cuts_nothing(browser: Browser, pages: dict[str, Path], kind: str) -> None:
    browser.open(pages[kind])
    document = browser.pdf()
    assert document.startswith(b"%PDF") and len(re.findall(rb"/Type\s*/Page\b", document)) > 1
    boxes = re.findall(rb"/MediaBox \[([^]]*)\]", document)
    upright, across = (595, 842), (842, 595)
    expected = {upright, across} if kind == "sweep" else {upright}
    assert {tuple(round(float(side)) for side in box.split()[2:]) for box in boxes} == expected
    assert browser.run("return document.querySelectorAll('details[open]').length") == 0
    browser.command("Emulation.setEmulatedMedia", media="print")
    try:
        browser.run("for (const e of document.querySelectorAll('details')) e.open = true")
        wide = "document.querySelectorAll('.wide').forEach((e) => { e.hidden = arguments[0]; })"
        browser.resize(int(UPRIGHT), 900)
        browser.run(wide, True)
        assert browser.run(PRINTED) == []
        browser.resize(int(ACROSS), 700)
        browser.run(wide, False)
        assert browser.run(PRINTED) == []
        assert not browser.run("return document.querySelector('nav').checkVisibility()")
    finally:
        browser.command("Emulation.setEmulatedMedia", media="")
