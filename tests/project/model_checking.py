"""Runs Spin on the models of docs/models/ for the tests of this folder."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("CEDE_SOURCE", pathlib.Path(__file__).parents[2]))
MODELS = SOURCE / "docs" / "models"
ABSENT = [tool for tool in ("spin", "gcc") if shutil.which(tool) is None]


class Verdict:
    """What one exhaustive search came to."""

    def __init__(self, text):
        self.text = text
        found = re.search(r"errors: (\d+)", text)
        self.errors = int(found.group(1)) if found else None
        # A search that ran out of depth or memory has proved nothing.
        self.complete = "Search not completed" not in text and "too small" not in text


@unittest.skipIf(ABSENT, f"not installed: {', '.join(ABSENT)}")
class ModelTest(unittest.TestCase):
    """One model, and the two things to say about it."""

    model = None

    def search(self, *definitions):
        """Every interleaving of the model, under weak fairness of its processes."""
        with tempfile.TemporaryDirectory() as folder:
            command = ["spin", *(f"-D{d}" for d in definitions), "-run", "-a", "-f",
                       "-DNFAIR=3", "-m1000000", str(MODELS / self.model)]
            ran = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, check=False)
        verdict = Verdict(ran.stdout)
        self.assertIsNotNone(verdict.errors, f"Spin has not searched:\n{verdict.text}")
        return verdict

    def assert_holds(self, *definitions):
        verdict = self.search(*definitions)
        self.assertEqual(verdict.errors, 0, verdict.text)
        self.assertTrue(verdict.complete, verdict.text)

    def assert_found(self, error, *definitions):
        """A check that cannot fail checks nothing: the planted bug must be seen."""
        verdict = self.search(*definitions)
        self.assertGreater(verdict.errors, 0, f"{definitions} was not found:\n{verdict.text}")
        self.assertIn(error, verdict.text)
