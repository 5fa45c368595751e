"""Tests of the page in Chromium, with models whose answers are known."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from keras_gallery.serving.config.auth_tokens import AuthTokens
from keras_gallery.serving.lifecycle.versions import ModelStatus, State, VersionStatus

from ..api.front_server import FrontServer
from ..config.test_auth_tokens import entry, written
from .chromium import Chromium, needs_chromium
from .page_models import EVIL, EVIL_CLASS, SLOW_CALLS, page_server

pytestmark = [needs_chromium, pytest.mark.long]


@pytest.fixture(scope="module")
def server() -> Iterator[FrontServer]:
    with page_server() as server:
        yield server


@pytest.fixture(scope="module")
def browser(server: FrontServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("profile")) as browser:
        browser.open(f"http://127.0.0.1:{server.rest_port}/")
        browser.until("document.querySelector('h2')")
        yield browser
        assert [each for each in browser.problems if "status of" not in each] == []  # the status of failed requests


def choose(browser: Chromium, model: str, signature: str) -> None:
    """Shows the panel of a signature."""
    browser.run(f"location.hash = '#/{quote(model, safe='')}'")
    browser.until(f"document.querySelector('h2')?.textContent === {json.dumps(model)}")
    browser.run(f"document.querySelector('[data-name={signature}]').click()")


def ask(browser: Chromium, model: str, signature: str, enter: str = "") -> str:
    """Shows the panel of a signature, runs `enter` (JavaScript), and returns the text of the answer."""
    choose(browser, model, signature)
    return send(browser, enter)


def send(browser: Chromium, enter: str = "") -> str:
    browser.run(f"{enter}; document.querySelector('form').requestSubmit()")
    browser.until("document.querySelector('.answers').ariaBusy === 'false'")
    return re.sub(r"\s*\d+\.\d ms in the browser", "", browser.run("document.querySelector('.answers').innerText"))


def entered(selector: str, value: str) -> str:
    """Returns JavaScript that enters a value into the form field."""
    field = f"document.querySelector({json.dumps(selector)})"
    return f"{field}.value = {json.dumps(value)}; {field}.dispatchEvent(new Event('input'))"


def test_names_are_text(browser: Chromium) -> None:
    answer = ask(browser, EVIL, "classify", "document.querySelector('form button').click()")  # Clear: a black picture
    assert answer.split("\n\n")[:2] == ["probabilities", "dark"]
    assert f"{EVIL_CLASS}\n0" in answer
    assert browser.run("document.querySelectorAll('img, main script').length") == 0
    assert browser.run("document.title") == "Keras Gallery"


def test_a_drawing_is_classified(browser: Chromium) -> None:
    """A stroke over the whole width makes the picture brighter than the empty one."""
    choose(browser, EVIL, "classify")
    browser.run("document.querySelector('form button').click()")
    canvas = "document.querySelector('canvas.draw')"
    browser.run(f"{canvas}.scrollIntoView({{block: 'center'}})")
    box = browser.run(f"{canvas}.getBoundingClientRect().toJSON()")
    for kind, share in (("mousePressed", 0.02), ("mouseMoved", 0.98), ("mouseReleased", 0.98)):
        x, y = box["x"] + share * box["width"], box["y"] + box["height"] / 2
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)
    found = re.search(re.escape(EVIL_CLASS) + r"\n(0\.\d+)", send(browser))
    assert found and 0.03 < float(found[1]) < 0.3


def test_noise_is_measured(browser: Chromium) -> None:
    answer = ask(browser, "autoencoder", "denoise", entered("input[type=range]", "0.35"))
    assert [caption for caption in ("sent", "denoised", "difference") if caption in answer.split("\n")]
    assert browser.run("document.querySelector('form output').textContent") == "0.35"
    found = re.search(r"PSNR to the picture without noise: (\d+\.\d) dB, sent (\d+\.\d) dB", answer)
    assert found and 5 < float(found[2]) < 20
    assert browser.run("document.querySelectorAll('.answers canvas').length") == 3


def test_a_code_is_changed_and_decoded(browser: Chromium) -> None:
    assert "1\n\n1\n\n2\n\n-2\n\n3\n\n0.5" in re.sub(r"\n+", "\n\n", ask(browser, "autoencoder", "encode"))
    browser.run("document.querySelector('.answers button').click()")
    browser.until("document.querySelector('[data-name=decode]').ariaSelected === 'true'")
    assert browser.run(
        "[...document.querySelectorAll('.sliders input')].map((each) => Number(each.value))"
    ) == pytest.approx([1, -2, 0.5], abs=0.02)
    send(browser, entered(".sliders input", "0.5"))
    pixel = "document.querySelector('.answers canvas').getContext('2d').getImageData(0, 0, 1, 1).data[0]"
    assert browser.run(pixel) == pytest.approx(127, abs=4)


def test_the_place_of_the_pointer_is_a_code(browser: Chromium) -> None:
    choose(browser, "objects", "decode")
    browser.run(
        "area = document.querySelector('.plane'); box = area.getBoundingClientRect();"
        "area.dispatchEvent(new PointerEvent('pointermove',"
        " {clientX: box.right - box.width / 4, clientY: box.top + box.height / 2}))"
    )
    browser.until("document.querySelector('.answers').ariaBusy === 'false'")
    values = browser.run("[...document.querySelectorAll('.sliders output')].map((each) => Number(each.textContent))")
    assert values == [pytest.approx(1.5, abs=0.05), pytest.approx(0, abs=0.05)]  # the plane is from -3 to 3


def test_boxes_are_over_the_picture(browser: Chromium) -> None:
    answer = ask(browser, "objects", "detect")
    assert answer.split("\n\n")[:2] == ["boxes", "1 object"] and EVIL_CLASS in answer
    assert browser.run("document.querySelectorAll('.answers section').length") == 1
    place = browser.run(
        "rectangle = document.querySelector('svg.boxes rect').getBoundingClientRect();"
        "picture = document.querySelector('.over-picture canvas').getBoundingClientRect();"
        "[(rectangle.left - picture.left) / picture.width, (rectangle.top - picture.top) / picture.height,"
        " rectangle.width / picture.width, rectangle.height / picture.height]"
    )
    assert place == pytest.approx([0.5, 0.5, 0.5, 0.5], abs=0.03)


def test_the_first_drawing_for_a_detector_is_smaller(browser: Chromium) -> None:
    brightness = (
        "canvas = document.querySelector('canvas.draw');"
        "canvas.getContext('2d').getImageData(0.28 * canvas.width, 0.25 * canvas.height, 1, 1).data[0]"
    )
    found = {}
    for signature in ("segment", "detect"):
        choose(browser, "objects", signature)
        found[signature] = browser.run(brightness)
    assert found == {"segment": 255, "detect": 0}


def test_a_mask_is_over_the_picture(browser: Chromium) -> None:
    """The left half is the first class and the right half the second one. The picture is black after Clear."""
    answer = ask(browser, "objects", "segment", "document.querySelector('form button').click()")
    assert "ground" in answer and EVIL_CLASS in answer and "over the picture" in answer
    pixels = (
        "[...document.querySelectorAll('.answers canvas')].map((canvas) => [0, 7].map((x) =>"
        " [...canvas.getContext('2d').getImageData(x, 0, 1, 1).data].slice(0, 3)))"
    )
    plain, over = browser.run(pixels)
    assert plain == [[31, 119, 180], [255, 127, 14]]
    assert over == [[pytest.approx(each / 2, abs=1) for each in colour] for colour in plain]


def test_the_card(browser: Chromium) -> None:
    choose(browser, "autoencoder", "denoise")
    text = browser.run("document.querySelector('article').innerText")
    for part in (f"A model with {EVIL}.", "z = f(x)", "Measured on test examples of digits", f"PCA: 0.02; {EVIL}: 1"):
        assert part in text
    titles = browser.run("[...document.querySelectorAll('svg.drawing title')].map((each) => each.textContent)")
    assert titles == [
        "image: InputLayer, 8 × 8 × 1",
        f"encoder/{EVIL}: Dense, 3, 9 parameters",
        "add: Add, 3",
    ]
    assert browser.run("document.querySelectorAll('svg.drawing path').length") == 3
    browser.run("document.querySelector('.shots').scrollIntoView()")
    browser.until("document.querySelector('.shots img').naturalWidth === 1")
    assert browser.run("document.querySelectorAll('.shots img')[1].getAttribute('src')") == ""
    assert browser.run("document.title") == "Keras Gallery"


@pytest.mark.parametrize("model, signature", [("numbers", "serving_default"), ("series", "forecast")])
def test_a_model_without_a_card_or_with_a_broken_one(browser: Chromium, model: str, signature: str) -> None:
    choose(browser, model, signature)
    assert browser.run("document.querySelectorAll('svg.drawing, .shots').length") == 0


def test_examples_by_seed(browser: Chromium) -> None:
    number = "document.querySelectorAll('form input')"
    ask(browser, "autoencoder", "generate", f"{number}[0].value = 3; {number}[1].value = 5")
    assert browser.run("document.querySelectorAll('.answers canvas').length") == 3


def test_a_score_and_its_threshold(browser: Chromium) -> None:
    answer = ask(browser, "autoencoder", "score")
    assert "0.75" in answer and "This example is unusual." in answer
    assert browser.run("document.querySelector('.answers svg').ariaLabel") == "score 0.75, threshold 0.5"


def test_a_picture_file(browser: Chromium) -> None:
    assert "PNG" in ask(browser, "files", "classify_png")


def test_a_series_is_continued(browser: Chromium) -> None:
    answer = ask(browser, "series", "forecast", entered("textarea", "time,load\nmon,1\ntue,2\nwed,3.5"))
    assert "load: 2 steps after 3 steps of history" in answer
    assert len(browser.run("document.querySelector('.line.forecast').getAttribute('points')").split()) == 3
    assert "Expected a number in line 2" in send(browser, entered("textarea", "1\nx"))


def test_a_panel_begins_with_the_example_of_the_card(browser: Chromium) -> None:
    text = "document.querySelector('form textarea').value"
    answer = "document.querySelector('.answers').innerText"
    choose(browser, "known series", "forecast")
    assert browser.run(text) == "1\n2.5\n4"
    browser.until(f"{answer}.includes('load: 2 steps after 3 steps of history')")
    choose(browser, "words", "nearest")
    assert browser.run(text) == f"{EVIL}\nking"
    browser.until(f"{answer}.includes('near king 0')")
    for model, signature in (("words", "translate"), ("series", "forecast")):  # the card has something else there
        choose(browser, model, signature)
        assert browser.run(text) == "" and browser.run(answer) == ""


def test_a_row_of_a_table(browser: Chromium) -> None:
    answer = ask(
        browser, "table", "regress_rows", f"{entered('input', '4')}; document.querySelector('select').value = 'large'"
    )
    assert answer.split() == ["prediction", "8"]


def test_words_and_their_neighbours(browser: Chromium) -> None:
    answer = ask(
        browser, "words", "nearest", f"{entered('textarea', 'king')}; document.querySelector('input').value = 2"
    )
    assert answer.split("\n\n")[:2] == ["names", "king"] and "near king 1\n0.5" in re.sub(r"\n+", "\n", answer)


def test_an_analogy(browser: Chromium) -> None:
    choose(browser, "words", "analogy")
    entries = "[...document.querySelectorAll('form textarea')]"
    assert browser.run(f"{entries}.map((each) => each.value)") == [EVIL, "king", ""]  # the card has two words
    answer = send(browser, f"{entries}.forEach((each, at) => {{ each.value = 'xyz'[at]; }})")
    assert answer.split("\n\n")[1] == "x, y, z" and "near y 0" in answer


def test_many_values_fit_into_the_panel(browser: Chromium) -> None:
    ask(browser, "many", "embed")
    columns = "[...document.querySelectorAll('.answers .column')]"
    heights = browser.run(f"{columns}.map((each) => Number(each.getAttribute('height')))")
    assert len(heights) == 100 and heights[20] == 0
    assert heights[99] / heights[0] == pytest.approx(79 / 20)
    assert browser.run(f"{columns}[99].parentElement.querySelector('title').textContent") == "100: 79"
    assert browser.run(f"{columns}.filter((each) => each.matches('.minus')).length") == 20
    answer = ask(browser, "many", "classify")
    assert answer.split("\n\n")[:2] == ["probabilities", "59"] and "and 20 less probable classes" in answer
    assert browser.run("document.querySelectorAll('.bars > div').length") == 40
    assert browser.run("bars = document.querySelector('.bars'); bars.scrollHeight <= bars.clientHeight")


def test_texts(browser: Chromium) -> None:
    assert ask(browser, "words", "translate", entered("textarea", "abc\nxy")).split() == ["text", "cba", "yx"]
    assert "Enter a text for text." in send(browser, entered("textarea", " "))


@pytest.mark.parametrize("signature", ["tag_text", "predict"])
def test_each_letter_has_its_tag(browser: Chromium, signature: str) -> None:
    """`predict` has only the probabilities of the named tags."""
    ask(browser, "tags", signature, entered("textarea", "ab\nx"))
    assert browser.run("document.querySelectorAll('.answers section').length") == 1
    found = browser.run(
        "[...document.querySelectorAll('.tags')].map((text) => [...text.children].map((each) =>"
        " [each.firstChild.textContent, each.querySelector('rt').textContent, each.title]))"
    )
    score = "score 0.75" if signature == "tag_text" else ""
    assert found == [[["a", EVIL_CLASS, score], ["b", "dark", score]], [["x", "dark", score]]]


def test_json_and_a_comparison_of_versions(browser: Chromium) -> None:
    assert "[[8,9]]" in ask(browser, "numbers", "serving_default", entered("textarea", "[[1, 2]]"))
    chooser = "[...document.querySelectorAll('form select')].at(-1)"
    # Only these have a signature with the same inputs.
    names = ["nothing", "broken, version 2", "numbers, version 1", "unused, version 2"]
    browser.until(
        f"[...{chooser}.options].map((each) => each.textContent).sort().join() === '{','.join(sorted(names))}'"
    )
    option = f"[...{chooser}.options].find((each) => each.textContent === 'numbers, version 1')"
    answer = send(browser, f"{chooser}.value = {option}.value; {chooser}.dispatchEvent(new Event('change'))")
    assert "[[8,9]]" in answer and "[[2,3]]" in answer
    assert "is not JSON" in send(browser, entered("textarea", "[["))


def test_a_slow_model_is_asked_only_for_the_newest_change(browser: Chromium) -> None:
    choose(browser, "slow", "serving_default")
    browser.until("document.querySelector('.answers').ariaBusy === 'false'")
    SLOW_CALLS.clear()
    moves = "".join(f"{entered('input[type=range]', value)};" for value in ("0.3", "0.6", "0.9", "1.2"))
    browser.run(moves)
    assert browser.run("document.querySelector('.answers').ariaBusy") == "true"
    browser.until("document.querySelector('.answers').ariaBusy === 'false'")
    assert [round(row[0], 1) for (row,) in SLOW_CALLS] == [0.3, 1.2]
    assert "1.2" in browser.run("document.querySelector('.answers').innerText")


@pytest.mark.parametrize("signature", ["serving_default", "constructor", "forecast"])
def test_sizes_that_no_form_field_can_have(browser: Chromium, signature: str) -> None:
    choose(browser, "huge", signature)
    assert browser.run("document.querySelector('form textarea').value") == "[]"
    assert browser.run("document.querySelectorAll('svg.drawing path').length") <= 30 * 16
    assert browser.run("document.querySelectorAll('.shots img').length") == 12


def test_a_model_that_the_page_cannot_show(browser: Chromium) -> None:
    browser.run("location.hash = '#/note'")
    browser.until("document.querySelector('main .error')?.textContent.startsWith('note: ')")
    choose(browser, "numbers", "serving_default")  # the others are shown


def test_a_failing_model(browser: Chromium) -> None:
    assert "no <b>memory</b>" in ask(browser, "broken", "serving_default")
    assert browser.run("document.querySelectorAll('.answers .error b').length") == 0


def test_the_programs_give_the_same_answer(browser: Chromium) -> None:
    ask(browser, "numbers", "serving_default", entered("textarea", "[[1, 2]]"))
    python, curl = (
        browser.run(f"document.querySelector('[data-code={each}]').textContent") for each in ("python", "curl")
    )
    done = subprocess.run([sys.executable, "-c", python], capture_output=True, text=True, timeout=60)
    assert "array([[8, 9]])" in done.stdout, done.stderr
    assert curl.startswith(
        'curl -d \'{"signature_name":"serving_default","inputs":{"x":[[1,2]]}}\' \'http://127.0.0.1:'
    )


def test_nothing_to_compare_with(browser: Chromium) -> None:
    choose(browser, "slow", "serving_default")
    browser.run("new Promise((resolve) => setTimeout(resolve, 300))")
    assert browser.run("[...document.querySelectorAll('form select')].at(-1).checkVisibility()") is False


def test_the_files_of_long_requests_take_no_memory(browser: Chromium) -> None:
    choose(browser, "numbers", "serving_default")
    browser.run(
        "files = new Map(); [make, revoke] = [URL.createObjectURL, URL.revokeObjectURL];"
        "URL.createObjectURL = (blob) => { const url = make(blob); files.set(url, blob); return url; };"
        "URL.revokeObjectURL = (url) => { files.delete(url); revoke(url); };"
    )
    for value in (1, 2):
        send(browser, entered("textarea", json.dumps([[value, 0]] * 5000)))
        browser.until("document.querySelector('a[download]')?.getAttribute('href').startsWith('blob:')")
        assert browser.run("[...files.keys()].join()") == browser.run("document.querySelector('a[download]').href")
        body = browser.run("[...files.values()][0].text().then(JSON.parse)")
        assert body["inputs"]["x"][0] == [value, 0]


def test_load_and_new_models(browser: Chromium, server: FrontServer) -> None:
    choose(browser, "numbers", "serving_default")
    browser.until("document.querySelector('.facts').innerText.includes('python')")
    choose(browser, "unused", "serving_default")
    browser.until("document.querySelector('.facts').innerText.includes('not used yet')")
    server.control.more = [ModelStatus("later", [VersionStatus(1, State.LOADING)])]
    browser.until("document.querySelector('nav').innerText.includes('later')")
    assert "loading" in browser.run("document.querySelector('nav').innerText")
    server.control.more = []


@pytest.mark.parametrize("width", [390, 800, 1300])
def test_nothing_is_wider_than_the_screen(browser: Chromium, width: int, tmp_path: Path) -> None:
    browser.screenshot(tmp_path / "first.png", width=width, dark=False)
    choose(browser, "words", "translate")  # the last model of the list
    ask(browser, "autoencoder", "denoise")
    for dark in (False, True):
        browser.screenshot(tmp_path / f"{width}.png", width=width, dark=dark)
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("graph = document.querySelector('.graph'); graph.scrollWidth <= graph.clientWidth")
    name = browser.run("document.querySelector('nav [aria-current]').getBoundingClientRect().toJSON()")
    assert name["left"] >= 0 and name["right"] <= width
    back = browser.run("getComputedStyle(document.body).backgroundColor")
    assert back == "rgb(15, 19, 24)"


def test_a_server_that_stops_is_reported(tmp_path: Path) -> None:
    with page_server() as server, Chromium(tmp_path) as browser:
        browser.open(f"http://127.0.0.1:{server.rest_port}/")
        browser.until("document.querySelector('h2')")
        server.stop()
        browser.until("document.querySelector('#state').textContent.startsWith('No answer from the server')")


def test_a_server_that_requires_a_token(tmp_path: Path) -> None:
    tokens = AuthTokens(written(tmp_path, entry()))
    tokens.read()
    with page_server(tokens=tokens) as server, Chromium(tmp_path / "profile") as browser:
        browser.call("Page.addScriptToEvaluateOnNewDocument", source="window.prompt = () => 'secret'")
        browser.open(f"http://127.0.0.1:{server.rest_port}/")
        browser.until("document.querySelector('h2')")
        assert "models" in browser.run("document.querySelector('#state').textContent")
