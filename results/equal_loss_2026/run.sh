#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Regenerates every table and picture beside it: run.sh [BUILD [STUDY...]]. BUILD is the build folder that holds
# bin/moecost (default: the moecost of the PATH), STUDY one of the functions below (default: all of them). About
# a quarter of an hour on one core.
set -eu
here=$(dirname "$(readlink -f "$0")")
plot=$here/../../tools/scripts/plot_lines.sh
moecost=moecost
[ $# -eq 0 ] || { moecost=$(readlink -f "$1")/bin/moecost; shift; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"

# What all studies share, unless they vary it: the loss of the loss-optimal dense model of 1e23 FLOP; 1,024 tokens in
# and out, at most 50 ms per output token; weights and cache in bf16; B200, 1 to 8 in an instance.
loss="--budget 1e23 --equal-to 1"
sizes="--sizes 7e8..3e10 --size-points 120 --refine 0"
formats="--weights bf16 --kv bf16"
slo="--slo-tpot 50ms"
gpu="--gpu b200_sxm"
# Two ways to price a loss: the Joint MoE law alone (one full-size expert per token), and its dense model with the
# bridge for fine-grained experts.
joint="--family mixtral-like --top-k 1 --experts 1..32"
bridge="--family deepseek-like --bridge tian2025 --experts 1..256"

# Training tokens per active parameter, embeddings included, up to which a model counts.
bound="--max-tokens-per-parameter 400"

# rows TABLE "NAME=VALUE;..." [design options]: the best of every combination, cheapest first, after the study's own
# columns. What is infeasible leaves no row.
rows() {
    table=$1 names=$2
    shift 2
    status=0
    "$moecost" design "$@" --format csv --all --quiet >"$work/all" 2>"$work/err" || status=$?
    [ $status -ne 3 ] || return 0
    [ $status -eq 0 ] || { cat "$work/err" >&2; echo "run.sh: moecost design $*" >&2; exit 1; }
    fresh=1
    [ ! -s "$table" ] || fresh=0
    awk -F, -v OFS=, -v names="$names" -v fresh=$fresh '
        NR == 1 {
            n = split(names, part, ";")
            for (i = 1; i <= n; ++i) { split(part[i], p, "="); keys = keys p[1] ","; values = values p[2] "," }
            for (i = 1; i <= NF; ++i) at[$i] = i
            sub(/,extrapolated$/, "")
            if (fresh) print keys "best,per_parameter," $0
            next
        }
        {
            combination = $at["experts"] FS $at["granularity"] FS $at["shared_experts"]
            if (combination in seen) next
            seen[combination]
            per = $at["tokens"] / ($at["active"] + $at["embeddings"])
            sub(/,("[^"]*"|[^,]*)$/, "")
            print values (found++ ? "no" : "yes"), sprintf("%.1f", per), $0
        }' "$work/all" >>"$table"
}

# against TABLE COLUMN VALUE NAME KEY...: the price over that of the cheapest row with VALUE and the same keys, as a new
# first column.
against() {
    table=$1 column=$2 value=$3 name=$4
    shift 4
    awk -F, -v OFS=, -v column="$column" -v value="$value" -v name="$name" -v keys="$*" '
        function key(i, k) { for (i = 1; i <= n; ++i) k = k FS $at[part[i]]; return k }
        FNR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; n = split(keys, part, " "); if (NR != 1) print name, $0; next }
        NR == FNR { p = $at["usd_per_mtok"]; k = key(); if ($at[column] == value && (!(k in base) || p < base[k])) base[k] = p; next }
        { k = key(); print (k in base ? $at["usd_per_mtok"] / base[k] : ""), $0 }' "$table" "$table" >"$work/against"
    mv "$work/against" "$table"
}

# picture TABLE NAME X Y GROUP [plot options]
picture() {
    table=$1 name=$2
    shift 2
    for kind in svg png; do "$plot" "$table" "$name.$kind" "$@"; done
}

# 1. Families, and how many experts pay.
families() {
    rm -f families.csv
    one="$loss $bound $sizes $formats $slo $gpu --experts 1..256"
    rows families.csv "family=Joint MoE (MHA)" $one --family joint-moe
    rows families.csv "family=Qwen3-like (GQA)" $one --family qwen-like --granularity 1
    rows families.csv "family=Mixtral-like (GQA)" $one --family mixtral-like --top-k 1
    rows families.csv "family=MLA" $one --family ./mla-every-layer.toml
    rows families.csv "family=Qwen3-like G 8 by bridge" $one --family qwen-like --bridge tian2025
    rows families.csv "family=DeepSeek-like G 8 by bridge" $one --family deepseek-like --bridge tian2025
}

# 2. Over-training: the same, by how many tokens per parameter are allowed.
overtraining() {
    rm -f overtraining.csv
    for allowed in 20 50 100 200 400 1000 2000; do
        one="$loss --max-tokens-per-parameter $allowed --size-points 160 --refine 0 $formats $slo $gpu"
        rows overtraining.csv "track=joint;allowed=$allowed" $one $joint
        rows overtraining.csv "track=bridge;allowed=$allowed" $one $bridge
    done
}

# 3. Laws: one family and one question, by other laws.
laws() {
    rm -f laws.csv
    for budget in 1e22 1e23; do
        one="--budget $budget --equal-to 1 $bound --size-points 120 --refine 0 $formats $slo $gpu"
        gqa="--family mixtral-like --top-k 1 --experts 1..256"
        rows laws.csv "budget=$budget;law=Joint MoE" $one $gqa
        rows laws.csv "budget=$budget;law=Joint MoE dense + Tian" $one $gqa --bridge tian2025
        rows laws.csv "budget=$budget;law=Besiroglu + Tian" $one $gqa --law besiroglu2024 --bridge tian2025
        rows laws.csv "budget=$budget;law=Hoffmann + Tian" $one $gqa --law hoffmann2022 --bridge tian2025
        rows laws.csv "budget=$budget;law=Abnar" $one $gqa --law abnar2025
        yun="--family yun2024 --experts 1,4,8,16,32,64"
        rows laws.csv "budget=$budget;law=Yun Y-P" $one $yun --law yun2024_yp
        rows laws.csv "budget=$budget;law=Yun Y-C" $one $yun --law yun2024_yc
    done
    against laws.csv experts 1 of_dense budget law
}

# 4. Granularity and shared experts at one loss by each law: that of the loss-optimal dense model, by Zhao 2025 of the
# loss-optimal one of 4 experts (it knows no dense model), by Krajewski 2024 2.0 nats (its 64 experts are fixed).
granularity() {
    rm -f granularity.csv
    one="--budget 1e23 $bound --granularity 1,2,4,8,16,32 $formats $slo $gpu --family qwen-like --sizes 1e9..3e10 --size-points 120 --refine 0"
    for shared in 0 1; do
        rows granularity.csv "law=Joint MoE dense + Tian;shared=$shared" $one --target-loss 2.0024 --experts 32 --bridge tian2025 \
            --shared-experts $shared
        rows granularity.csv "law=Besiroglu + Tian;shared=$shared" $one --target-loss 2.0321 --experts 32 --law besiroglu2024 \
            --bridge tian2025 --shared-experts $shared
        rows granularity.csv "law=Zhao;shared=$shared" $one --target-loss 2.1309 --experts 32 --law zhao2025 --shared-experts $shared
    done
    rows granularity.csv "law=Krajewski;shared=0" $one --target-loss 2.0 --experts 64 --law krajewski2024
    against granularity.csv granularity 1 of_unsplit law
}

# 5. Accelerators and their number.
gpus() {
    rm -f gpus.csv
    for kind in h100_sxm h200_sxm b200_sxm; do
        for n in 1 2 4 8 16 32 64; do
            one="$bound $formats $slo --gpu $kind --gpus $n --refine 0"
            rows gpus.csv "question=joint;kind=$kind;instance=$n" $one --budget 1e23 --equal-to 1 $joint \
                --sizes 3e9..3e10 --size-points 80
            rows gpus.csv "question=bridge;kind=$kind;instance=$n" $one --budget 1e24 --equal-to 1 --family deepseek-like \
                --bridge tian2025 --experts 8..256 --sizes 3e9..6e10 --size-points 80
        done
    done
}

# 6. Formats, and the loss they cost.
formats() {
    rm -f formats.csv
    for nats in 0 0.005 0.01 0.015 0.02 0.03 0.05; do
        for format in "bf16 bf16" "bf16 fp8" "fp8 fp8" "nvfp4 fp8"; do
            one="--budget 1e23 --max-loss 2.0024 $bound $slo $gpu --weights ${format% *} --kv ${format#* } --quantisation-loss $nats"
            rows formats.csv "track=joint;format=${format% *} weights ${format#* } cache;nats=$nats" $one \
                --family mixtral-like --top-k 1 --experts 8,16,32 --sizes 2e9..3e10 --size-points 120 --refine 0
            rows formats.csv "track=bridge;format=${format% *} weights ${format#* } cache;nats=$nats" $one \
                --family deepseek-like --bridge tian2025 --experts 16..128 --sizes 1e9..2e10 --size-points 120 --refine 0
        done
    done
}

# 7. Time per output token.
tpot() {
    rm -f tpot.csv
    for ms in 10 20 30 50 100 none; do
        limit="--slo-tpot ${ms}ms"
        [ $ms != none ] || limit=""
        rows tpot.csv "track=joint;tpot=$ms" $loss $bound $sizes $formats $limit $gpu $joint
        rows tpot.csv "track=bridge;tpot=$ms" $loss $bound $sizes $formats $limit $gpu $bridge
    done
}

# 8. Lifetime: training and serving together, at the loss of the dense model of 1e23 FLOP, with and without the bound on
# tokens; no budget.
lifetime() {
    rm -f lifetime.csv
    for served in 1e11 3e11 1e12 3e12 1e13 3e13 1e14 3e14 1e15; do
        one="--target-loss 2.0024 --served-tokens $served --sizes 4e8..6e10 --size-points 160 --refine 0 $formats $slo $gpu"
        for allowed in 400 any; do
            limit="--max-tokens-per-parameter $allowed"
            [ $allowed != any ] || limit="--max-tokens unlimited --max-tokens-per-parameter unlimited"
            rows lifetime.csv "track=joint;served=$served;allowed=$allowed" $one $limit $joint
            rows lifetime.csv "track=bridge;served=$served;allowed=$allowed" $one $limit $bridge
        done
    done
}

# 9. Budgets.
budgets() {
    rm -f budgets.csv
    for budget in 1e21 3e21 1e22 3e22 1e23 3e23 1e24 3e24 1e25; do
        case $budget in   # from 1e24 on the dense model outgrows eight
            1e24 | 3e24 | 1e25) number="--gpus 4,8,16,32 --size-points 60" ;;
            *) number="--size-points 120" ;;
        esac
        one="--budget $budget --equal-to 1 $bound --refine 0 $number $formats $slo $gpu"
        rows budgets.csv "track=joint;at=$budget" $one $joint
        rows budgets.csv "track=bridge;at=$budget" $one $bridge
        rows budgets.csv "track=Besiroglu + bridge;at=$budget" $one $bridge --law besiroglu2024
    done
    against budgets.csv experts 1 of_dense track at
}

