#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Tries the job files: test_cluster.sh MOECOST GRID.toml. Slurm runs for real on one node where munge, slurmctld and
# slurmd are installed and may be started (root, Debian: slurm-wlm munge); else the script is checked and run dry, and
# the output says so. The rows must be those of one machine.
set -u
moecost=$(readlink -f "$1")
grid=$(readlink -f "$2")
here=$(dirname "$(readlink -f "$0")")
work=$(mktemp -d)
chmod 755 "$work"
daemons=()
cleanup() {
    for pid in "${daemons[@]}"; do kill "$pid" 2>/dev/null; done
    wait 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT
cd "$work" || exit 1
failures=0
check() { if "$@"; then echo "ok: $*"; else echo "FAILED: $*"; failures=$((failures + 1)); fi; }

"$moecost" sweep "$grid" -o whole.csv --quiet || exit 1

for script in "$here"/*.sh "$here"/*.sbatch; do check bash -n "$script"; done

if command -v parallel >/dev/null; then
    mkdir parallel && cd parallel || exit 1
    MOECOST=$moecost check sh "$here/gnu_parallel.sh" "$grid" out.csv 4 </dev/null
    check cmp out.csv ../whole.csv
    cd ..
else
    echo "skipped: GNU parallel is not installed"
fi

# What the Kubernetes job runs, index by index.
mkdir kubernetes && cd kubernetes || exit 1
body=$(sed -n '/args:/,/resources:/p' "$here/kubernetes_indexed_job.yaml" | sed '1,2d;$d')
mkdir path && ln -s "$moecost" path/moecost
for index in 0 1 2; do
    JOB_COMPLETION_INDEX=$index SHARDS=3 GRID=$grid OUT=out.csv PATH=$PWD/path:$PATH sh -c "$body" 2>/dev/null || failures=$((failures + 1))
done
check "$moecost" merge shard-*-of-3.out.csv -o out.csv --quiet
check cmp out.csv ../whole.csv
if command -v kubectl >/dev/null; then
    # Without a server kubectl reads the file but cannot validate it.
    if kubectl cluster-info >/dev/null 2>&1; then check kubectl apply --dry-run=server -f "$here/kubernetes_indexed_job.yaml"
    else echo "skipped: no Kubernetes server; the commands of the job were run by hand"; fi
fi
cd ..

start_slurm() {
    command -v slurmctld >/dev/null && command -v slurmd >/dev/null && command -v munged >/dev/null || return 1
    [ "$(id -u)" -eq 0 ] || return 1
    mkdir -p slurm/state slurm/spool munge && chmod 711 munge && chown munge: munge
    dd if=/dev/urandom of=munge/key bs=1024 count=1 2>/dev/null && chmod 400 munge/key && chown munge: munge/key
    runuser -u munge -- munged --foreground --key-file="$work/munge/key" --socket="$work/munge/socket" \
        --pid-file="$work/munge/pid" --log-file="$work/munge/log" --seed-file="$work/munge/seed" &>slurm/out.munge &
    daemons+=($!)
    host=$(hostname -s)
    cat >slurm/slurm.conf <<CONF
ClusterName=one
SlurmctldHost=$host
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$work/munge/socket
CredType=cred/munge
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation=$work/slurm/state
SlurmdSpoolDir=$work/slurm/spool
SlurmctldPidFile=$work/slurm/slurmctld.pid
SlurmdPidFile=$work/slurm/slurmd.pid
SlurmctldLogFile=$work/slurm/slurmctld.log
SlurmdLogFile=$work/slurm/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,batch_sched_delay=0
ReturnToService=2
NodeName=$host CPUs=$(nproc) RealMemory=1024 State=UNKNOWN
PartitionName=all Nodes=$host Default=YES MaxTime=INFINITE State=UP
CONF
    export SLURM_CONF=$work/slurm/slurm.conf
    for _ in $(seq 20); do [ -S munge/socket ] && break; sleep 0.2; done
    slurmctld -D &>slurm/out.ctld &
    daemons+=($!)
    slurmd -D &>slurm/out.slurmd &
    daemons+=($!)
    for _ in $(seq 60); do
        [ "$(sinfo -h -o %t 2>/dev/null)" = idle ] && return 0
        sleep 0.5
    done
    tail -3 slurm/*.log slurm/out.* 2>/dev/null
    return 1
}

mkdir array
if start_slurm; then
    cd array || exit 1
    id=$(MOECOST=$moecost GRID=$grid OUT=out.csv sbatch --parsable --array=1-3 "$here/slurm_array.sbatch")
    echo "slurm $(sbatch --version): array $id"
    join='"$MOECOST" merge shard-1-of-3.out.csv shard-2-of-3.out.csv shard-3-of-3.out.csv -o out.csv'
    merge=$(MOECOST=$moecost sbatch --parsable --dependency="afterok:$id" --output=merge.log --wrap "$join")
    for _ in $(seq 120); do
        [ -z "$(squeue -h -j "$id,$merge" 2>/dev/null)" ] && break
        sleep 0.5
    done
    check cmp out.csv ../whole.csv
    [ -e out.csv ] || { squeue; cat slurm-* merge.log; }
    cd ..
else
    echo "skipped: slurmctld and slurmd cannot be started here; the script runs dry, task by task"
    cd array || exit 1
    for task in 1 2 3; do
        SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_MAX=3 MOECOST=$moecost GRID=$grid OUT=out.csv \
            bash "$here/slurm_array.sbatch" 2>/dev/null || failures=$((failures + 1))
    done
    check "$moecost" merge shard-{1,2,3}-of-3.out.csv -o out.csv --quiet
    check cmp out.csv ../whole.csv
    cd ..
fi
exit "$failures"
