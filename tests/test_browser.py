"""The page in a real browser: with and without scripts, by keys alone, on a phone, and with a stranger's articles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from .effects import HALLORANS, LEAKED
from .served import served as serving
from .test_web import hostile  # noqa: F401 (a fixture)

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
AXE = Path(__file__).parents[1] / ".browser" / "node_modules" / "axe-core" / "axe.min.js"
QUIET = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking disable-component-update",
    "disable-sync hide-scrollbars disable-dev-shm-usage",
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM or not DRIVER, reason="no Chromium here; scripts/browser installs it"),
]


def browser(*, scripts=True):
    """A new browser."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    for argument in " ".join(QUIET).split():
        options.add_argument(f"--{argument}")
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options=options, service=Service(DRIVER))


@pytest.fixture(scope="module")
def served(sample_archive):
    with serving(sample_archive) as server:
        yield server


@pytest.fixture(scope="module")
def chrome():
    driver = browser()
    yield driver
    leave(driver)


def leave(driver):
    """Close the browser."""
    driver.quit()


@pytest.fixture
def page(chrome, served):
    """The browser, at a width of 1,400 pixels. Afterwards: nothing was logged, and nothing left for elsewhere."""
    chrome.set_window_size(1400, 900)
    chrome.get_log("performance")
    chrome.get_log("browser")
    yield chrome
    assert chrome.get_log("browser") == []
    left(chrome, served.address)


def left(chrome, address):
    """That no request went anywhere but to the server."""
    for entry in chrome.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            url = message["params"]["request"]["url"]
            assert url.startswith((address, "chrome", "data:,")), url


def find(chrome, selector):
    from selenium.webdriver.common.by import By

    return chrome.find_elements(By.CSS_SELECTOR, selector)


def until(chrome, condition):
    """Wait until it holds."""
    from selenium.webdriver.support.ui import WebDriverWait

    def holds(_):
        return chrome.execute_script("return document.readyState") == "complete" and condition()

    return WebDriverWait(chrome, 20).until(holds)


