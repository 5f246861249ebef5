// SPDX-License-Identifier: Apache-2.0
// Small designs that tests ask questions about.
#pragma once

#include <doctest/doctest.h>

#include <string>

#include "moecost/design/design.h"
#include "moecost/law/law_toml.h"
#include "moecost/moecost.h"

namespace designs {

inline moecost::DataStore& data() {
    static moecost::DataStore store;
    return store;
}

inline moecost::LossBasis basis(const std::string& law, const std::string& bridge = {}) {
    moecost::LossBasis b{moecost::load_law(data(), law), std::nullopt};
    if (!bridge.empty()) b.bridge = moecost::load_law(data(), bridge);
    return b;
}

inline moecost::FamilyMember member(const std::string& family, const moecost::FamilyRequest& request) {
    const auto m = moecost::member_of(moecost::load_family(data(), family), request);
    if (!m) throw std::runtime_error(moecost::to_text(m.error()));
    return *m;
}

/// A deployment of some member on `gpu`; numbers are set again for each architecture.
inline moecost::Scenario machine(const std::string& gpu, const std::string& family = "joint-moe",
                                 const std::string& engine = "vllm") {
    moecost::Description d;
    d.gpu = gpu;
    d.engine = engine;
    d.isl = 1024;
    d.osl = 256;
    d.tp = 1;
    return *moecost::describe(data(), d, member(family, {1e9, 1, 1, 1, 0}).architecture);
}

/// Joint MoE on H100 and B200: 3 numbers of experts, 5 sizes, up to 4 GPUs.
inline moecost::DesignSpace small_space() {
    moecost::DesignSpace s;
    s.family = moecost::load_family(data(), "joint-moe");
    s.basis = basis("ludziejewski2025");
    s.experts = {1, 4, 16};
    s.top_k = {1};
    s.granularity = {1};
    s.shared_experts = {0};
    s.sizes = {0.5e9, 1e9, 2e9, 4e9, 8e9};
    s.refinements = 0;
    s.serving.machines = {machine("h100_sxm"), machine("b200_sxm")};
    s.serving.gpus = {1, 2, 4};
    s.serving.concurrency = {8, 64, 512};
    s.serving.fill = true;
    return s;
}

inline moecost::DesignGoal goal(double budget) {
    moecost::DesignGoal g;
    g.budget = budget;
    g.equal_to = 1;
    g.training = {"h100_sxm", 989.4e12, 0.4, 2};
    return g;
}

inline moecost::DesignAnswer solved(const moecost::DesignSpace& space, const moecost::DesignGoal& goal,
                                    unsigned threads = 2) {
    const auto answer = moecost::design(space, goal, {threads, nullptr, {}});
    REQUIRE_MESSAGE(answer, moecost::to_text(answer ? moecost::Infeasible{} : answer.error()));
    return *answer;
}

inline moecost::Infeasible refused(const moecost::DesignSpace& space, const moecost::DesignGoal& goal) {
    const auto answer = moecost::design(space, goal, {2, nullptr, {}});
    REQUIRE_FALSE(answer);
    return answer.error();
}

inline const moecost::FamilyMember& winner(const moecost::DesignAnswer& a) {
    return a.models[a.winner.model].member;
}

}   // namespace designs
