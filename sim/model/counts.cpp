// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/counts.h"

namespace moecost {

Counts count(const Architecture& architecture) {
    Counts counts;
    double input_table = 0;
    for (const Tensor& t : tensors(architecture)) {
        const auto component = static_cast<std::size_t>(t.component);
        const double active = t.elements() * t.active_copies;
        counts.by_component[component] += t.elements() * t.copies;
        counts.active_by_component[component] += active;
        counts.total += t.elements() * t.copies;
        counts.active_incl_embeddings += active;
        if (t.kind == TensorKind::input_table) input_table += active;
        if (t.kind == TensorKind::matmul || t.kind == TensorKind::tied_table)
            counts.active_matmul_only += active;
    }
    counts.active_excl_input_gather = counts.active_incl_embeddings - input_table;
    for (const Tensor& t : mtp_tensors(architecture)) counts.mtp += t.elements() * t.copies;
    for (const Tower& t : architecture.towers) counts.towers += static_cast<double>(t.parameters);
    return counts;
}

Bytes WeightBytes::total() const {
    Bytes sum;
    for (const Bytes bytes : by_component) sum += bytes;
    return sum;
}

WeightBytes weight_bytes(const Architecture& architecture, const Precision& precision) {
    WeightBytes result;
    const auto add = [&](const std::vector<Tensor>& list, auto& to) {
        for (const Tensor& t : list) {
            if (!t.on_host) to[static_cast<std::size_t>(t.component)] += stored_bytes(t, precision);
        }
    };
    add(tensors(architecture), result.by_component);
    add(tower_tensors(architecture), result.by_component);
    add(mtp_tensors(architecture), result.of_mtp);
    if (!precision.same_weights(architecture.precision)) return result;
    for (const MixedFormat& m : architecture.mixed)
        result.by_component[static_cast<std::size_t>(m.component)] += Bytes{m.bytes};
    return result;
}

}   // namespace moecost
