#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Registers, shared memory and spills of the tensor kernels for three architectures, compared with resources.txt, the
# instructions they must contain, and warpgroup multiplications that ptxas would serialise. Needs nvcc, no GPU. Exit: 0 as
# expected, 1 not, 77 skipped (no nvcc).
#   check_resources.sh [--update]        --update rewrites resources.txt
# Spills must be zero exactly; registers may differ by 16, since compiler versions differ.
set -u
here=$(cd "$(dirname "$0")" && pwd)
nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
if [ -z "$nvcc" ]; then
    echo "check_resources: skipped, no nvcc found (looked on PATH and in /usr/local/cuda/bin)"
    exit 77
fi
for tool in c++filt awk; do
    command -v $tool >/dev/null || { echo "check_resources: skipped, no $tool found"; exit 77; }
done
tmp=$(mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
fail=0
complain() {
    echo "check_resources: $1"
    fail=1
}

# Dynamic shared memory of each shape, by the name that the kernel's symbol holds.
cat >"$tmp/shared.cu" <<'END'
#include <cxxabi.h>
#include <cstdio>
#include <typeinfo>
#include "kernels/tensor/decode_attention.h"
#include "kernels/tensor/grouped_gemm.h"
#include "kernels/tensor/mla_decode.h"
#include "kernels/tensor/prefill_attention.h"
#include "kernels/tensor/warpgroup_gemm.h"
#include "kernels/tensor/warpgroup_prefill.h"
using namespace microbench::tensor;
template <class... Shape>
void print() {
    (std::printf("%s\t%d\n", abi::__cxa_demangle(typeid(Shape).name(), nullptr, nullptr, nullptr), Shape::shared_bytes), ...);
}
int main() {
    print<LargeGemm<false, false>, LargeGemm<false, true>, LargeGemm<true, false>, LargeGemm<true, true>,
          SmallGemm<false, false>, SmallGemm<false, true>, SmallGemm<true, false>, SmallGemm<true, true>, Bf16Decode<64>,
          WarpgroupGemm<false, false>, WarpgroupGemm<false, true>, WarpgroupGemm<true, false>, WarpgroupGemm<true, true>,
          WarpgroupPrefill64, WarpgroupPrefill128, WarpgroupPrefillMla,
          Bf16Decode<128>, E4m3Decode<64>, E4m3Decode<128>, MlaLarge, MlaSmall, MlaA100, MlaE4m3Large, MlaE4m3Small, Prefill64, Prefill128,
          PrefillMla>();
}
END
machine=$here/kernels/tensor/ptx   # of the kernels' instructions
"$nvcc" -std=c++20 -arch=sm_80 -I "$here" -I "$machine" "$tmp/shared.cu" -o "$tmp/shared" && "$tmp/shared" >"$tmp/shared.txt" || exit 1

for arch in 80 90a 100a; do
    for file in gemm attention moe $([ $arch = 90a ] && echo warpgroup_gemm warpgroup_attention); do
        mkdir -p "$tmp/$arch"
        "$nvcc" -std=c++20 -O3 --expt-relaxed-constexpr -arch=sm_$arch -Xptxas -v -I "$here" -I "$machine" -cubin \
            --keep --keep-dir "$tmp/$arch" -o "$tmp/$arch/$file.cubin" "$here/kernels/tensor/$file.cu" 2>"$tmp/log" ||
            { cat "$tmp/log"; complain "$file.cu does not compile for sm_$arch"; continue; }
        # C7508 to C7519: multiplications of warpgroups in sequence, or registers not given as asked.
        grep -E 'C75[01][0-9]|Potential Performance Loss' "$tmp/log" && complain "$file.cu for sm_$arch: see above"
        c++filt <"$tmp/log" | awk -v arch=$arch -v shapes="$tmp/shared.txt" '
            BEGIN { while ((getline line < shapes) > 0) { split(line, part, "\t"); bytes[part[1]] = part[2] } }
            /Compiling entry function/ {
                name = $0; sub(/^[^\047]*\047/, "", name); sub(/\047.*$/, "", name); sub(/^void /, "", name)
                sub(/\(microbench::tensor::[A-Za-z]*\)$/, "", name); shared = "0"
                for (shape in bytes) if (index(name, shape)) shared = bytes[shape]
                gsub(/microbench::tensor::|\(anonymous namespace\)::|\(bool\)|\(int\)/, "", name); gsub(/ /, "", name)
            }
            /bytes spill stores/ { spills = $5 + $9 }
            /Used [0-9]+ registers/ { for (i = 1; i < NF; ++i) if ($i == "Used") print "sm_" arch, name, $(i + 1), shared, spills }
        ' >>"$tmp/found"
    done
done
sort "$tmp/found" >"$tmp/sorted"

# Instructions in PTX: architecture, file, text, wanted (1) or not (0).
expect() {
    ptx=$(ls "$tmp/$1/$2".ptx "$tmp/$1/$2".compute_*.ptx 2>/dev/null | head -n 1)
    if [ -z "$ptx" ]; then complain "no PTX of $2.cu for sm_$1"; return; fi
    if grep -q -e "$3" "$ptx"; then has=1; else has=0; fi
    [ $has = "$4" ] || complain "PTX of $2.cu for sm_$1: '$3' found $has, expected $4"
}
for arch in 80 90a 100a; do
    for file in gemm attention; do
        expect $arch $file 'mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32' 1
        expect $arch $file 'cp.async.cg.shared.global' 1
        expect $arch $file 'ldmatrix.sync.aligned.m8n8.x4.shared.b16' 1
    done
    expect $arch attention 'ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16' 1
    expect $arch attention 'ex2.approx.ftz.f32' 1
    expect $arch gemm 'mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32' "$([ $arch = 80 ] && echo 0 || echo 1)"
    expect $arch moe 'cvt.rn.satfinite.e4m3x2.f32' "$([ $arch = 80 ] && echo 0 || echo 1)"
done
for text in wgmma.mma_async.sync.aligned.m64n256k16.f32.bf16.bf16 wgmma.mma_async.sync.aligned.m64n256k32.f32.e4m3.e4m3 \
    wgmma.fence.sync.aligned 'wgmma.wait_group.sync.aligned 1' fence.proxy.async.shared::cta cp.async.cg.shared.global; do
    expect 90a warpgroup_gemm "$text" 1
done
for text in wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 \
    'wgmma.wait_group.sync.aligned 1' fence.proxy.async.shared::cta cp.async.cg.shared.global; do
    expect 90a warpgroup_attention "$text" 1
done
disassembler=$(command -v cuobjdump || ls "$(dirname "$nvcc")/cuobjdump" 2>/dev/null)
if [ -n "$disassembler" ]; then
    for arch in 80 90a 100a; do
        for file in gemm attention; do
            "$disassembler" -sass "$tmp/$arch/$file.cubin" >"$tmp/sass"
            for text in HMMA LDGSTS LDSM; do
                grep -q $text "$tmp/sass" || complain "machine code of $file.cu for sm_$arch: no $text"
            done
        done
    done
    for file in warpgroup_gemm warpgroup_attention; do
        "$disassembler" -sass "$tmp/90a/$file.cubin" >"$tmp/sass"
        for text in HGMMA LDGSTS $([ $file = warpgroup_gemm ] && echo QGMMA); do
            grep -q $text "$tmp/sass" || complain "machine code of $file.cu for sm_90a: no $text"
        done
    done
else
    echo "check_resources: no cuobjdump: instructions checked in PTX only"
fi

if [ "${1:-}" = --update ]; then
    {
        echo "# Resources of the tensor kernels by ptxas; regenerate with check_resources.sh --update."
        echo "# $("$nvcc" --version | grep release | sed 's/.*release/nvcc release/')"
        echo "# architecture kernel registers shared_bytes(dynamic) spill_bytes"
        cat "$tmp/sorted"
    } >"$here/resources.txt"
fi
grep -v '^#' "$here/resources.txt" >"$tmp/expected" || { complain "resources.txt is empty or missing"; exit 1; }
awk '
    NR == FNR { registers[$1 " " $2] = $3; shared[$1 " " $2] = $4; next }
    {
        key = $1 " " $2; seen[key] = 1
        if ($5 != 0) print key ": " $5 " bytes spilled, expected none"
        if (!(key in registers)) { print key ": not in resources.txt"; next }
        change = $3 - registers[key]; if (change < 0) change = -change
        if (change > 16) print key ": " $3 " registers, expected " registers[key]
        if ($4 != shared[key]) print key ": " $4 " bytes of shared memory, expected " shared[key]
    }
    END { for (key in registers) if (!(key in seen)) print key ": in resources.txt only" }
' "$tmp/expected" "$tmp/sorted" >"$tmp/differences"
if [ -s "$tmp/differences" ]; then
    cat "$tmp/differences"
    complain "resources differ; if that is meant: check_resources.sh --update"
fi
[ $fail = 0 ] && echo "check_resources: $(wc -l <"$tmp/sorted" | tr -d ' ') kernels as expected, no spills"
exit $fail
