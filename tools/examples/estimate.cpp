// SPDX-License-Identifier: Apache-2.0
// Price of a token of DeepSeek-V3 on eight H200 under SGLang, over the number of users.
// Build: c++ -std=c++20 estimate.cpp with the target moecost::moecost (find_package(moecost)).
#include <moecost/moecost.h>

#include <cstdio>

int main() {
    moecost::Description description;
    description.model = "deepseek-v3";
    description.gpu = "h200_sxm";
    description.engine = "sglang";
    description.tp = 8;
    description.isl = 2048;
    description.osl = 512;
    const auto described = moecost::describe(moecost::DataStore{}, description);
    if (!described) return std::puts(moecost::to_text(described.error()).c_str()), 3;
    moecost::Scenario scenario = *described;

    std::puts("users  tokens/s  ms/token  $/Mtok output");
    for (const double users : {1.0, 4.0, 16.0, 64.0, 256.0}) {
        scenario.traffic.load = moecost::ClosedLoop{users};
        const auto estimate = moecost::evaluate(scenario);
        if (!estimate) {
            std::printf("%5.0f  %s\n", users, moecost::to_text(estimate.error()).c_str());
            continue;
        }
        std::printf("%5.0f  %8.0f  %8.2f  %13.3f\n", users, estimate->serving.output_tokens_per_s.value(),
                    estimate->serving.tpot.value() * 1e3, estimate->cost.usd_per_mtok_output);
    }
}
