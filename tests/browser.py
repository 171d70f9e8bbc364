"""A real headless Chromium for tests of pages; import the fixture ``chromium`` into a test module."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

from tests.debian import NotInstallable, install_programs

PROGRAMS = ("chromium", "chromedriver")
PACKAGES = ("chromium", "chromium-driver")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-dev-shm-usage", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,900",
)  # fmt: skip


@dataclass(frozen=True)
class Browser:
    """A browser, and what it noticed."""

    driver: Chrome

    def open(self, url: str) -> None:
        """Go there, and forget what was noticed before."""
        self.driver.get("about:blank")
        self.console_errors()
        self.requests()
        self.driver.get(url)

    def console_errors(self) -> list[str]:
        """Return what the page's console showed as severe since the last call."""
        return [line["message"] for line in self._log("browser") if line["level"] == "SEVERE"]

    def requests(self) -> list[str]:
        """Return the URLs that pages asked for since the last call, their own included."""
        messages = [json.loads(line["message"])["message"] for line in self._log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        return [params["request"]["url"] for params in sent]

    def _log(self, kind: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log(kind)  # type: ignore[no-untyped-call]
        return entries

    def look(self, *, width: int = 1280, height: int = 900, scheme: str = "light") -> None:
        """Set the size of the window in CSS pixels, and whether the person wants light or dark."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        media: dict[str, Any] = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)

    def screenshot(self, path: Path) -> None:
        """Take a picture of the whole page, as long as it is."""
        picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True})
        path.write_bytes(base64.b64decode(picture["data"]))


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """One browser for all tests; installed through apt if that can be done, or else the tests are skipped."""
    _require_programs()
    options = ChromeOptions()
    options.binary_location = shutil.which(PROGRAMS[0]) or ""
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = Chrome(options, Service(shutil.which(PROGRAMS[1])))
    yield Browser(driver)
    driver.quit()


def _require_programs() -> None:
    try:
        install_programs(PROGRAMS, PACKAGES)
    except NotInstallable as reason:
        pytest.skip(f"no browser: {reason}")
