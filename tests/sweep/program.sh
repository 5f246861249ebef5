#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The program under interruption, full disks and bad input: program.sh MOECOST [MPIRUN]
set -u
moecost=$1
mpirun=${2:-}
grid=$(dirname "$0")/grid.toml
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
case $grid in /*) ;; *) grid=$OLDPWD/$grid ;; esac
failures=0

fail() {
    echo "FAILED: $*"
    failures=$((failures + 1))
}
# expect STATUS TEXT COMMAND...: exit status, and a text on stderr ("" for any)
expect() {
    status=$1
    text=$2
    shift 2
    "$@" >out 2>err
    found=$?
    [ "$found" -eq "$status" ] || fail "status $found instead of $status: $* ($(head -1 err))"
    case $(cat err) in *"$text"*) ;; *) fail "'$text' is not in: $(cat err)" ;; esac
}
# Until the sweep "child" has kept a first block of its output, or ended. The count only bounds a hang.
first_block() {
    for _ in $(seq 6000); do
        if [ -s "$1.journal" ] || ! kill -0 "$child" 2>/dev/null; then return; fi
        sleep 0.01
    done
}
same() { cmp -s "$1" "$2" || fail "$1 differs from $2"; }

expect 0 "" "$moecost" sweep "$grid" -o whole.csv --threads 2 --quiet

# SIGINT: 130, no output under its name, what is finished is kept. A slow machine may finish first: then nothing is left.
"$moecost" sweep "$grid" -o stopped.csv --threads 1 2>err &
child=$!
first_block stopped.csv
kill -INT $child 2>/dev/null
wait $child
status=$?
if [ $status -eq 130 ]; then
    [ -e stopped.csv ] && fail "an interrupted sweep left its final name"
    grep -q "interrupted after" err || fail "no word about the interruption: $(cat err)"
    expect 2 "an unfinished sweep is here" "$moecost" sweep "$grid" -o stopped.csv
elif [ $status -ne 0 ]; then
    fail "status $status after SIGINT"
fi
expect 0 "" "$moecost" sweep "$grid" -o stopped.csv --resume --quiet
same stopped.csv whole.csv
same stopped.frontier.csv whole.frontier.csv
same stopped.csv.manifest.json whole.csv.manifest.json
expect 0 "complete already" "$moecost" sweep "$grid" -o stopped.csv --resume

# SIGKILL
"$moecost" sweep "$grid" -o killed.csv --threads 2 --quiet &
child=$!
first_block killed.csv
kill -KILL $child 2>/dev/null
wait $child 2>/dev/null
expect 0 "" "$moecost" sweep "$grid" -o killed.csv --resume --quiet
same killed.csv whole.csv

# Two writers
"$moecost" sweep "$grid" -o both.csv --threads 1 --quiet &
child=$!
first_block both.csv
if [ -e both.csv.journal ]; then expect 2 "another sweep is writing here" "$moecost" sweep "$grid" -o both.csv --resume; fi
wait $child

# Shards
for i in 1 2 3; do expect 0 "" "$moecost" sweep "$grid" -o part-$i.csv --shard $i/3 --quiet; done
expect 2 "part-1.csv holds shard 1/3" "$moecost" sweep "$grid" -o part-1.csv --shard 2/3 --quiet
expect 0 "" "$moecost" merge part-3.csv part-1.csv part-2.csv -o merged.csv --quiet
same merged.csv whole.csv
same merged.frontier.csv whole.frontier.csv
expect 2 "shard 2 of 3 is missing" "$moecost" merge part-1.csv part-3.csv -o no.csv

# Disks and paths
expect 1 "No space left on device" "$moecost" sweep "$grid" -o /dev/full
expect 0 "" "$moecost" sweep "$grid" -o /dev/null --quiet
expect 1 "cannot open" "$moecost" sweep "$grid" -o nowhere/out.csv
mkdir folder.csv
expect 1 "is a folder" "$moecost" sweep "$grid" -o folder.csv
mkdir small
if mount -t tmpfs -o size=400k tmpfs small 2>/dev/null; then
    expect 1 "No space left on device" "$moecost" sweep "$grid" -o small/out.csv --quiet
    mount -o remount,size=100m small
    expect 0 "" "$moecost" sweep "$grid" -o small/out.csv --resume --quiet
    same small/out.csv whole.csv
    umount small
fi

# Options
expect 2 "no known ending" "$moecost" sweep "$grid" -o out.txt
expect 2 "needs a file" "$moecost" sweep "$grid" --resume
expect 2 "JSON lines" "$moecost" sweep "$grid" -o out.json
expect 2 "not a whole number in 1..3" "$moecost" sweep "$grid" -o s.csv --shard 4/3
expect 2 "not of the form i/n" "$moecost" sweep "$grid" -o s.csv --shard 4
expect 2 "exactly one grid" "$moecost" sweep -o s.csv
expect 2 "no such file" "$moecost" sweep none.toml -o s.csv
"$moecost" sweep --example >example.toml
expect 0 "" "$moecost" sweep example.toml -o example.csv --quiet
[ "$(wc -l <example.csv)" -gt 50 ] || fail "the example has few rows"
printf 'model = "mixtral-8x7b"\ngpu = "h100_sxm"\ntp = 4\n' >scenario.toml
expect 0 "" "$moecost" sweep --tornado scenario.toml
grep -q "price of a GPU-hour" out || fail "no price in the tornado"
awk 'length > 100 { exit 1 }' out || fail "the tornado is wider than 100 columns"
expect 0 "" "$moecost" sweep --tornado scenario.toml --format json
grep -q '"schema": "moecost.sensitivity/1"' out || fail "no schema in the tornado"

if [ -n "$mpirun" ]; then
    run() { "$mpirun" --oversubscribe --allow-run-as-root "$@"; }
    expect 0 "" run -n 4 "$moecost" sweep "$grid" -o ranks.csv --mpi --quiet
    same ranks.csv whole.csv
    same ranks.frontier.csv whole.frontier.csv
    same ranks.csv.manifest.json whole.csv.manifest.json
    expect 0 "" run -n 1 "$moecost" sweep "$grid" -o alone.csv --mpi --quiet
    same alone.csv whole.csv
    # A rank dies: mpirun ends the job and names the rank; the output goes on from its journal.
    run -n 4 "$moecost" sweep "$grid" -o lost-$$.csv --mpi --quiet 2>err &
    child=$!
    first_block lost-$$.csv
    victim=$(pgrep -f -- "sweep $grid -o lost-$$.csv --mpi" | tail -1)
    [ -n "$victim" ] && kill -KILL "$victim"
    wait $child
    status=$?
    if [ $status -ne 0 ]; then grep -q "signal 9" err || fail "mpirun says nothing about the dead rank: $(cat err)"; fi
    expect 0 "" "$moecost" sweep "$grid" -o lost-$$.csv --resume --quiet
    same lost-$$.csv whole.csv
    expect 2 "no such file" run -n 3 "$moecost" sweep none.toml -o s.csv --mpi
else
    expect 2 "built without MPI" "$moecost" sweep "$grid" -o s.csv --mpi
fi
[ "$failures" -eq 0 ] && echo "all passed"
exit "$failures"
