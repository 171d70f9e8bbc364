"""The page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from benchy.leaderboard.page.rendering import to_html
from benchy.leaderboard.ranking import rank
from benchy.record import RunRecord
from benchy.record.results import Flaws
from tests.browser import Browser, chromium  # noqa: F401 - a fixture
from tests.records import benchmark, make_record, make_run_folder, metric, publish_in, read_publication

EVIL = "org/<script>document.title='broken'</script>"


def make_page(folder: Path, records: list[RunRecord]) -> str:
    for record in records:
        publish_in(folder / "leaderboard", read_publication(make_run_folder(folder / "outputs", record), folder))
    return (folder / "leaderboard" / "leaderboard.html").as_uri()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three models in one table, one of them with an older run and one with a name that would like to be a script."""
    records = [
        make_record("org/alpha", {"arc": 0.95, "boolq": 0.95}, run_name="alpha-older", day=-1),
        make_record("org/alpha", {"arc": 0.9, "boolq": 0.3}, run_name="alpha"),
        make_record("org/beta", {"arc": 0.5, "boolq": 0.6}, run_name="beta"),
        make_record(EVIL, {"arc": 0.7, "boolq": 0.2}, run_name="evil"),
        make_record("org/alpha", {"arc": 0.1}, run_name="TEST_alpha", evaluation={"limit": 5}),
    ]
    return make_page(tmp_path_factory.mktemp("page"), records)


@pytest.fixture
def page(chromium: Browser, url: str) -> Browser:  # noqa: F811 - pytest's way
    chromium.look()
    chromium.open(url)
    return chromium


def models(page: Browser) -> list[str]:
    """Return the models that are shown in the first table, from above, by the last part of their names."""
    bodies = page.driver.find_elements(By.CSS_SELECTOR, "main > section:first-of-type tbody")
    names = [body.get_dom_attribute("data-model") or "" for body in bodies if body.is_displayed()]
    return ["evil" if "script" in name else name.removeprefix("org/") for name in names]


def more(page: Browser, model: str) -> WebElement:
    """Return the button that unfolds a model's details in the first table."""
    buttons = page.driver.find_elements(By.CSS_SELECTOR, "main > section:first-of-type .more")
    return next(button for button in buttons if button.text == model)


def is_on_top(page: Browser, element: WebElement) -> bool:
    """Whether a person sees the element's middle now."""
    script = """
        const box = arguments[0].getBoundingClientRect();
        const there = document.elementFromPoint(box.left + Math.min(box.width, 60) / 2, box.top + box.height / 2);
        return arguments[0].contains(there);
    """
    return bool(page.driver.execute_script(script, element))


def press(page: Browser, column: str, key: str | None = None) -> None:
    """Sort the first table by a column."""
    button = page.driver.find_element(By.XPATH, f"(//thead)[1]//button[span[text()='{column}']]")
    if key is None:
        button.click()
    else:
        button.send_keys(key)


def choose_column(page: Browser, name: str) -> None:
    """Tick, or take the tick from, a column of the first table."""
    menu = page.driver.find_element(By.CSS_SELECTOR, "main > section:first-of-type .columns details")
    if menu.get_dom_attribute("open") is None:
        menu.find_element(By.TAG_NAME, "summary").click()
    menu.find_element(By.XPATH, f".//label[text()='{name}']").click()


def test_the_page_asks_for_nothing_and_complains_of_nothing(page: Browser, url: str) -> None:
    assert page.requests() == [url]
    assert page.console_errors() == []
    assert page.driver.title == "Leaderboard"


def test_it_opens_in_the_order_of_the_ranking(page: Browser) -> None:
    assert models(page) == ["alpha", "beta", "evil"]


def test_a_click_sorts_and_another_turns_the_order(page: Browser) -> None:
    press(page, "arc")
    assert models(page) == ["alpha", "evil", "beta"]
    press(page, "arc")
    assert models(page) == ["beta", "evil", "alpha"]
    press(page, "Model")
    assert models(page)[-1] == "beta"


def test_a_score_that_may_mislead_has_a_mark_with_the_reason(chromium: Browser, tmp_path: Path) -> None:  # noqa: F811
    flawed = benchmark("arc", metric(0.5), flaws=Flaws(cut=3, leaked=1))
    record = make_record("org/alpha", benchmarks=(flawed, benchmark("boolq", metric(0.6))))
    chromium.look()
    chromium.open(make_page(tmp_path, [record]))
    marks = chromium.driver.find_elements(By.CSS_SELECTOR, "tbody td .flaw[role=img]")
    assert [(mark.text, mark.find_element(By.XPATH, "..").text[:6]) for mark in marks] == [("⚠", "0.5000")]
    reason = "in 3 of 1,000 documents an answer was cut at the limit of generated tokens"
    assert reason in (marks[0].accessible_name or "")
    more(chromium, "org/alpha").click()
    shown = chromium.driver.find_element(By.CSS_SELECTOR, "main > section:first-of-type tbody").text
    assert f"⚠ {reason}" in shown
    assert "⚠ in 1 of 1,000 documents a few-shot example holds the question itself" in shown