# 10. What else would change the answer: one option at a time.
others() {
    rm -f others.csv
    for option in "" "--pp 1" "--pp 1 --ep 1" "--max-sequences 256" "--max-sequences 512" "--max-sequences 4096" \
        "--isl 8192 --osl 1024" "--isl 256 --osl 2048" "--slo-ttft 500ms" "--engine sglang" "--engine trtllm" \
        "--all-to-all collective" "--all-to-all low-latency" "--all-to-all normal" "--price hyperscaler_on_demand"; do
        rows others.csv "track=joint;option=${option:-none}" $loss $bound $sizes $formats $slo $gpu $joint $option
        rows others.csv "track=bridge;option=${option:-none}" $loss $bound $sizes $formats $slo $gpu $bridge $option
    done
    awk -F, 'NR == 1 || $3 == "yes"' others.csv >"$work/others"
    mv "$work/others" others.csv
}

# table OUT KIND "NAME=VALUE;..." [design options]: rows of the JSON answer (tables.py), under one header.
table() {
    out=$1 shape=$2 names=$3
    shift 3
    status=0
    "$moecost" design "$@" --format json --quiet >"$work/json" 2>"$work/err" || status=$?
    [ $status -ne 3 ] || return 0
    [ $status -eq 0 ] || { cat "$work/err" >&2; echo "run.sh: moecost design $*" >&2; exit 1; }
    python3 tables.py "$shape" "$names" <"$work/json" >"$work/rows"
    if [ -s "$out" ]; then sed 1d "$work/rows" >>"$out"; else cp "$work/rows" "$out"; fi
}

