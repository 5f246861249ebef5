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
    moecost::Scenario scenario = moecost::describe(moecost::DataStore{}, description);

    std::puts("users  tokens/s  ms/token  $/Mtok output");
    for (const double users : {1.0, 4.0, 16.0, 64.0, 256.0}) {
        scenario.traffic.requests = users;
        const auto estimate = moecost::evaluate(scenario);
        if (!estimate) {
            std::printf("%5.0f  %s\n", users, moecost::describe(estimate.error()).c_str());
            continue;
        }
        std::printf("%5.0f  %8.0f  %8.2f  %13.3f\n", users, estimate->serving.output_tokens_per_s.value(),
                    estimate->serving.tpot.value() * 1e3, estimate->cost.usd_per_mtok_output);
    }
}
