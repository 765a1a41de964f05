"""The Dagster sample, loaded by Dagster, and run against a program that ends with each code."""

import os
import sys
import tempfile

folder = tempfile.mkdtemp()
os.environ.update(DAGSTER_HOME=folder, PATH=f"{folder}:{os.environ['PATH']}", DAGSTER_DISABLE_TELEMETRY="1")
with open(f"{folder}/descope-bulk", "w") as program:
    program.write('#!/bin/sh\n[ "$*" = "run --job /etc/descope-bulk/nightly.toml --resume" ] || exit 99\nexit "$CODE"\n')
os.chmod(f"{folder}/descope-bulk", 0o700)

import importlib.util

from dagster import Definitions, Failure, RetryRequested, build_op_context

spec = importlib.util.spec_from_file_location("sample", sys.argv[1])
sample = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sample)

Definitions.validate_loadable(sample.defs)
assert [own.cron_schedule for own in sample.defs.schedules] == ["15 2 * * *"]


def outcome(code):
    os.environ["CODE"] = str(code)
    try:
        sample.descope_bulk_run(build_op_context())
    except RetryRequested:
        return "again"
    except Failure as failure:
        return "again" if failure.allow_retries else "failed"
    return "done"


expected = {0: "done", 1: "failed", 2: "failed", 3: "again", 4: "failed", 70: "failed", 130: "again", 143: "again"}
found = {code: outcome(code) for code in expected}
assert found == expected, found
print("dagster: the definitions load, and each exit code has its outcome")
