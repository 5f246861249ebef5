// SPDX-License-Identifier: Apache-2.0
// stream, l2 and latency: sizes of memory.
#include <algorithm>

#include "host/cases/cases.h"
#include "host/cases/sizes.h"
#include "host/formulas.h"
#include "host/rotation.h"

namespace microbench {

std::vector<Case> stream_cases(const Device& device) {
    std::vector<Case> cases;
    for (const double bytes : geometric(64 * kib, 8 * gib, 2)) {
        for (const char* op : {"read", "copy", "write"}) {
            const bool copy = std::string_view(op) == "copy";
            Case c{.table = "stream", .kernel = "vector16", .dtype = "", .shape = {{"size", bytes}}};
            c.labels = {{"op", op}};
            c.work = work(op, {bytes});
            c.device_bytes = bytes * (copy ? 2 : 1) * rotating_copies(c.work.bytes, device.l2_bytes);
            cases.push_back(std::move(c));
        }
    }
    return cases;
}

std::vector<Case> l2_cases(const Device& device) {
    std::vector<Case> cases;
    const double l2 = device.l2_bytes;
    std::vector<double> footprints = geometric(256 * kib, l2 / 4, 2);
    for (const double share : {0.35, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0, 3.0, 4.0}) {
        footprints.push_back(whole(share * l2, 64 * kib));
    }
    for (const double footprint : footprints) {
        // Each launch reads the footprint several times, so that one launch is long against its own start.
        const double passes = std::clamp(std::floor(64 * mib / footprint), 2.0, 64.0);
        Case c{.table = "l2", .kernel = "vector16", .dtype = "", .shape = {{"footprint", footprint}}};
        c.work = work("read", {footprint});
        c.operations = passes;
        c.device_bytes = footprint;
        cases.push_back(std::move(c));
    }
    return cases;
}

std::vector<Case> latency_cases(const Device&) {
    std::vector<Case> cases;
    for (const double footprint : geometric(16 * kib, gib, 2)) {
        Case c{
            .table = "latency", .kernel = "pointer_chase", .dtype = "", .shape = {{"footprint", footprint}}};
        c.work = work("chase", {});
        c.operations = 8192;   // dependent loads of one launch
        c.device_bytes = footprint;
        cases.push_back(std::move(c));
    }
    return cases;
}

}   // namespace microbench
