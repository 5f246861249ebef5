#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A sweep over many machines that share a folder, by GNU parallel and ssh:
#   gnu_parallel.sh GRID.toml OUT.csv SHARDS [HOSTS]    HOSTS: a file for --sshloginfile; without it, this machine
# A second run goes on with what a first one left.
set -eu
grid=$1
out=$2
shards=$3
hosts=${4:-}
moecost=${MOECOST:-moecost}
command="$moecost sweep $grid -o shard-{}-of-$shards.$out --shard {}/$shards --threads 1 --resume --quiet"
if [ -n "$hosts" ]; then
    seq "$shards" | parallel --sshloginfile "$hosts" --workdir "$PWD" --retries 3 --halt now,fail=1 "$command"
else
    seq "$shards" | parallel --retries 3 --halt now,fail=1 "$command"
fi
# shellcheck disable=SC2046
exec "$moecost" merge $(seq -f "shard-%g-of-$shards.$out" "$shards") -o "$out"
