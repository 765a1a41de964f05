"""The Airflow sample, loaded as Airflow does, and run against a program that ends with each code."""

import os
import sys
import tempfile

folder = tempfile.mkdtemp()
os.environ.update(
    AIRFLOW_HOME=folder,
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__UNIT_TEST_MODE="True",
    PATH=f"{folder}:{os.environ['PATH']}",
)
with open(f"{folder}/descope-bulk", "w") as program:
    program.write('#!/bin/sh\n[ "$*" = "run --job /etc/descope-bulk/nightly.toml --resume" ] || exit 99\nexit "$CODE"\n')
os.chmod(f"{folder}/descope-bulk", 0o700)

import shutil

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowException, AirflowFailException

os.mkdir(f"{folder}/dags")
shutil.copy(sys.argv[1], f"{folder}/dags")
bag = DagBag(dag_folder=f"{folder}/dags")
assert not bag.import_errors, bag.import_errors
dag = bag.dags["descope_bulk_nightly"]
task = dag.get_task("run")
assert (task.retries, dag.max_active_runs, dag.catchup) == (4, 1, False)


def outcome(code):
    os.environ["CODE"] = str(code)
    try:
        task.execute({})
    except AirflowFailException:
        return "failed"
    except AirflowException:
        return "again"
    return "done"


expected = {0: "done", 1: "failed", 2: "failed", 3: "again", 4: "failed", 70: "failed", 130: "again", 143: "again"}
found = {code: outcome(code) for code in expected}
assert found == expected, found
print("airflow: the DAG loads, and each exit code has its outcome")
