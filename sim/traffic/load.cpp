// SPDX-License-Identifier: Apache-2.0
#include "moecost/traffic/load.h"

#include <array>
#include <cstddef>

namespace moecost {

std::string_view name_of(const Load& load) {
    constexpr std::array<std::string_view, std::variant_size_v<Load>> names = {
        "closed_loop", "open_loop", "offline",      "static_batch",
        "burst",       "replay",    "prefill_only", "decode_only"};
    return names[load.index()];
}

namespace {

/// The member of a load that holds its size; null where there is none.
struct SizeOf {
    double* operator()(ClosedLoop& l) const { return &l.concurrency; }
    double* operator()(OpenLoop& l) const { return &l.rate; }
    double* operator()(Offline& l) const { return l.requests > 0 ? &l.requests : nullptr; }
    double* operator()(StaticBatch& l) const { return &l.requests; }
    double* operator()(Burst& l) const { return &l.requests; }
    double* operator()(Replay&) const { return nullptr; }
    double* operator()(PrefillOnly&) const { return nullptr; }
    double* operator()(DecodeOnly& l) const { return &l.requests; }
};

}   // namespace

std::optional<double> size_of(const Load& load) {
    if (const auto* replay = std::get_if<Replay>(&load)) {
        return replay->rate > 0 ? replay->count : static_cast<double>(replay->requests.size());
    }
    Load copy = load;
    const double* size = std::visit(SizeOf{}, copy);
    return size != nullptr ? std::optional(*size) : std::nullopt;
}

Load resized(Load load, double size) {
    if (double* own = std::visit(SizeOf{}, load)) *own = size;
    return load;
}

namespace {

struct PartOf {
    double instances;
    Load operator()(ClosedLoop l) const {
        l.concurrency /= instances;
        l.requests /= instances;
        return l;
    }
    Load operator()(Replay l) const {
        l.one_of *= instances;
        l.count /= instances;
        l.rate /= instances;
        return l;
    }
    template <class Kind>
    Load operator()(Kind l) const {
        if (double* size = SizeOf{}(l)) *size /= instances;
        return l;
    }
};

}   // namespace

Load per_instance(const Load& load, double instances) {
    if (instances == 1) return load;
    return std::visit(PartOf{instances}, load);
}

}   // namespace moecost
