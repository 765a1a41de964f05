"""The Airflow sample, loaded as Airflow does, and run against a program that ends with each code."""

import os
import shutil
import sys

from codes import check, fake_program

folder = fake_program()
os.environ.update(AIRFLOW_HOME=folder, AIRFLOW__CORE__LOAD_EXAMPLES="False", AIRFLOW__CORE__UNIT_TEST_MODE="True")

from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowException, AirflowFailException

os.mkdir(f"{folder}/dags")
shutil.copy(sys.argv[1], f"{folder}/dags")
bag = DagBag(dag_folder=f"{folder}/dags")
assert not bag.import_errors, bag.import_errors
dag = bag.dags["descope_bulk_nightly"]
task = dag.get_task("run")
assert (task.retries, dag.max_active_runs, dag.catchup) == (4, 1, False)


def outcome():
    try:
        task.execute({})
    except AirflowFailException:
        return "failed"
    except AirflowException:
        return "again"
    return "done"


check(outcome)
print("airflow: the DAG loads, and each exit code has its outcome")
