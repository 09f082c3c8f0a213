"""What a reader does, in each engine: the important part of what tests/browser tries in Chromium."""

import contextlib
import io
import time

import pytest
from pypdf import PdfReader

QUESTIONS = ["sheet-2/1b-latent-space.html", "sheet-2/2a-no-overlap.html", "sheet-2/3c-packing.html"]
OTHERS = ["index.html", "sheet-2/1-vae.html", "sheet-2/answers.html", "notation.html", "search.html?q=log%202"]
LABORATORIES = ["gan-laboratory.html", "vae-laboratory.html"]
PAGE = "sheet-2/2a-no-overlap.html"
FIRST = "return document.querySelector(arguments[0])?.href.includes(arguments[1])"
# a page in a frame is as wide as the frame, also where no window gets so narrow
FRAME = """const frame = document.createElement("iframe");
Object.assign(frame, { src: arguments[0], width: 1280, height: 800 });
document.body.replaceChildren(frame);
return new Promise((done) => { frame.onload = () => done(true); });"""
SIDEWAYS = """const frame = document.querySelector("iframe");
frame.width = arguments[0];
const { documentElement: root, defaultView: view } = frame.contentDocument;
return [view.innerWidth, root.scrollWidth - root.clientWidth];"""
WAIT = "return new Promise((done) => setTimeout(done, arguments[0]))"
# the line that is read, the first in the window or that of the given number, and how far down it is
READ = """const all = document.querySelectorAll("article :is(p, li, h2, h3)");
const lines = [...all].filter((line) => !line.closest("details"));
const at = arguments[0] ?? lines.findIndex((line) => line.getBoundingClientRect().top > 100);
return [at, lines[at].getBoundingClientRect().top];"""
OBSERVED = """addEventListener("copy", (event) => { window.copied = event.clipboardData.getData("text/plain"); });
getSelection().selectAllChildren(document.querySelector(arguments[0]));"""
# what the page hands to the clipboard, by either way to do so
CLIPBOARD = """const take = (text) => { window.copied = text; };
const clipboard = {
    writeText: async (text) => take(text),
    write: async ([item]) => take(await (await item.getType("text/plain")).text()),
};
Object.defineProperty(navigator, "clipboard", { value: clipboard });
addEventListener("copy", (event) => take(event.clipboardData.getData("text/plain")));
document.querySelector(arguments[0]).click();"""


def until(engine, script: str, *values):
    """What the script returns as soon as it is something; nothing after a while."""
    for _ in range(100):
        with contextlib.suppress(Exception):  # a page that is being left answers with an error
            if found := engine.run(script, *values):
                return found
        time.sleep(0.2)
    return None


@pytest.mark.parametrize("name", [*QUESTIONS, *OTHERS, *LABORATORIES, "api/index.html", "genindex.html"])
def test_nothing_scrolls_sideways(engine, site, name):
    engine.goto(f"{site}/robots.txt")  # the pages themselves forbid frames
    engine.run(FRAME, f"{site}/{name}")
    found = [engine.run(SIDEWAYS, width) for width in (320, 390, 1280)]
    assert found == [[320, 0], [390, 0], [1280, 0]]


def test_search_answers_by_keyboard_and_by_address(engine, site):
    engine.goto(f"{site}/{PAGE}")
    engine.press("Control+k")
    engine.write("mode collapse")
    assert until(engine, FIRST, "#search-dialog .search-results a", "3a-mode-collapse.html")
    engine.press("Enter")
    assert until(engine, "return location.pathname.includes('3a-mode-collapse') && document.readyState === 'complete'")
    engine.goto(f"{site}/search.html?q=posterior%20collapse")
    assert until(engine, FIRST, "#search-results a", "1c-constant-encoder.html")


def test_a_figure_to_play_with_reacts(engine, site):
    engine.goto(f"{site}/{PAGE}")
    engine.run("document.querySelector('.explorable').scrollIntoView()")
    values = "return [...document.querySelectorAll('.explorable dd[data-value]')].map(e => e.textContent).join()"
    before = until(engine, values)
    engine.run("document.querySelector('.explorable input[type=range]').focus()")
    engine.press("ArrowRight")
    assert before and until(
        engine, values.replace("return ", "const now = ") + "; return now !== arguments[0] && now", before
    )
    assert until(engine, "return location.hash.includes('overlap=')")


@pytest.mark.parametrize("name", LABORATORIES)
def test_a_laboratory_trains_also_from_disk(engine, html, name):
    engine.goto((html / name).as_uri())
    engine.run("document.querySelector('.explorable').scrollIntoView()")
    step = "return document.querySelector('.explorable dd[data-name=step]')?.dataset.value"
    assert until(engine, step) == "0"
    engine.run("document.querySelector('.explorable button').click()")  # Play
    assert until(engine, f"{step} > 0")


def test_a_formula_is_copied_as_its_tex_and_once(engine, site):
    engine.goto(f"{site}/{PAGE}")
    engine.run(OBSERVED, "#answer > p")
    engine.press("Control+c")
    copied = until(engine, "return window.copied") or ""
    assert "$p_{gen}(x)=0$" in copied and copied.count("p_{gen}(x)=0") == 1


def test_a_link_is_copied_as_its_address_alone(engine, site):
    engine.goto(f"{site}/{PAGE}")
    engine.run(CLIPBOARD, "#derivation h2 .copy-link")
    assert until(engine, "return window.copied") == f"{site}/2a.html#derivation"


def test_a_reload_keeps_the_place(engine, site):
    engine.goto(f"{site}/{PAGE}#evidence")
    engine.press("ArrowRight")  # a reader who does something: the place that was followed is let go
    engine.run("scrollTo({ top: arguments[0], behavior: 'instant' })", 6000)
    engine.run(WAIT, 3000)
    line, before = engine.run(READ, None)
    assert engine.run("return scrollY") > 3000
    engine.reload()
    engine.run(WAIT, 4000)  # longer than a followed place is held
    _, after = engine.run(READ, line)
    assert abs(after - before) < 100


def test_it_works_from_disk(engine, html):
    engine.goto((html / "search.html").as_uri() + "?q=mode%20collapse")
    assert until(engine, FIRST, "#search-results a", "3a-mode-collapse.html")
    engine.goto((html / PAGE).as_uri())
    engine.run("document.querySelector('.explorable').scrollIntoView()")
    assert until(engine, "return document.querySelector('.explorable dd[data-value]')?.textContent")


def test_the_answers_print_on_eight_sheets_and_none_is_empty(engine, site):
    if not engine.prints:
        pytest.skip(f"{engine.name}, cannot print")
    engine.goto(f"{site}/sheet-2/answers.html")
    letters = [len(sheet.extract_text().strip()) for sheet in PdfReader(io.BytesIO(engine.print())).pages]
    assert 4 <= len(letters) <= 8 and min(letters) > 100, letters
