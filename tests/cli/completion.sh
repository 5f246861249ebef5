#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# completion.sh PROGRAM: what zsh and fish offer with the scripts that the program prints, where these shells are installed.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$(realpath "$1")" "$work/moecost"
PATH=$work:$PATH
export PATH
failed=0
ran=0

# offers SHELL LINE WORD: among what the shell offers for the line is the word; the line is read as words without quotes.
offers() {
    "complete_by_$1" "$2" >"$work/offered" 2>&1 || true
    grep -qx -e "$3" "$work/offered" || { echo "$1: '$2' offers no $3:" >&2; cat "$work/offered" >&2; failed=1; }
}

complete_by_fish() {
    HOME=$work fish --no-config -c "source $work/fish; complete -C '$1'" | cut -f 1
}

# compadd stands for what shows the words: outside of the line editor there is none.
complete_by_zsh() {
    zsh -f -c '
        compdef() { :; }
        compadd() { while [[ $1 != -- ]]; do shift; done; shift; print -rl -- "$@"; }
        source "$1"
        words=(${=2})
        [[ $2 != *" " ]] || words+=("")
        CURRENT=$#words
        _moecost' zsh "$work/zsh" "$1"
}

for shell in zsh fish; do
    command -v $shell >/dev/null || continue
    ran=1
    moecost completion $shell >"$work/$shell"
    offers $shell 'moecost est' estimate
    offers $shell 'moecost estimate --mod' --model-years
    offers $shell 'moecost estimate --gpu h20' h200_sxm
    offers $shell 'moecost estimate --engine ' sglang
    offers $shell 'moecost list ' figures
done
[ $ran = 1 ] || { echo "skipped: neither zsh nor fish is installed"; exit 77; }
exit $failed