# 11. The curve: training compute against serving price at one loss, the dense model allowed to over-train.
curve() {
    rm -f curve.csv
    one="$loss $bound $formats $slo $gpu"
    table curve.csv iso "track=joint" $one --family mixtral-like --top-k 1 --experts 1..128
    table curve.csv iso "track=bridge" $one --family deepseek-like --bridge tian2025 --experts 1..256
    table curve.csv iso "track=Besiroglu + bridge" $one --family deepseek-like --bridge tian2025 --law besiroglu2024 --experts 1..256
    # Inside the runs of the Joint MoE law: at most 80 B tokens, 32 experts.
    table curve.csv iso "track=joint inside its runs" --budget 2e20 --equal-to 1 --max-tokens 80e9 $formats $slo $gpu \
        --family mixtral-like --top-k 1 --experts 1..32
}

# 12. Which law is right? Regret of each law's winner under the others, by tokens served, GPUs and latency.
regret() {
    rm -f regret.csv
    laws="ludziejewski2025,ludziejewski2025+tian2025,besiroglu2024+tian2025,hoffmann2022+tian2025,abnar2025,sardana2024+tian2025"
    one="$formats --family mixtral-like --top-k 1 --granularity 1 --shared-experts 0 --experts 1..128 --budget 1e23 --equal-to 1 --laws $laws \
        --bootstrap 20 --size-points 10 --refine 1 $gpu"
    for served in 1e11 1e13; do
        for n in 1 8; do
            for ms in 10 50; do
                "$moecost" design $one --served-tokens $served --gpus $n --slo-tpot ${ms}ms --format csv --quiet >"$work/regret" \
                    2>"$work/err" || continue
                awk -v OFS=, -v names="$served,$n,$ms" -v fresh="$([ -s regret.csv ] || echo 1)" \
                    'NR == 1 { if (fresh) print "served,gpus,tpot_ms", $0; next } { print names, $0 }' "$work/regret" >>regret.csv
            done
        done
    done
}

