// SPDX-License-Identifier: Apache-2.0
#include "moecost/hardware/profile/relative.h"

#include "moecost/base/data.h"

namespace moecost {
namespace {

/// Share of the peak that products alone reach.
double ceiling_of_products(const DataStore& data) {
    const Document document = data.open("hwmodels", "timing", "table of law constants");
    return Reader(document).table("borrowed").number("ceiling", {0.1, 1});
}

double rate_of(const Accelerator& gpu) {
    return gpu.multiprocessors > 0 ? gpu.peak_of(MathUnit::bf16).value() / gpu.multiprocessors : 0;
}

template <class Table>
void rescale(std::vector<Table>& tables, double ratio, double ceiling) {
    for (Table& t : tables) t.compute = share_on_relative(t.compute, ratio, ceiling);
}

}   // namespace

double share_on_relative(double share, double rate_ratio, double ceiling) {
    if (share >= ceiling) return share;
    return 1 / (1 / ceiling + rate_ratio * (1 / share - 1 / ceiling));
}

Profile load_profile(const DataStore& data, const Accelerator& gpu, std::string_view engine) {
    Profile p = load_profile(data, gpu.id, gpu.relative, engine);
    if (p.basis != Provenance::borrowed || p.accelerator != gpu.relative || !p.kernels) return p;
    const Accelerator timed = load_accelerator(data, gpu.relative);
    const bool siblings = timed.vendor == gpu.vendor && timed.generation == gpu.generation;
    if (!siblings || rate_of(gpu) <= 0 || rate_of(timed) <= 0) return p;
    const double ratio = rate_of(gpu) / rate_of(timed);
    const double ceiling = ceiling_of_products(data);
    KernelTables& k = *p.kernels;
    rescale(k.gemm, ratio, ceiling);
    rescale(k.moe, ratio, ceiling);
    rescale(k.decode_attention, ratio, ceiling);
    rescale(k.prefill_attention, ratio, ceiling);
    rescale(k.mla_decode, ratio, ceiling);
    rescale(k.mla_prefill, ratio, ceiling);
    return p;
}

}   // namespace moecost
