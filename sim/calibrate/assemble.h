// SPDX-License-Identifier: Apache-2.0
// From fits to a profile: which table serves which number format, and what is borrowed where nothing was measured.
#pragma once

#include <string>
#include <vector>

#include "moecost/calibrate/assembly_rules.h"
#include "moecost/calibrate/kernel_fit.h"
#include "moecost/calibrate/target.h"

namespace moecost {

/// A fit that the profile holds, and which of several candidates it is.
struct ChosenFit {
    std::size_t fit = 0;   // index into the fits
    bool own = true;       // of the engine asked for
};

struct Assembly {
    Profile profile;
    std::vector<ChosenFit> chosen;
    std::vector<std::string> borrowed;   // lines for people: what comes from where
};

/// By the rules of hwmodels/calibrate/assembly.toml, whose values stand here. `own` engine first, then sglang, trtllm, vllm
/// as far as the folder holds them:
///   gemm            first engine with a table of the format whose floor is below 20 us (above: timed from the host);
///                   TensorRT-LLM per-tensor fp8 gives 6.5 us of its floor (not below 3) to a kernel fused in service
///   moe             all kernels of the first engine that has any (microbench: the one with most rows); where the
///                   accelerator has fp4, also the generated kernels (flashinfer_trtllm) of the others, which every engine
///                   ships; mxfp4: weight-only kernels where there is no fp4, else those with mxfp8 activations
///   attention       of the first engine with any: the kernel with most rows, never a Triton or FA4 fallback; prefill: bf16
///                   queries on that cache, else fp8 queries, else bf16 cache
///   MLA             trtllm, then sglang (vLLM tables are timed from the host); microbench: its own
///   all-reduce      every engine's: the cheapest runs
/// What no row shows is taken from `base` and says so, as do the serving scalars, which no kernel shows.
[[nodiscard]] Assembly assemble(const std::vector<KernelFit>& fits, const Target& target,
                                const std::string& engine, const Profile& base, const AssemblyRules& rules);

}   // namespace moecost
