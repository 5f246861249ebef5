#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a machine with an NVIDIA GPU to a profile of it: builds the microbenchmarks and moecost, measures, fits, and asks
# one question with the result. Run again after an interruption: finished cases are kept.
#   tools/scripts/calibrate_gpu.sh [-d OUT] [-o PROFILE] [--synthetic PROFILE] [moecost-microbench options: --quick, --full ...]
# --synthetic PROFILE (such as h100_sxm-vllm): no GPU; rows by the laws with the constants of that profile, same steps.
# Exit: 77 without a GPU, 1 without nvcc 13 or when a step fails. Clocks and settings of the GPU are never changed.
set -euo pipefail
caller=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
source tools/scripts/packages.sh

out=microbench-out
profile=my-gpu.toml
synthetic=
while [ $# -gt 0 ]; do
    case $1 in
        -h | --help)
            sed -n '3,8s/^# \{0,1\}//p' "tools/scripts/calibrate_gpu.sh"
            exit 0
            ;;
        -d | -o | --synthetic)
            [ $# -ge 2 ] || { echo "calibrate_gpu: $1 needs a value" >&2; exit 2; }
            case $1 in -d) out=$2 ;; -o) profile=$2 ;; *) synthetic=$2 ;; esac
            shift 2
            ;;
        *) break ;;
    esac
done

# Paths are those of the folder this was called from.
case $out in /*) ;; *) out=$caller/$out ;; esac
case $profile in /*) ;; *) profile=$caller/$profile ;; esac

build=build/calibrate-gpu
program=moecost-microbench
if [ -n "$synthetic" ]; then
    program=moecost-microbench-host
    set -- --synthetic "$synthetic" "$@"
    options=(-DMOECOST_CUDA=OFF)
else
    if ! command -v nvidia-smi >/dev/null || ! nvidia-smi -L 2>/dev/null | grep '^GPU' >/dev/null; then
        echo "calibrate_gpu: no NVIDIA GPU here (nvidia-smi lists none): nothing to measure" >&2
        exit 77
    fi
    nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
    if [ ! -x "$nvcc" ]; then
        echo "calibrate_gpu: nvcc 13 is needed, found none on PATH or in /usr/local/cuda/bin" >&2
        exit 1
    fi

    # Tensor instructions of Hopper and of data-centre Blackwell need the architecture of exactly that chip.
    capability=$(nvidia-smi --query-gpu=compute_cap --format=csv,noheader -i 0 | tr -d '. ')
    case $capability in
        90 | 100 | 103) architecture=${capability}a-real ;;
        *) architecture=$capability-real ;;
    esac
    options=(-DMOECOST_CUDA=ON -DCMAKE_CUDA_COMPILER="$nvcc" -DCMAKE_CUDA_ARCHITECTURES="$architecture")
fi
step "Packages"
packages=("${build_packages[@]}")
[ -z "$synthetic" ] || packages+=("${test_packages[@]}")
install_packages "${packages[@]}"

step "Building moecost and $program${architecture:+ for sm_${architecture%-real}} in $build"
quietly cmake --preset release -B "$build" -DMOECOST_TESTS="${synthetic:+ON}" -DMOECOST_BENCH=OFF "${options[@]}"
quietly cmake --build "$build" --target moecost_cli "$program"

step "Measuring into $out (ten minutes; two with --quick, everything with --full)"
# 75: the device was lost in a case. A new process goes on, the third time behind it; many such cases mean a broken device.
for _ in $(seq 20); do
    status=0
    "$build/bin/$program" --out "$out" "$@" || status=$?
    [ $status -eq 75 ] || break
done
[ $status -eq 0 ] || exit $status

step "Fitting $profile"
"$build/bin/moecost" calibrate --kernels "$out" --gpu auto --engine microbench -o "$profile"

gpu=$(sed -n 's/^ *"gpu": "\(.*\)",*$/\1/p' "$out/device.json")
step "A question: Qwen3-30B-A3B on one $gpu, chat traffic"
question=(estimate --model qwen3-30b-a3b --gpu "$profile" --tp 1 --weights bf16 --traffic chat
    --concurrency 64)
echo "\$ $build/bin/moecost ${question[*]}"
"$build/bin/moecost" "${question[@]}"