# 13. What training costs by experts, format and interconnect.
training() {
    rm -f training.csv
    one="$loss $bound $formats $slo $gpu --refine 0 --family deepseek-like --bridge tian2025 --experts 1..256 --bootstrap 0"
    for kind in h100_sxm b200_sxm gb200_nvl72; do
        for format in bf16 fp8 fp8-block; do
            [ $kind != h100_sxm ] && [ $format = fp8-block ] && continue
            [ $kind = h100_sxm ] && [ $format = fp8 ] && continue   # Hopper: blocks, as DeepSeek-V3
            for g in 1 8; do
                table training.csv experts "train_gpu=$kind;format=$format;granularity=$g" $one --train-gpu $kind \
                    --train-format $format --granularity $g --shared-experts 0
            done
        done
    done
}

# 14. Generations of machine, engine and format: what each makes the best number of experts.
eras() {
    rm -f eras.csv
    one="$loss $bound --slo-tpot 50ms --family deepseek-like --bridge tian2025 --experts 1..256 --granularity 1,2,4,8,16 --shared-experts 0 \
        --size-points 12 --refine 1 --bootstrap 0 --gpus 8"
    rows eras.csv "era=2023: A100 bf16" $one --gpu a100_sxm_80 --weights bf16 --kv bf16 --all-to-all collective
    rows eras.csv "era=2024: H100 bf16" $one --gpu h100_sxm --weights bf16 --kv bf16 --all-to-all collective
    rows eras.csv "era=2025: H200 fp8 DeepEP" $one --gpu h200_sxm --weights fp8-block --kv bf16
    rows eras.csv "era=2026: B200 fp8 DeepEP" $one --gpu b200_sxm --weights fp8 --kv bf16
    rows eras.csv "era=2026: GB200 NVL72 nvfp4" $one --gpu gb200_nvl72 --weights nvfp4 --kv bf16
}

# 15. Long contexts: 128k tokens in, 2k out (does the dense model win there?).
contexts() {
    rm -f contexts.csv
    for lengths in "1024 1024" "8192 1024" "32768 1024" "131072 2048"; do
        one="$loss $bound $formats $gpu --gpus 1,2,4,8,16 --slo-tpot 50ms --isl ${lengths% *} --osl ${lengths#* } --size-points 16 --refine 1 --bootstrap 0"
        table contexts.csv iso "track=joint;isl=${lengths% *}" $one --family mixtral-like --top-k 1 --experts 1..128
        table contexts.csv iso "track=bridge;isl=${lengths% *}" $one --family deepseek-like --bridge tian2025 --experts 1..128
    done
}

# 16. The experiment that would settle it: predictions of the Joint MoE law, with intervals of 90 %.
experiment() {
    rm -f experiment.csv
    while read -r n d e; do
        "$moecost" law ludziejewski2025 --n "$n" --d "$d" --experts "$e" --level 0.9 --format csv >"$work/law"
        awk -v OFS=, -v run="$n,$d,$e" -v fresh="$([ -s experiment.csv ] || echo 1)" \
            'NR == 1 { if (fresh) print "n,d,experts", $0; next } { print run, $0 }' "$work/law" >>experiment.csv
    done <<RUNS
2.4e9 13e9 1
1.2e9 30e9 1
0.4e9 40e9 8
0.23e9 75e9 32
0.23e9 75e9 8
RUNS
}

