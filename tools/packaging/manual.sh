#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What a package holds besides the program, as the program writes it: pages, completions. manual.sh MOECOST FOLDER CHANGELOG
set -eu
moecost=$1 folder=$2 changelog=$3
"$moecost" man --folder "$folder/pages"
for section in 1 7; do
    for page in "$folder/pages"/*."$section"; do
        gzip -9nc "$page" >"$folder/man$section/$(basename "$page").gz"
    done
done
"$moecost" completion bash >"$folder/completion/moecost"
"$moecost" completion zsh >"$folder/completion/_moecost"
"$moecost" completion fish >"$folder/completion/moecost.fish"
gzip -9nc "$changelog" >"$folder/changelog.gz"
