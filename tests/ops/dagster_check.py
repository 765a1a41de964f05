"""The Dagster sample, loaded by Dagster, and run against a program that ends with each code."""

import importlib.util
import os
import sys

from codes import check, fake_program

os.environ.update(DAGSTER_HOME=fake_program(), DAGSTER_DISABLE_TELEMETRY="1")

from dagster import Definitions, Failure, RetryRequested, build_op_context

spec = importlib.util.spec_from_file_location("sample", sys.argv[1])
sample = importlib.util.module_from_spec(spec)
spec.loader.exec_module(sample)

Definitions.validate_loadable(sample.defs)
assert [own.cron_schedule for own in sample.defs.schedules] == ["15 2 * * *"]


def outcome():
    try:
        sample.descope_bulk_run(build_op_context())
    except RetryRequested:
        return "again"
    except Failure as failure:
        return "again" if failure.allow_retries else "failed"
    return "done"


check(outcome)
print("dagster: the definitions load, and each exit code has its outcome")
