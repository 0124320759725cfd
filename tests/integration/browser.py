"""A real browser, driven over WebDriver: Debian's chromium and chromium-driver. Standard library only.

It has a profile of its own and reaches nothing but this machine. Where it is not installed, the test is skipped; in CI that is a failure.
"""
import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import time

from lib import Skip

LIMIT_SECONDS = 60
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # https://www.w3.org/TR/webdriver2/#elements
# By a pipe, not a socket: for that the driver asks the resolver for "localhost", which a machine without /etc/hosts does not know.
OPTIONS = (
    "--remote-debugging-pipe", "--headless=new", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--disable-domain-reliability",
    "--disable-gpu", "--no-pings", "--disable-dev-shm-usage", "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost", "--window-size=1280,900", "--lang=en-GB",
)


def _program(names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    why = f"no {names[0]} (Debian's packages chromium and chromium-driver)"
    assert not os.environ.get("CI"), why
    raise Skip(why)


class Browser:
    """One window, with a fresh profile under CASE's directory. TIMEZONE: what the browser believes."""

    def __init__(self, case, timezone="Europe/Berlin"):
        chromium, driver = _program(["chromium", "chromium-browser", "google-chrome"]), _program(["chromedriver"])
        home = case.top / "browser"
        home.mkdir()
        self.log = open(home / "driver.log", "w+", encoding="utf-8")
        env = {**os.environ, "HOME": str(home), "TMPDIR": str(home), "TZ": timezone, "LANG": "C.UTF-8", "XDG_RUNTIME_DIR": str(home)}
        self.driver = subprocess.Popen([driver, "--port=0"], env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.session = None
        case.cleanups.append(self.close)
        self.port = self._find_port()
        options = [*OPTIONS, f"--user-data-dir={home / 'profile'}"]
        if os.geteuid() == 0:
            options.append("--no-sandbox")
        self.session = self._send("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "goog:chromeOptions": {"binary": chromium, "args": options},
            "goog:loggingPrefs": {"browser": "ALL"}, "timeouts": {"script": LIMIT_SECONDS * 1000, "pageLoad": LIMIT_SECONDS * 1000},
        }}})["sessionId"]

    def _find_port(self):
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline and self.driver.poll() is None:
            self.log.seek(0)
            found = re.search(r"started successfully on port (\d+)", self.log.read())
            if found:
                return int(found[1])
            time.sleep(0.05)
        raise AssertionError("chromedriver does not start")

    def _send(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2 * LIMIT_SECONDS)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise AssertionError(f"{method} {path}: {value['error']}: {value['message'][:1500]}")
        return value

    def command(self, method, path, body=None):
        return self._send(method, f"/session/{self.session}{path}", body)

    def close(self):
        try:
            if self.session:
                self.command("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()
            self.log.close()

    def go(self, url):
        self.command("POST", "/url", {"url": url})

    def reload(self):
        self.command("POST", "/refresh", {})

    def url(self):
        return self.command("GET", "/url")

    def run(self, script, *args):
        """What SCRIPT, a function's body in the page, returns; a promise is waited for."""
        return self.command("POST", "/execute/sync", {"script": script, "args": list(args)})

    def wait(self, script, *args):
        """Wait until SCRIPT returns something true, and return that."""
        deadline = time.monotonic() + LIMIT_SECONDS
        while time.monotonic() < deadline:
            value = self.run(script, *args)
            if value:
                return value
            time.sleep(0.05)
        raise AssertionError(f"this did not become true: {script} {args}\n{self.run('return document.body.innerText')[:3000]}")

    def find(self, selector):
        return self.command("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        """As a person does: what cannot be seen cannot be clicked."""
        self.command("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        self.command("POST", f"/element/{self.find(selector)}/value", {"text": text})

    def press(self, *keys):
        """Keys where the focus is. Special ones as WebDriver numbers them: U+E004 is Tab, U+E007 Enter."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.command("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": actions}]})

    def role(self, selector):
        """(role, name) as assistive technology is told."""
        element = self.find(selector)
        return (self.command("GET", f"/element/{element}/computedrole"), self.command("GET", f"/element/{element}/computedlabel"))

    def tools(self, command, **params):
        """A command of Chromium's DevTools protocol."""
        return self.command("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def scheme(self, name):
        """"light" or "dark"."""
        self.tools("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def size(self, width, height):
        self.tools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def console(self):
        """What the console got since the last call: errors, refused loads, violations of the policy."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.command("POST", "/se/log", {"type": "browser"})]

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.command("GET", "/screenshot")))
