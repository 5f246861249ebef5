// SPDX-License-Identifier: Apache-2.0
#include "moecost/timing/step_plans.h"

#include <algorithm>

namespace moecost {
namespace {

// What is beyond is forgotten all at once: a sweep visits its plans in long runs.
constexpr std::size_t most_plans = 64;
constexpr std::size_t most_gemms = 256;

}   // namespace

ManyGemms& StepPlans::gemms() {
    const auto known = std::find_if(machines_.begin(), machines_.end(),
                                    [&](const auto& m) { return m->machine == key_.machine; });
    if (known != machines_.end()) return (*known)->gemms;
    machines_.push_back(std::make_unique<Machine>(key_.machine, bands_));
    return machines_.back()->gemms;
}

StepPlans::Kept& StepPlans::kept(const Layout& layout, Phase phase) {
    key_.layout = layout;
    key_.phase = phase;
    if (last_ != nullptr && last_->key == key_) return *last_;
    const auto known =
        std::find_if(kept_.begin(), kept_.end(), [&](const auto& k) { return k->key == key_; });
    if (known != kept_.end()) {
        last_ = known->get();
        return *last_;
    }
    std::size_t gemms_held = 0;
    for (const auto& m : machines_) gemms_held += m->gemms.size();
    if (kept_.size() >= most_plans || gemms_held >= most_gemms) {
        kept_.clear();
        machines_.clear();
    }
    last_ = kept_.emplace_back(std::make_unique<Kept>()).get();
    last_->key = key_;
    last_->place = {&last_->plan, &gemms()};
    return *last_;
}

StepPlans::Equipped StepPlans::of(const Layout& layout, Phase phase, const Cluster& cluster,
                                  const Profile& profile, const Precision& precision) {
    Kept& k = kept(layout, phase);
    if (k.hardware.cluster != &cluster || k.hardware.profile != &profile)
        k.hardware = calibrated_hardware(cluster, profile, precision);
    return {k.place, &k.hardware};
}

}   // namespace moecost
