"""report.html in a real browser: it draws everything, asks nobody for anything, and fits a phone."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import report_sample

PROGRAM = os.environ["CEDE_PROGRAM"]
BROWSER = shutil.which("chromium")
PATIENCE = 90.0  # seconds; ends a browser that hangs
PHONE, DESK = (390, 844), (1600, 1000)

# A browser's window has a least width above that of a phone; a frame in it has not. What the page
# has found out about itself is copied out, and the console is the same.
FRAME = """<!DOCTYPE html><html><body><iframe width="{}" height="{}" style="border:0" src="{}"></iframe>
<script>
const frame = document.querySelector("iframe");
const copy = () => {{
  const found = frame.contentDocument.documentElement.dataset;
  if (!found.seen) return requestAnimationFrame(copy);
  Object.assign(document.documentElement.dataset, found);
}};
frame.addEventListener("load", copy);
</script></body></html>
"""

QUIET = (
    "--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-extensions",
    "--enable-logging=stderr", "--allow-file-access-from-files",
    "--hide-scrollbars", "--virtual-time-budget=10000", "--dump-dom",
)  # fmt: skip


class Visit:
    """A page as the browser saw it: its elements after the scripts, its console, its requests."""

    def __init__(self, page, folder, size, fragment=""):
        profile = tempfile.mkdtemp(dir=folder)
        log = pathlib.Path(profile) / "net.json"
        command = [
            BROWSER, *QUIET, f"--user-data-dir={profile}", f"--log-net-log={log}",
            f"--window-size={size[0]},{size[1]}", *(["--no-sandbox"] if os.geteuid() == 0 else []),
            f"{page.as_uri()}#{fragment}",
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items()
                       if not name.endswith("SAN_OPTIONS")}  # fmt: skip
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE,
            check=True, env=environment)  # fmt: skip
        self.dom = done.stdout
        self.console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
        self.requests = list(self._requests(json.loads(log.read_text())))

    @staticmethod
    def _requests(log):
        """Addresses that the page asked for; the browser's own requests have no origin."""
        started = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
        for event in log["events"]:
            asked = event.get("params", {})
            if event["type"] != started or asked.get("initiator") == "not an origin":
                continue
            if not asked.get("url", "file:").startswith(("file:", "data:", "chrome")):
                yield asked["url"]

    def number(self, name):
        return int(re.search(rf'<html[^>]* data-{name}="(\d+)"', self.dom).group(1))


@unittest.skipUnless(BROWSER, "no chromium: './dev setup' installs it")
class ReportPage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cede-page-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        sample = cls.folder / "sample.json"
        sample.write_text(json.dumps(report_sample.sample()))
        subprocess.run(
            [PROGRAM, "report", str(sample), "--out", str(cls.folder)], check=True,
            stdout=subprocess.DEVNULL, timeout=PATIENCE)  # fmt: skip
        cls.page = cls.folder / "report.html"

    def visit(self, size, fragment):
        return Visit(self.page, self.folder, size, fragment)

    def visit_by_phone(self, page, fragment):
        frame = self.folder / f"phone-{page.name}"
        frame.write_text(FRAME.format(*PHONE, f"{page.name}#{fragment}"))
        return Visit(frame, self.folder, DESK)

    def assert_clean(self, visit):
        self.assertEqual(visit.console, [])
        self.assertEqual(visit.requests, [])
        self.assertGreater(visit.number("canvases"), 20)
        self.assertEqual(visit.number("drawn"), visit.number("canvases"))

    def test_on_a_desk_everything_is_drawn_and_nothing_is_asked_for(self):
        self.assert_clean(self.visit(DESK, "examine,light"))

    def test_on_a_phone_in_the_dark_nothing_is_wider_than_the_screen(self):
        visit = self.visit_by_phone(self.page, "examine,dark")
        self.assert_clean(visit)
        self.assertEqual(visit.number("seen"), PHONE[0])
        self.assertLessEqual(visit.number("wide"), visit.number("seen"))

    def test_what_is_wider_than_a_phone_would_be_noticed(self):
        page = self.folder / "wide.html"
        wide = '<main><div style="width: 600px">wide</div>'
        page.write_text(self.page.read_text().replace("<main>", wide))
        visit = self.visit_by_phone(page, "examine")
        self.assertGreater(visit.number("wide"), visit.number("seen"))

    def test_hostile_texts_stay_texts(self):
        visit = self.visit(DESK, "examine")
        self.assertNotIn("<img", visit.dom)
        self.assertEqual(visit.dom.count("<script"), 3)

    def test_a_page_that_asks_and_complains_would_be_noticed(self):
        page = self.folder / "leaky.html"
        page.write_text('<script>console.error("oh")</script><img src="http://127.0.0.1:9/x.png">')
        visit = Visit(page, self.folder, DESK)
        self.assertTrue(any('"oh"' in line for line in visit.console))
        self.assertEqual(visit.requests, ["http://127.0.0.1:9/x.png"])

    def test_the_policy_of_the_page_stops_a_request(self):
        page = self.folder / "injected.html"
        image = '<img src="http://127.0.0.1:9/x.png">'
        page.write_text(self.page.read_text().replace("<main>", f"<main>{image}"))
        visit = Visit(page, self.folder, DESK)
        self.assertEqual(visit.requests, [])


class ReportVerb(unittest.TestCase):
    """`cede report` with what is not a report."""

    def refused(self, text, *arguments):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "x.json"
            if text is not None:
                file.write_text(text)
            done = subprocess.run(
                [PROGRAM, "report", str(file), "--out", folder, *arguments], text=True,
                capture_output=True, check=False, timeout=PATIENCE)  # fmt: skip
            self.assertFalse((pathlib.Path(folder) / "report.html").exists())
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.returncode, done.stderr

    def test_bad_files_are_refused_in_one_line(self):
        for text, words in (
            (None, "No such file or directory"),
            ("", "it is not JSON"),
            ("{}", "this is not a report.json of 'cede compare'"),
            ('{"schema": 99}', "its schema is 99, this program reads schema 1"),
            ('{"schema": 1, "kinds": 5}', "kinds is number, where a list belongs"),
        ):
            with self.subTest(text=text):
                code, line = self.refused(text)
                self.assertEqual(code, 1)
                self.assertIn(words, line)

    def test_what_cannot_be_meant_is_refused_in_one_line(self):
        code, line = self.refused("{}", "one-more")
        self.assertEqual(code, 2)
        self.assertIn("one word too many", line)

    def test_a_missing_file_name_is_asked_for(self):
        done = subprocess.run([PROGRAM, "report"], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no file given", done.stderr)


if __name__ == "__main__":
    unittest.main()
