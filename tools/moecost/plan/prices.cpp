// SPDX-License-Identifier: Apache-2.0
// One basis of price for all machines of a plan: rents of different kinds turn an order round.
#include <algorithm>

#include "moecost/hardware/cluster.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

std::vector<std::string> bases_of(const DataStore& data, const std::string& name, bool is_cluster) {
    const Accelerator gpu = is_cluster ? load_cluster(data, name).gpu : load_accelerator(data, name);
    const std::string& id = gpu.same_as.empty() ? gpu.id : gpu.same_as;
    std::vector<std::string> bases;
    if (const Price usual = choose_price(data, id, ""); usual.known()) bases.push_back(usual.basis);
    for (const Price& p : prices_of(data, id)) bases.push_back(p.basis);
    return bases;
}

bool has(const std::vector<std::string>& list, const std::string& x) {
    return std::find(list.begin(), list.end(), x) != list.end();
}

/// The first basis that every priced machine has: the usual one of a machine before the others of its file.
std::string common_basis(const std::vector<std::vector<std::string>>& all) {
    for (const bool usual_alone : {true, false}) {
        for (const auto& own : all) {
            for (std::size_t i = 0; i < (usual_alone ? std::min<std::size_t>(1, own.size()) : own.size());
                 ++i) {
                const bool everywhere =
                    std::all_of(all.begin(), all.end(), [&](const auto& o) { return has(o, own[i]); });
                if (everywhere) return own[i];
            }
        }
    }
    return {};
}

}   // namespace

bool has_price(const DataStore& data, const std::string& name, bool is_cluster) {
    return !bases_of(data, name, is_cluster).empty();
}

void choose_prices(const Invocation& in, Description& base, const std::vector<std::string>& gpus,
                   PlanQuestion& q) {
    if (base.usd_per_gpu_hour) {
        q.price_basis = "as given, the same for all";
        return;
    }
    if (!base.price.empty()) {
        q.price_basis = base.price;
        return;
    }
    std::vector<std::vector<std::string>> all;
    std::string kinds;
    for (const std::string& gpu : gpus) {
        auto bases = bases_of(in.data, gpu, in.line.has("cluster"));
        if (bases.empty()) {
            std::string warning("no price of ");
            q.warnings.push_back(
                warning.append(gpu).append(" is known: --price states one; it is not compared by cost"));
            continue;
        }
        kinds.append(kinds.empty() ? "" : ", ").append(gpu).append(" ").append(words(bases.front()));
        all.push_back(std::move(bases));
    }
    base.price = common_basis(all);
    q.price_basis = base.price;
    if (!base.price.empty() || all.empty()) return;
    q.price_basis = "of several kinds";
    std::string warning("PRICES ARE NOT OF ONE KIND, so the order by cost may be that of the contracts: ");
    q.warnings.push_back(warning.append(kinds).append("; --price names one basis or a rent"));
}

}   // namespace moecost::cli
