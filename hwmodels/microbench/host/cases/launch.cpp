// SPDX-License-Identifier: Apache-2.0
// launch and clocks.
#include "host/cases/cases.h"
#include "host/formulas.h"

namespace microbench {

std::vector<Case> launch_cases(const Device& device) {
    std::vector<Case> cases;
    // device time of `nodes` empty kernels one after another, then host time of submitting them
    for (const char* mode : {"stream", "graph", "dependent", "host_stream", "host_graph"}) {
        const bool dependent = std::string_view(mode) == "dependent";
        if (dependent && device.compute_capability < 90) continue;
        for (const double nodes : {1., 2., 5., 10., 20., 50., 100., 200., 500., 1000.}) {
            Case c{.table = "launch", .kernel = "empty", .dtype = "", .shape = {{"nodes", nodes}}};
            c.labels = {{"mode", mode}};
            c.work = work("launch", {});
            cases.push_back(std::move(c));
        }
    }
    return cases;
}

std::vector<Case> clock_cases(const Device& device) {
    std::vector<Case> cases;
    for (const char* load : {"idle", "fma", "read", "gemm", "gemm_fp8"}) {
        const bool fp8 = std::string_view(load) == "gemm_fp8";
        if (fp8 && device.compute_capability < 89) continue;
        Case c{.table = "clocks", .kernel = "sustained", .dtype = fp8 ? "fp8" : ""};
        c.labels = {{"load", load}};
        c.shape = {{"seconds", 5}};
        c.device_bytes = 3e9;
        cases.push_back(std::move(c));
    }
    return cases;
}

}   // namespace microbench
