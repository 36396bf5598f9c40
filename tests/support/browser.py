"""A headless Chromium that is driven by its keyboard, and axe, which judges whether a page can be used by everybody."""
import os
import shutil
import subprocess
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PICTURES = os.path.join(REPOSITORY, "build", "pictures")
AXE = "axe-core@4.14.1"


def is_installed():
    return shutil.which("chromium") and shutil.which("chromedriver")


def axe_script():
    """The text of axe; None without npm. It stays under build/."""
    kept = os.path.join(REPOSITORY, "build", "axe")
    script = os.path.join(kept, "package", "axe.min.js")
    if not os.path.exists(script):
        if not shutil.which("npm"):
            return None
        os.makedirs(kept, exist_ok=True)
        packed = subprocess.run(["npm", "pack", "--silent", AXE], cwd=kept, capture_output=True, text=True)
        if packed.returncode != 0:
            return None
        shutil.unpack_archive(os.path.join(kept, packed.stdout.split()[-1]), kept)
    with open(script) as file:
        return file.read()


class Browser:
    """driver is Selenium's; what is here are the words of our tests. arguments: further ones for Chromium."""

    def __init__(self, width=1280, height=900, arguments=()):
        self._folder = tempfile.mkdtemp(prefix="larder-browser-")
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={self._folder}",
            f"--window-size={width},{height}",
            *arguments,
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)

    def show(self, address):
        self.driver.get(address)

    def text(self, identity):
        return self.driver.execute_script("return document.getElementById(arguments[0]).innerText", identity)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def resize(self, width, height):
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    def tab_to(self, identity, presses_max=80):
        """Presses Tab until that element has the focus, as somebody without a mouse would."""
        self.run("document.activeElement.blur(); getSelection().removeAllRanges(); window.scrollTo(0, 0)")
        for _ in range(presses_max):
            self.press(Keys.TAB)
            focused = "const at = document.activeElement; return at.id || at.name + '=' + at.value"
            if self.run(focused) == identity:
                return
        raise AssertionError(f"{presses_max} presses of Tab do not lead to {identity}")

    def errors(self):
        """What the console has said since the last call: warnings and errors."""
        return [entry for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def addresses(self):
        """What the page has loaded."""
        return self.run("return performance.getEntriesByType('resource').map(entry => entry.name)")

    def picture(self, name):
        """Kept as an output of the tests."""
        os.makedirs(PICTURES, exist_ok=True)
        self.driver.save_screenshot(os.path.join(PICTURES, name + ".png"))

    def faults(self, script):
        """What axe finds serious or critical."""
        self.driver.execute_script(script + "; window.axe = axe")
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run().then(result => done(result.violations))"
        )
        return [
            (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]])
            for one in found
            if one["impact"] in ("serious", "critical")
        ]

    def stop(self):
        self.driver.quit()
        shutil.rmtree(self._folder, ignore_errors=True)
