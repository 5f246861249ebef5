// SPDX-License-Identifier: Apache-2.0
// One basis of price for all machines of a plan: rents of different kinds turn an order round.
#include <algorithm>

#include "moecost/hardware/cluster.h"
#include "plan/plan.h"

namespace moecost::cli {
namespace {

std::string priced_id(const DataStore& data, const std::string& name, bool is_cluster) {
    const Accelerator gpu = is_cluster ? load_cluster(data, name).gpu : load_accelerator(data, name);
    return gpu.same_as.empty() ? gpu.id : gpu.same_as;
}

std::vector<std::string> bases_of(const DataStore& data, const std::string& name, bool is_cluster) {
    const std::string id = priced_id(data, name, is_cluster);
    std::vector<std::string> bases;
    if (const Price usual = choose_price(data, id, ""); usual.known()) bases.push_back(usual.basis);
    for (const Price& p : prices_of(data, id)) bases.push_back(p.basis);
    return bases;
}

/// The person states a price of this machine alone.
bool is_given(const DataStore& data, const std::string& name, bool is_cluster, const std::string& choice) {
    const GivenPrices given = given_prices(data, choice);
    const std::string id = priced_id(data, name, is_cluster);
    return std::any_of(given.own.begin(), given.own.end(), [&](const auto& p) { return p.first == id; });
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

std::string with_given(std::string basis, const std::string& given) {
    if (given.empty() || basis.empty()) return basis.append(given);
    return basis.append(",").append(given);
}

}   // namespace

bool has_price(const DataStore& data, const std::string& name, bool is_cluster, const std::string& choice) {
    return is_given(data, name, is_cluster, choice) || !bases_of(data, name, is_cluster).empty();
}

void choose_prices(const Invocation& in, Description& base, const std::vector<std::string>& gpus,
                   PlanQuestion& q) {
    if (base.usd_per_gpu_hour) {
        q.price_basis = "as given, the same for all";
        return;
    }
    const std::string given = base.price;
    if (!given_prices(in.data, given).others.empty()) {
        q.price_basis = given;
        return;
    }
    std::vector<std::vector<std::string>> all;
    std::string kinds;
    for (const std::string& gpu : gpus) {
        if (is_given(in.data, gpu, in.line.has("cluster"), given)) continue;
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
    base.price = with_given(common_basis(all), given);
    q.price_basis = base.price;
    if (!given.empty())
        q.warnings.push_back(std::string("prices as given (")
                                 .append(given)
                                 .append(") stand beside those of the price lists: the order by cost may be "
                                         "that of the contracts"));
    if (base.price != given || all.empty()) return;
    q.price_basis = with_given("of several kinds", given);
    std::string warning("PRICES ARE NOT OF ONE KIND, so the order by cost may be that of the contracts: ");
    q.warnings.push_back(warning.append(kinds).append("; --price names one basis or a rent"));
}

}   // namespace moecost::cli
