"""Support for tests: Chromium, driven by its chromedriver over HTTP (W3C WebDriver)."""

import base64
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

DRIVER = shutil.which("chromedriver")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needed = pytest.mark.skipif(not (DRIVER and CHROMIUM), reason="no Chromium: sudo make services")
ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--mute-audio",
)


class Browser:
    """A browser with one page; ``url`` is that of its session at the driver."""

    def __init__(self, url: str) -> None:
        self.url = url

    def send(self, command: str, **values: Any) -> Any:
        answer = requests.post(f"{self.url}/{command}", json=values, timeout=60).json()["value"]
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return answer

    def open(self, page: Path, width: int, height: int = 900, dark: bool = False) -> None:
        """Open a file in a window of that size, as a phone does where it is narrow."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.devtools("Emulation.setEmulatedMedia", features=[scheme])
        self.send("url", url=page.as_uri())

    def devtools(self, command: str, **values: Any) -> Any:
        return self.send("goog/cdp/execute", cmd=command, params=values)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a script returns; it may wait (``await``)."""
        body = f"const a = [...arguments]; (async () => {{ {script} }})().then(a.at(-1))"
        return self.send("execute/async", script=body, args=list(arguments))

    def click(self, selector: str, place: int, x: float = 0.5) -> None:
        """Click on an element, at a part of its width, as a person does."""
        found = """const one = document.querySelectorAll(a[0])[a[1]];
        one.scrollIntoView({block: "center"});
        await new Promise(requestAnimationFrame);
        const box = one.getBoundingClientRect();
        return [box.left + a[2] * box.width, box.top + box.height / 2];"""
        left, top = self.run(found, selector, place, x)
        for kind in ("mousePressed", "mouseReleased"):
            at = {"x": left, "y": top, "button": "left", "clickCount": 1}
            self.devtools("Input.dispatchMouseEvent", type=kind, **at)

    def press(self, key: str) -> None:
        text = key if len(key) == 1 else ""
        for kind, typed in (("keyDown", text), ("keyUp", "")):
            self.devtools("Input.dispatchKeyEvent", type=kind, key=key, text=typed)

    def log(self) -> list[str]:
        """What the browser complained about since the last call: errors, blocked requests."""
        return [entry["message"] for entry in self.send("se/log", type="browser")]

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.devtools("Page.captureScreenshot")["data"]))


@contextmanager
def started() -> Iterator[Browser]:
    """A browser that ends with the block."""
    driver = subprocess.Popen([str(DRIVER), "--port=0"], stdout=subprocess.PIPE, text=True)
    try:
        assert driver.stdout
        port = next(
            found.group(1)
            for line in driver.stdout
            if (found := re.search(r"on port (\d+)\.", line))
        )
        options = {"binary": CHROMIUM, "args": ARGUMENTS}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        session = requests.post(
            f"http://localhost:{port}/session",
            json={"capabilities": {"alwaysMatch": wanted}},
            timeout=60,
        ).json()["value"]
        browser = Browser(f"http://localhost:{port}/session/{session['sessionId']}")
        yield browser
        requests.delete(browser.url, timeout=60)
    finally:
        driver.terminate()
        driver.wait()
