// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/description.h"

namespace moecost {

Description description_of(const FamilyRequest& r) {
    Description d;
    d.size = r.size;
    d.experts = r.experts;
    d.top_k = r.top_k;
    d.granularity = r.granularity;
    d.shared_experts = r.shared_experts;
    return d;
}

FamilyRequest member_request(const Description& d) {
    return {d.size.value_or(0), d.experts.value_or(0), d.top_k.value_or(0), d.granularity.value_or(0),
            d.shared_experts.value_or(-1)};
}

Location place_of(const Description& d, std::string_view key) {
    for (const auto& [name, where] : d.places) {
        if (name == key) return where;
    }
    return {};
}

void remember_place(Description& d, std::string key, Location where) {
    std::erase_if(d.places, [&](const auto& place) { return place.first == key; });
    if (!where.file.empty()) d.places.emplace_back(std::move(key), std::move(where));
}

}   // namespace moecost
