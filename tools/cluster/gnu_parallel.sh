#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A sweep over many machines that share a folder, by GNU parallel and ssh:
#   gnu_parallel.sh GRID.toml OUT.csv SHARDS [HOSTS]    HOSTS: a file for --sshloginfile; without it, this machine
# Parts stand beside OUT as shard-I-of-SHARDS.OUT. A second run goes on with what a first one left.
set -eu
grid=$1
out=$2
shards=$3
hosts=${4:-}
moecost=${MOECOST:-moecost}
case $out in */*) folder=${out%/*}/ name=${out##*/} ;; *) folder='' name=$out ;; esac
part="${folder}shard-{}-of-$shards.$name"
# -q: every argument reaches the program as it stands, over ssh as well.
run() {
    seq "$shards" | parallel -q "$@" --retries 3 --halt now,fail=1 \
        "$moecost" sweep "$grid" -o "$part" --shard "{}/$shards" --threads 1 --resume --quiet
}
if [ -n "$hosts" ]; then run --sshloginfile "$hosts" --workdir "$PWD"; else run; fi
set --
for i in $(seq "$shards"); do set -- "$@" "${folder}shard-$i-of-$shards.$name"; done
exec "$moecost" merge "$@" -o "$out"
