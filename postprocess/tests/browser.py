"""A headless Chromium for the tests of the pages: what it loads, shows, says and prints."""

from __future__ import annotations

import base64
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DESKTOP, PHONE = (1280, 900), (360, 740)
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # tests may run as root
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PROGRAMS = ("chromium", "chromium-browser", "google-chrome")


def lacking() -> str:
    """What there is not, of what a browser test needs; empty: all is here."""
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "python3-selenium"
    if not any(map(shutil.which, PROGRAMS)):
        return "chromium"
    return "" if shutil.which("chromedriver") else "chromium-driver"


def _program(*names: str) -> str:
    return next(found for found in (shutil.which(name) for name in names) if found)


class Browser:
    def __init__(self, driver: Any) -> None:
        self.driver = driver

    def open(self, path: Path, size: tuple[int, int] = DESKTOP, dark: bool = False) -> None:
        self.resize(*size)
        scheme = "dark" if dark else "light"
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},  # no scrolling under the tests
        ]
        self.command("Emulation.setEmulatedMedia", features=features)
        for kind in ("browser", "performance"):
            self.driver.get_log(kind)  # reading empties it
        self.driver.get(path.resolve().as_uri())

    def resize(self, width: int, height: int) -> None:
        phone = width < 600
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.command("Emulation.setDeviceMetricsOverride", **metrics)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def until(self, script: str, seconds: float = 5.0) -> bool:
        """Whether the script comes to be true in this time: what a key does may take its course."""
        end = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def press(self, key: str) -> None:
        """To whatever has the focus."""
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(key).perform()

    def complaints(self) -> list[str]:
        """What the console says, refusals of the content policy with it."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requested(self) -> set[str]:
        """Addresses of everything that was asked for since the page was opened, but data in it."""
        found = set()
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.add(message["params"]["request"]["url"].partition("#")[0])
        return {address for address in found if not address.startswith("data:")}

    def accessible(self) -> list[tuple[str, str]]:
        """Role and name of every node of the accessibility tree that is not left out of it."""
        nodes = self.command("Accessibility.getFullAXTree")["nodes"]
        return [
            (node["role"]["value"], node.get("name", {}).get("value", ""))
            for node in nodes
            if not node["ignored"] and "role" in node
        ]

    def pdf(self) -> bytes:
        options = {"preferCSSPageSize": True, "printBackground": True}
        return base64.b64decode(self.command("Page.printToPDF", **options)["data"])

    def picture(self, path: Path, height: int | None = None) -> Path:
        """Of the whole page, or of its first so many pixels."""
        size = self.run("return [document.documentElement.clientWidth, document.body.scrollHeight]")
        clip = {"x": 0, "y": 0, "width": size[0], "height": height or size[1], "scale": 1}
        options = {"captureBeyondViewport": True, "clip": clip}
        found = self.command("Page.captureScreenshot", **options)["data"]
        path.write_bytes(base64.b64decode(found))
        return path


@contextmanager
def chromium(profile: Path) -> Iterator[Browser]:
    """profile: an empty directory of its own."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = _program(*PROGRAMS)
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(service=Service(_program("chromedriver")), options=options)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
