// SPDX-License-Identifier: Apache-2.0
#include "host/run.h"

#include <stdexcept>

#include "base/format.h"
#include "host/glob.h"

namespace microbench {
namespace {

void check_memory(const Case& c, const Device& device) {
    if (c.device_bytes <= device.free_bytes || device.free_bytes <= 0) return;
    std::string reason = "not enough memory: needs ";
    reason.append(moecost::byte_size(c.device_bytes)).append(", ");
    throw SkipCase{reason.append(moecost::byte_size(device.free_bytes)).append(" are free")};
}

/// The measurement, or the reason why there is none. `open`, kernels and the file system may all fail.
std::string attempt(const SelectedCase& selected, const Backend& backend, Results& results,
                    const RunOptions& options, const Listener& listener, const std::function<bool()>& stop) {
    const Case& c = selected.c;
    try {
        check_memory(c, backend.device);
        const Opened opened = backend.open(selected.bench, c);
        const Measurement m = measure(opened, options.rule, backend.clock, stop);
        if (stop()) return "interrupted";
        results.append(c, row_of(c, options.context, m));
        if (listener.measured) listener.measured(c, m);
    } catch (const SkipCase& skip) {
        return skip.reason;
    } catch (const std::exception& error) {
        return error.what();
    }
    return {};
}

}   // namespace

std::vector<SelectedCase> select_cases(const std::vector<Bench>& benches, const Device& device,
                                       const std::string& filter) {
    std::vector<SelectedCase> cases;
    for (const Bench& bench : benches) {
        for (Case& c : bench.cases(device)) {
            if (selected(filter, c.name())) cases.push_back({bench, std::move(c)});
        }
    }
    return cases;
}

Report run(const std::vector<SelectedCase>& cases, const Backend& backend, Results& results,
           const RunOptions& options, const Listener& listener, const std::function<bool()>& stop) {
    Report report;
    std::vector<const SelectedCase*> open;
    for (const SelectedCase& selected : cases) {
        if (results.finished(selected.c)) {
            ++report.finished_before;
        } else {
            open.push_back(&selected);
        }
    }
    const double start = backend.clock();
    for (std::size_t i = 0; i < open.size(); ++i) {
        const Progress progress{i, open.size(), backend.clock() - start, options.time_limit};
        const bool late = options.time_limit > 0 && progress.seconds >= options.time_limit;
        if (stop() || late) {
            report.not_reached = open.size() - i;
            break;
        }
        const std::string name = open[i]->c.name();
        if (listener.progress) listener.progress(progress, name);
        const std::string reason = attempt(*open[i], backend, results, options, listener, stop);
        if (stop() && !reason.empty()) {
            report.not_reached = open.size() - i;
            break;
        }
        if (reason.empty()) {
            ++report.measured;
        } else {
            report.skipped.emplace_back(name, reason);
        }
    }
    report.interrupted = stop();
    return report;
}

int exit_code(const Report& report) {
    if (report.interrupted) return 130;
    return report.measured + report.finished_before > 0 ? 0 : 1;
}

}   // namespace microbench