def press(chrome, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(chrome).send_keys(*keys).perform()


def asked(chrome):
    return {name: value[0] for name, value in parse_qs(urlsplit(chrome.current_url).query).items()}


def texts(chrome, selector):
    """What stands there, read at once: hits give way while one types."""
    script = "return [...document.querySelectorAll(arguments[0])].map(one => one.textContent)"
    return chrome.execute_script(script, selector)


def test_keys_alone_find_open_and_close_an_article(page, served):
    from selenium.webdriver.common.keys import Keys

    page.get(served.address)
    press(page, "/", "Halloran", Keys.ENTER)
    until(page, lambda: asked(page).get("q") == "Halloran")
    press(page, "j", "j", "k", "j", Keys.ENTER)
    until(page, lambda: "open" in asked(page))
    second = asked(page)["open"]
    assert find(page, ".hit")[1].get_attribute("class") == "hit open"
    press(page, "n")
    assert len(find(page, "#article mark.at")) == 1
    press(page, "j", "o")
    until(page, lambda: asked(page).get("open") not in (None, second))
    press(page, Keys.ESCAPE)
    until(page, lambda: "open" not in asked(page))
    press(page, "e")
    until(page, lambda: find(page, ".explain"))
    press(page, "?")
    assert find(page, "dialog[open]")
    page.back()
    page.back()
    until(page, lambda: "open" in asked(page))


def test_hits_come_as_one_types(page, served):
    page.get(f"{served.address}/?q=ferry")
    before = texts(page, ".hit h3")
    box = find(page, "#q")[0]
    box.clear()
    box.send_keys("Halloran")
    until(page, lambda: texts(page, ".hit h3") not in ([], before))
    until(page, lambda: "Halloran" in texts(page, ".hit mark"))
    assert asked(page) == {"q": "ferry"}  # what is asked of all is what the address says
    links = [parse_qs(urlsplit(one.get_attribute("href")).query)["open"][0] for one in find(page, ".hit h3 a")]
    assert links == HALLORANS
    box.send_keys(' "')  # half a query is no mistake
    box.submit()
    until(page, lambda: find(page, "#fault"))
    assert page.execute_script("return document.activeElement.id") == "q"
    (logged,) = page.get_log("browser")
    assert "400" in logged["message"]


def test_a_brush_over_the_timeline_sets_the_dates(page, served):
    from selenium.webdriver.common.action_chains import ActionChains

    page.get(f"{served.address}/?q=the&by=month")
    bars = find(page, ".timeline rect")
    first, last = bars[2], bars[5]
    days = [one.get_attribute("data-days").split() for one in (first, last)]
    ActionChains(page).move_to_element(first).click_and_hold().move_to_element(last).release().perform()
    until(page, lambda: "from" in asked(page))
    assert (asked(page)["from"], asked(page)["to"]) == (days[0][0], days[1][1])
    bar = next(one for one in find(page, ".timeline a rect"))
    start = bar.get_attribute("data-days").split()[0]
    bar.click()
    until(page, lambda: asked(page)["from"] == start)


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_it_fits_every_width(page, served, tmp_path_factory, width):
    page.set_window_size(width, 900)
    for name, address in (
        ("first", "/"),
        ("hits", "/?q=dam&explain=1"),
        ("article", f"/?q=dam&open={LEAKED}"),
        ("help", "/help/query"),
    ):
        page.get(served.address + address)
        wide = page.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
        assert wide[0] <= wide[1], (name, wide)
        page.save_screenshot(str(tmp_path_factory.getbasetemp() / f"page-{name}-{width}.png"))


@pytest.mark.skipif(not AXE.is_file(), reason="no axe-core here; scripts/browser installs it")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_it(page, served, scheme):
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    for address in (
        "/",
        "/?q=dam+-port&explain=1&copies=collapse",
        f"/?q=dam&open={LEAKED}",
        f"/?q=who+leaked+the+report&open={LEAKED}&related=background",
        "/help/query",
        "/help/collections",
        "/collections",
        "/?q=%22a",
        "/login",
    ):
        page.get(served.address + address)
        page.execute_script(AXE.read_text())
        found = page.execute_async_script("axe.run().then(arguments[0])")
        problems = [(one["id"], [node["html"][:200] for node in one["nodes"]]) for one in found["violations"]]
        assert problems == [], address
        assert found["passes"]
    page.get_log("browser")


def test_without_scripts_all_of_it_works(served):
    chrome = browser(scripts=False)
    try:
        chrome.get(served.address)
        box = find(chrome, "#q")[0]
        box.send_keys("Halloran")
        find(chrome, "form.query button")[0].click()
        until(chrome, lambda: asked(chrome).get("q") == "Halloran")
        first = find(chrome, ".hit h3 a")[0]
        name = parse_qs(urlsplit(first.get_attribute("href")).query)["open"][0]
        first.click()
        until(chrome, lambda: asked(chrome).get("open") == name)
        assert find(chrome, "#article .text p")
        find(chrome, ".facets a")[0].click()
        until(chrome, lambda: "source:" in asked(chrome)["q"])
        find(chrome, ".chips a")[-1].click()
        until(chrome, lambda: "source:" not in asked(chrome)["q"])
        find(chrome, ".timeline a")[0].click()
        until(chrome, lambda: "from" in asked(chrome))
        chrome.back()
        until(chrome, lambda: "from" not in asked(chrome))
    finally:
        leave(chrome)


def test_nothing_of_a_strangers_runs_or_leaves(chrome, hostile):  # noqa: F811
    with serving(hostile) as strangers:
        chrome.get_log("performance")
        chrome.get_log("browser")
        for address in ("/", "/?q=storm&explain=1", "/?q=storm&open=u", "/?q=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E"):
            chrome.get(strangers.address + address)
            for number in range(len(find(chrome, ".hit h3 a"))):
                chrome.get(strangers.address + address)
                find(chrome, ".hit h3 a")[number].click()
                until(chrome, lambda: find(chrome, "#article"))
        assert chrome.get_log("browser") == []
        left(chrome, strangers.address)
