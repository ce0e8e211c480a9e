#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/protocol.md is what tools/protocol_doc.py makes of the code as it is now."""
import pathlib
import subprocess
import sys
import unittest

TOOL = pathlib.Path(__file__).resolve().parents[2] / "tools" / "protocol_doc.py"


class Protocol(unittest.TestCase):
    def test_page_is_current(self):
        run = subprocess.run([sys.executable, TOOL, "--check"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 0, run.stderr)


if __name__ == "__main__":
    unittest.main()