def test_what_has_no_value_stays_last(page: Browser) -> None:
    press(page, "Rank")
    assert models(page) == ["alpha", "beta", "evil"]
    press(page, "Rank")
    assert models(page) == ["evil", "beta", "alpha"]


def test_the_keyboard_sorts_and_the_order_is_told(page: Browser) -> None:
    press(page, "boolq", Keys.ENTER)
    assert models(page)[0] == "beta"
    sorted_by = page.driver.find_elements(By.CSS_SELECTOR, "[aria-sort]")
    assert [header.get_dom_attribute("aria-sort") for header in sorted_by] == ["descending"]
    assert sorted_by[0].text.startswith("boolq")


def test_the_filter_leaves_the_models_that_are_asked_for(page: Browser) -> None:
    field = page.driver.find_element(By.ID, "filter")
    field.send_keys("ALPHA")
    assert models(page) == ["alpha"]
    assert page.driver.find_element(By.ID, "shown").text == "2 of 4 models"
    field.clear()
    field.send_keys(" ")
    assert len(models(page)) == 3


def test_the_filter_takes_several_words_of_all_that_is_said_of_a_model(page: Browser) -> None:
    field = page.driver.find_element(By.ID, "filter")
    field.send_keys("float16 beta")
    assert models(page) == ["beta"]
    field.send_keys(" bfloat16")
    assert models(page) == []


def test_the_best_of_each_column_is_marked(page: Browser) -> None:
    best = page.driver.find_elements(By.CSS_SELECTOR, "main > section:first-of-type td.best")
    assert [cell.text.split()[0] for cell in best] == ["0.6000", "0.9000", "0.6000"]


def test_errors_and_columns_can_be_put_away(page: Browser) -> None:
    assert "±" in page.driver.find_element(By.CSS_SELECTOR, "td.number").text
    page.driver.find_element(By.ID, "errors").click()
    assert "±" not in page.driver.find_element(By.CSS_SELECTOR, "td.number").text
    choose_column(page, "arc")
    shown = [header.text.split("\n")[0] for header in page.driver.find_elements(By.CSS_SELECTOR, "thead th")[:6]]
    assert shown == ["Rank", "Model", "Mean", "", "boolq", "Parameters"]
    assert len(page.driver.find_elements(By.CSS_SELECTOR, "tbody td.number")) > 0


def test_an_address_shows_the_same_view_to_somebody_else(page: Browser) -> None:
    press(page, "arc")
    press(page, "arc")
    choose_column(page, "boolq")
    more(page, "org/beta").click()
    page.driver.find_element(By.ID, "errors").click()
    page.driver.find_element(By.ID, "filter").send_keys("org/")
    before, address = models(page), page.driver.current_url
    assert before == ["beta", "evil", "alpha"]
    page.open(address)
    assert models(page) == before
    assert page.driver.current_url == address
    assert page.driver.find_element(By.ID, "filter").get_property("value") == "org/"
    assert not page.driver.find_element(By.ID, "errors").is_selected()
    assert more(page, "org/beta").get_dom_attribute("aria-expanded") == "true"
    assert more(page, "org/alpha").get_dom_attribute("aria-expanded") == "false"
    header = page.driver.find_element(By.XPATH, "(//thead)[1]//button[span[text()='boolq']]")
    assert not header.is_displayed()
    assert page.console_errors() == []


@pytest.mark.parametrize(
    "wrong", ["sort=x.y.z", "hide=..", "open=nobody", "sort=table.99.ascending&filter=%00", "=&&="]
)
def test_an_address_that_says_nonsense_shows_the_page(page: Browser, url: str, wrong: str) -> None:
    page.open(f"{url}#{wrong}")
    assert page.console_errors() == []
    assert page.driver.title == "Leaderboard"


def test_a_name_unfolds_the_run_s_details(page: Browser) -> None:
    button = more(page, "org/beta")
    details = page.driver.find_element(By.ID, button.get_dom_attribute("aria-controls") or "")
    assert not details.is_displayed()
    button.click()
    assert "transformers 5.24.0" in details.text
    links = {link.text: link.get_dom_attribute("href") for link in details.find_elements(By.TAG_NAME, "a")}
    assert links["record"] == "records/beta/record.json"


