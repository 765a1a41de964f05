"""What the samples of Airflow and Dagster are checked with: a program that ends with each code, and what becomes of it."""

import os
import tempfile
from pathlib import Path

# Whether a run is done, failed for good, or is to be started again, by its exit code.
EXPECTED = {
    0: "done",
    1: "failed",
    2: "failed",
    3: "again",
    4: "failed",
    6: "failed",
    70: "failed",
    130: "again",
    143: "again",
}


def fake_program():
    """Puts a program in front of all others that takes the samples' command line and ends with $CODE; its folder."""
    folder = tempfile.mkdtemp()
    program = Path(folder, "descope-bulk")
    program.write_text('#!/bin/sh\n[ "$*" = "run --job /etc/descope-bulk/nightly.toml --resume" ] || exit 99\nexit "$CODE"\n')
    program.chmod(0o700)
    os.environ["PATH"] = f"{folder}:{os.environ['PATH']}"
    return folder


def check(outcome):
    """Each code has its outcome."""
    found = {}
    for code in EXPECTED:
        os.environ["CODE"] = str(code)
        found[code] = outcome()
    assert found == EXPECTED, found
