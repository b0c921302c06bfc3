"""A browser without a screen, driven over the WebDriver protocol; nothing beyond loopback."""

import base64
import json
import shutil
import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--hide-scrollbars",
]


class Browser:
    """One window of a browser."""

    def __init__(self, url):
        self._url = url
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"binary": CHROMIUM, "args": ARGUMENTS},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": 120_000, "pageLoad": 300_000},
        }
        answer = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._session = f"/session/{answer['sessionId']}"

    def _ask(self, method, path, content=None):
        body = json.dumps(content or {}).encode() if method == "POST" else None
        request = urllib.request.Request(self._url + path, body, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.urlopen(request, timeout=400) as answer:
            return json.load(answer)["value"]

    def open(self, page):
        self._ask("POST", f"{self._session}/url", {"url": Path(page).resolve().as_uri()})

    def run(self, script, *arguments):
        content = {"script": script, "args": list(arguments)}
        return self._ask("POST", f"{self._session}/execute/sync", content)

    def resize(self, width, height):
        """Show the page as on a screen of this size, narrower than a window can be."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        content = {"cmd": "Emulation.setDeviceMetricsOverride", "params": size}
        self._ask("POST", f"{self._session}/goog/cdp/execute", content)

    def press(self, selector, keys):
        """Type keys into what a selector finds."""
        found = self._ask(
            "POST",
            f"{self._session}/element",
            {"using": "css selector", "value": selector},
        )
        self._ask("POST", f"{self._session}/element/{found[ELEMENT]}/value", {"text": keys})

    def messages(self):
        """Warnings and errors of the console."""
        rows = self._ask("POST", f"{self._session}/se/log", {"type": "browser"})
        return [row["message"] for row in rows if row["level"] in ("WARNING", "SEVERE")]

    def shoot(self, path):
        shot = self._ask("GET", f"{self._session}/screenshot")
        path.write_bytes(base64.b64decode(shot))

    def close(self):
        self._ask("DELETE", self._session)


@contextmanager
def start_browser():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    driver = subprocess.Popen(
        [DRIVER, f"--port={port}", "--silent"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                time.sleep(0.1)
        browser = Browser(f"http://127.0.0.1:{port}")
        try:
            yield browser
        finally:
            browser.close()
    finally:
        driver.terminate()
        driver.wait(30)