# Pictures of the tables that are there.
pictures() {
    sed 's/^joint inside its runs/inside the runs of Joint MoE/; s/^joint,/GQA by Joint MoE,/; s/^bridge,/MLA by Tian,/; s/^Besiroglu + bridge,/MLA by Besiroglu + Tian,/' curve.csv |
        awk -F, -v OFS=, 'NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; print "name,training_flop,usd_per_mtok"; next }
            $1 !~ /inside/ { f = $at["training_flop"]
              if ($at["dense_usd_per_mtok"]) print $1 " (dense)", f, $at["dense_usd_per_mtok"]
              if ($at["moe_usd_per_mtok"]) print $1 " (MoE)", f, $at["moe_usd_per_mtok"] }' >"$work/curve"
    picture "$work/curve" curve training_flop usd_per_mtok name --log-x --log-y --room 0.3 \
        --x-label "training compute allowed (FLOP)" --title "One loss: what training compute buys in serving"
    picture families.csv families experts usd_per_mtok family --log-x --log-y --room 0.3 --at "32:end of the Joint MoE runs" \
        --x-label "full-size experts (1: dense)" --title "Cheapest to serve at the loss of the best dense model of 1e23 FLOP"
    named overtraining.csv joint "$work/over" "1|2|4|8|16|32"
    picture "$work/over" overtraining allowed usd_per_mtok name --log-x --log-y --room 0.2 --at "400:bound of the other studies" \
        --x-label "training tokens allowed per active parameter" \
        --title "What over-training buys: GQA by the Joint MoE law, 1e23 FLOP"
    picture laws.csv laws experts of_dense law --where budget=1e23 --log-x --log-y --room 0.27 \
        --x-label "full-size experts (1: dense)" --y-label "price over that of the dense model" \
        --title "The same question by seven laws, 1e23 FLOP"
    picture granularity.csv granularity granularity of_unsplit law --where shared=0 --log-x --room 0.27 \
        --x-label "granularity: parts of a full-size expert" --y-label "price over that of granularity 1" \
        --title "Fine-grained experts at equal loss, by four laws"
    awk -F, -v OFS=, 'NR > 1 { sub(/_sxm/, "", $2); $2 = toupper($2) } { print }' gpus.csv >"$work/gpus"
    picture "$work/gpus" gpus instance usd_per_mtok kind --where question=bridge --where best=yes --log-x --log-y --room 0.12 \
        --point experts --x-label "GPUs of an instance (at the points: best number of experts)" \
        --title "Accelerators: MLA, granularity 8, by the bridge, 1e24 FLOP"
    picture formats.csv formats nats usd_per_mtok format --where track=joint --where best=yes --room 0.33 \
        --x-label "loss that the formats cost (nats), stated" --title "Formats at equal loss: GQA by the Joint MoE law, 1e23 FLOP"
    awk -F, '$3 != 400 && ($1 == "joint" || NR == 1)' lifetime.csv >"$work/free"
    named "$work/free" joint "$work/life" "1|4|8|16|32"
    picture "$work/life" lifetime served per_parameter name --log-x --log-y --room 0.2 \
        --x-label "tokens served over the lifetime" --y-label "training tokens per active parameter" \
        --title "How far to over-train for least lifetime dollars: GQA, Joint MoE law"
    sed 's/,joint,/,GQA by Joint MoE,/; s/,bridge,/,MLA G 8 by Tian,/; s/,Besiroglu + bridge,/,MLA G 8 by Besiroglu + Tian,/' \
        budgets.csv >"$work/budgets"
    picture "$work/budgets" budgets at of_dense track --where best=yes --log-x --log-y --room 0.3 --point experts \
        --x-label "training budget (FLOP; at the points: best number of experts)" --y-label "price over that of the dense model" \
        --title "Savings at equal loss grow with the budget"
}

# named TABLE TRACK OUT NUMBERS: one line for each of a few numbers of experts.
named() {
    awk -F, -v OFS=, -v track="$2" -v numbers="^($4)\$" '
        NR == 1 { for (i = 1; i <= NF; ++i) at[$i] = i; print "name", $0; next }
        $1 == track && $at["experts"] ~ numbers {
            e = $at["experts"]
            print (e == 1 ? "dense" : e " experts"), $0
        }' "$1" >"$3"
}

studies="$*"
[ "$studies" ] || studies="families overtraining laws granularity gpus formats tpot lifetime budgets others curve regret training eras contexts
    experiment pictures"
for study in $studies; do $study; done
