"""A nightly run of descope-bulk as a Dagster job.

The code location needs descope-bulk on its path, the job file, and a disk that stays: a run is resumed from its folder.
The key stays in the file that the job names.
"""

import os
import signal
import subprocess

from dagster import (
    DefaultScheduleStatus,
    Definitions,
    Failure,
    RetryRequested,
    ScheduleDefinition,
    job,
    op,
)

JOB = os.environ.get("DESCOPE_BULK_JOB", "/etc/descope-bulk/nightly.toml")

# Stopped early, or by a signal: the next try goes on. All other codes come to the same again.
RESUMABLE = {3, 130, 143}


@op
def descope_bulk_run(context):
    """Runs the job, and goes on with it where it was stopped."""
    command = ["descope-bulk", "run", "--job", JOB, "--resume"]
    with subprocess.Popen(command) as child:
        try:
            code = child.wait()
        except BaseException:
            # The run was ended in Dagster. As Ctrl-C: requests on the wire end, and all is recorded.
            child.send_signal(signal.SIGTERM)
            child.wait()
            raise
    context.log.info(f"descope-bulk ended with {code}")
    if code in RESUMABLE or code < 0:
        raise RetryRequested(max_retries=4, seconds_to_wait=600)
    if code != 0:
        raise Failure(
            f"descope-bulk ended with {code}: see the log, and failures.csv in the run folder",
            allow_retries=False,
        )


@job(tags={"dagster/concurrency_key": "descope-bulk", "dagster/max_runtime": 14400})
def descope_bulk_nightly():
    descope_bulk_run()


defs = Definitions(
    jobs=[descope_bulk_nightly],
    schedules=[
        ScheduleDefinition(
            job=descope_bulk_nightly,
            cron_schedule="15 2 * * *",
            default_status=DefaultScheduleStatus.RUNNING,
        )
    ],
)