def test_an_older_score_is_in_the_details_and_not_in_the_table(page: Browser) -> None:
    button = more(page, "org/alpha")
    button.click()
    details = page.driver.find_element(By.ID, button.get_dom_attribute("aria-controls") or "")
    assert "arc before\n0.9500 on 2026-10-31" in details.text
    links = {link.text: link.get_dom_attribute("href") for link in details.find_elements(By.TAG_NAME, "a")}
    assert links["0.9500"] == "records/alpha-older/record.json"


def test_the_links_of_a_run_lead_to_its_files(page: Browser) -> None:
    button = more(page, EVIL)
    button.click()
    details = page.driver.find_element(By.ID, button.get_dom_attribute("aria-controls") or "")
    details.find_element(By.TAG_NAME, "a").click()
    assert '"run_name": "evil"' in page.driver.page_source


def test_a_name_is_text(page: Browser) -> None:
    assert more(page, EVIL).text == EVIL


def test_a_test_is_shown_apart_without_a_rank(page: Browser) -> None:
    row = page.driver.find_element(By.CSS_SELECTOR, ".tests tbody[data-model='org/alpha']")
    assert row.find_element(By.CSS_SELECTOR, ".rank").text == "\N{EN DASH}"


def test_every_ranked_model_has_a_point_in_every_plot(page: Browser) -> None:
    plots = page.driver.find_elements(By.CSS_SELECTOR, "main > section:first-of-type figure")
    drawn = [
        [mark.get_dom_attribute("data-model") for mark in plot.find_elements(By.CLASS_NAME, "mark")] for plot in plots
    ]
    assert drawn == [["org/alpha", "org/beta", EVIL.lower()]] * 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_scrolling_sideways(page: Browser, scheme: str, tmp_path: Path) -> None:
    page.look(width=360, height=780, scheme=scheme)
    page.screenshot(tmp_path / f"phone-{scheme}.png")
    assert page.driver.execute_script("return document.documentElement.scrollWidth") <= 360  # less a scroll bar


def test_twelve_benchmarks_fit_on_a_printed_page(chromium: Browser, tmp_path: Path) -> None:  # noqa: F811
    names = ("arc_challenge", "hellaswag", "openbookqa", "truthfulqa_mc2", *(f"benchmark_{n}" for n in range(8)))
    records = [make_record(f"org/{n}", dict.fromkeys(names, n / 10), run_name=str(n)) for n in (1, 2)]
    chromium.look(width=1060, height=750)  # A4, turned, at 96 pixels an inch
    chromium.open(make_page(tmp_path, records))
    chromium.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    right = chromium.driver.execute_script("return document.querySelector('table').getBoundingClientRect().right")
    chromium.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    assert right <= 1060


def test_dark_is_dark(page: Browser) -> None:
    def brightness() -> int:
        color = page.driver.find_element(By.TAG_NAME, "body").value_of_css_property("background-color")
        return int(color.partition("(")[2].split(",")[0])

    light = brightness()
    page.look(scheme="dark")
    assert (light > 200, brightness() < 60) == (True, True)


def test_a_hundred_models_on_thirty_benchmarks_can_be_read(chromium: Browser, tmp_path: Path) -> None:  # noqa: F811
    names = [f"benchmark_{index}" for index in range(30)]
    parts = [
        tuple(benchmark(name, metric((7 * n + k) % 100 / 100)) for k, name in enumerate(names)) for n in range(100)
    ]
    records = [make_record(f"org/{n}", benchmarks=benchmarks, run_name=str(n)) for n, benchmarks in enumerate(parts)]
    file = tmp_path / "leaderboard.html"
    file.write_text(to_html(rank(records), records))
    chromium.open(file.as_uri())
    press(chromium, "benchmark_3")
    assert len(models(chromium)) == 100
    assert models(chromium)[0] == "28", "7 * 28 + 3 = 199"
    header = chromium.driver.find_element(By.XPATH, "(//thead)[1]//button[span[text()='benchmark_16']]")
    chromium.driver.execute_script("document.querySelector('.scroll').scrollTo(0, 1500)")
    chromium.driver.execute_script("arguments[0].scrollIntoView({block: 'nearest', inline: 'center'})", header)
    for seen in (header, chromium.driver.find_element(By.XPATH, "//thead//span[text()='Model']")):
        assert is_on_top(chromium, seen), "the header and the names stay where one can see them"
    buttons = chromium.driver.find_elements(By.CSS_SELECTOR, "tbody th .more")
    assert any(is_on_top(chromium, button) for button in buttons[20:60])
    assert chromium.console_errors() == []
