// SPDX-License-Identifier: Apache-2.0
#include "moecost/design/search.h"

#include <algorithm>
#include <cmath>

#include "moecost/design/models.h"

namespace moecost {
namespace {

bool known(const std::vector<DesignModel>& models, const DesignModel& m) {
    return std::any_of(models.begin(), models.end(), [&](const DesignModel& o) { return same(o, m); });
}

/// Tokens/s of a GPU that trains the model, on as many GPUs as the machine has or as it takes; 0: on none.
double trained_on(const TrainingMachine& m, const Architecture& architecture) {
    const CalibratedHardware hardware = calibrated_hardware(m.cluster, m.profile, m.precision);
    for (int gpus = m.gpus; gpus <= 16 * m.gpus; gpus *= 2) {
        const auto plan = best_training(architecture, m.precision, hardware, m.constants, gpus, m.task);
        if (plan) return plan->step.tokens_per_s_gpu;
    }
    return 0;
}

/// The rate at a power of two of the size, once for each combination.
double rate_at(Search& search, const DesignModel& model, int power) {
    const auto [at, fresh] = search.training_rates.emplace(std::pair{model.combination, power}, 0);
    if (!fresh) return at->second;
    const DesignCombination& c = search.answer.combinations[model.combination];
    const auto there = build_model(search.space, c, std::exp2(power));
    if (there) at->second = trained_on(*search.goal.training.machine, there->member.architecture);
    return at->second;
}

/// Between the powers of two around its size; the layouts of a size are searched for those alone.
double training_rate_of(Search& search, const DesignModel& model) {
    if (!search.goal.training.machine) return 0;
    const double x = std::log2(model.member.request.size);
    const int below = static_cast<int>(std::floor(x));
    const double low = rate_at(search, model, below);
    const double high = rate_at(search, model, below + 1);
    if (!(low > 0 && high > 0)) return trained_on(*search.goal.training.machine, model.member.architecture);
    return std::exp(std::log(low) + (x - below) * std::log(high / low));
}

}   // namespace

bool same(const DesignModel& a, const DesignModel& b) {
    const Architecture& x = a.member.architecture;
    const Architecture& y = b.member.architecture;
    return a.combination == b.combination && x.hidden == y.hidden && x.layers == y.layers &&
           x.mixers == y.mixers && x.ffns == y.ffns;
}

void add_models(Search& search, std::vector<DesignModel> models) {
    std::vector<DesignModel> fresh;
    for (DesignModel& m : models) {
        if (!known(search.answer.models, m) && !known(fresh, m)) fresh.push_back(std::move(m));
    }
    std::vector<const Architecture*> architectures;
    for (const DesignModel& m : fresh) architectures.push_back(&m.member.architecture);
    auto table = serve_all(search.space.serving, architectures, search.options);
    for (std::size_t i = 0; i < fresh.size(); ++i) {
        fresh[i].served = std::move(table[i]);
        fresh[i].training_rate = training_rate_of(search, fresh[i]);
        for (const Served& s : fresh[i].served) search.answer.evaluated += s.evaluated;
        search.answer.models.push_back(std::move(fresh[i]));
    }
    search.answer.built = search.answer.models.size();
}

void add_sizes(Search& search, const std::vector<Wanted>& wanted) {
    std::vector<DesignModel> models;
    for (const Wanted& w : wanted) {
        auto model = build_model(search.space, search.answer.combinations[w.combination], w.size);
        if (!model) {
            search.not_built.insert_or_assign(search.answer.combinations[w.combination].experts,
                                              model.error());
            continue;
        }
        model->combination = w.combination;
        models.push_back(std::move(*model));
    }
    add_models(search, std::move(models));
}

std::size_t place_of(Search& search, const DesignCombination& c, bool& candidate) {
    auto& list = search.answer.combinations;
    auto at = std::find(list.begin(), list.end(), c);
    if (at == list.end()) at = list.insert(list.end(), c);
    candidate = static_cast<std::size_t>(at - list.begin()) < search.listed;
    return static_cast<std::size_t>(at - list.begin());
}

}   // namespace moecost
