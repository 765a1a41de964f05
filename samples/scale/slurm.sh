#!/usr/bin/env bash
# One job as an array of four tasks under Slurm, with users.csv in the folder in which it is submitted:
#
#   sbatch slurm.sh
#
# or, with what follows the script passed on to the program:
#
#   sbatch slurm.sh --budget redis://redis.example.com:6379/0
#
# and when all have ended:
#
#   descope-bulk merge runs/users-*of4-* --out merged
#
# The key is in a file of mode 400 that all nodes see. A task that is killed with its node is requeued and resumes.
#SBATCH --job-name=descope-bulk
#SBATCH --array=0-3
#SBATCH --ntasks=1
#SBATCH --cpus-per-task=1
#SBATCH --mem=512M
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=descope-bulk-%A-%a.log
# SIGTERM five minutes before the time is over: what is on the wire ends, and all is recorded.
#SBATCH --signal=TERM@300
set -euo pipefail

# As many as the array has. A task that is submitted again by itself does not take itself for all of them.
export DESCOPE_BULK_SHARDS=4
: "${DESCOPE_PROJECT_ID:?set it before sbatch}"
export DESCOPE_MANAGEMENT_KEY_FILE=${DESCOPE_MANAGEMENT_KEY_FILE:-$HOME/.config/descope-bulk/management.key}

# Without a budget that they share (docs/rates.md), the four tasks divide the limit: 20 % each.
[ $# -gt 0 ] || set -- --max-share 20
exec srun descope-bulk run users.csv --shard auto --resume --log-format json "$@"
