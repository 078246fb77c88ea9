"""The documentation shows code that compiles, and names files that are there."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
COMPILED = ["tests/docs_snippets_test.cpp", "examples/echo_server.cpp"]


def lines_of(text):
    """Without indentation and spacing: a block may stand deeper where it compiles."""
    return [" ".join(line.split()) for line in text.strip().splitlines()]


def stands_in(block, lines):
    return any(lines[i:i + len(block)] == block for i in range(len(lines)))


class Docs(unittest.TestCase):
    def test_every_trap_names_tests_that_are_there(self):
        tests = set()
        for source in [*ROOT.glob("src/**/*_test.cpp"), *ROOT.glob("tests/*_test.cpp")]:
            tests |= {".".join(pair) for pair in
                      re.findall(r"^TEST(?:_[FP])?\((\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE)}
        named = re.findall(r"`(\w+\.\w+)`", (ROOT / "docs/traps.md").read_text())
        self.assertGreater(len(named), 40)
        self.assertEqual([name for name in named if name not in tests], [])

    def test_every_block_of_code_stands_where_it_is_compiled(self):
        sources = [lines_of((ROOT / name).read_text()) for name in COMPILED]
        count = 0
        for page in PAGES:
            for block in re.findall(r"^```cpp\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
                count += 1
                with self.subTest(page=page.name, block=block):
                    self.assertTrue(any(stands_in(lines_of(block), lines) for lines in sources))
        self.assertGreater(count, 15)

    def test_every_link_leads_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
                with self.subTest(page=page.name, target=target):
                    if not target.startswith(("http://", "https://")):
                        self.assertTrue((page.parent / target).exists())

    def test_every_file_that_is_named_is_there(self):
        pattern = r"`((?:src|include|tests|docs|examples|bench|tools|cmake)/[\w./-]+)`"
        for page in PAGES:
            for name in re.findall(pattern, page.read_text()):
                with self.subTest(page=page.name, name=name):
                    self.assertTrue((ROOT / name).exists())

    def test_lines_fit_a_screen(self):
        for page in PAGES:
            fenced = False
            for number, line in enumerate(page.read_text().splitlines(), start=1):
                fenced ^= line.startswith("```")
                if not fenced and not line.startswith("|") and "](" not in line:
                    with self.subTest(page=page.name, line=number):
                        self.assertLessEqual(len(line), 110)

    def test_the_readme_is_short(self):
        self.assertLess(len((ROOT / "README.md").read_text().splitlines()), 150)


if __name__ == "__main__":
    unittest.main()
