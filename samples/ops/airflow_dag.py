"""A nightly run of descope-bulk as an Airflow DAG (Airflow 3 with the standard provider).

The worker needs descope-bulk on its path, the job file, and a disk that stays: a run is resumed from its folder. Pin the
task to one worker with a queue of its own. The key stays in the file that the job names, out of Airflow's database.
"""

import os
from datetime import datetime, timedelta, timezone

from airflow.sdk.exceptions import AirflowException, AirflowFailException
from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator

JOB = os.environ.get("DESCOPE_BULK_JOB", "/etc/descope-bulk/nightly.toml")

# Stopped early, or by a signal: the next try goes on. All other codes come to the same again.
RESUMABLE = {3, 130, 143}


class DescopeBulkRun(BaseOperator):
    """Runs a job, and goes on with it where it was stopped."""

    def __init__(self, *, job: str, **kwargs):
        super().__init__(**kwargs)
        self.job = job
        self.hook = None

    def execute(self, context):
        self.hook = SubprocessHook()
        command = ["descope-bulk", "run", "--job", self.job, "--resume"]
        code = self.hook.run_command(command=command, env=dict(os.environ)).exit_code
        if code == 0:
            return
        message = f"descope-bulk ended with {code}: see the log, and failures.csv in the run folder"
        if code in RESUMABLE or code < 0:
            raise AirflowException(message)
        raise AirflowFailException(message)

    def on_kill(self):
        # As Ctrl-C: requests on the wire end, and all is recorded.
        if self.hook is not None:
            self.hook.send_sigterm()


with DAG(
    dag_id="descope_bulk_nightly",
    schedule="15 2 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=5),
    tags=["descope"],
):
    DescopeBulkRun(
        task_id="run",
        job=JOB,
        retries=4,
        retry_delay=timedelta(minutes=10),
        execution_timeout=timedelta(hours=4),
        queue="descope-bulk",
    )
