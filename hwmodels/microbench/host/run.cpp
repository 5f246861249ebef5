// SPDX-License-Identifier: Apache-2.0
#include "host/run.h"

#include <stdexcept>
#include <string_view>

#include "host/glob.h"
#include "moecost/base/format.h"

namespace microbench {
namespace {

void check_memory(const Case& c, const Device& device) {
    if (c.device_bytes <= device.free_bytes || device.free_bytes <= 0) return;
    std::string reason = "not enough memory: needs ";
    reason.append(moecost::byte_size(c.device_bytes)).append(", ");
    throw SkipCase{reason.append(moecost::byte_size(device.free_bytes)).append(" are free")};
}

void check_unfinished(const Case& c, const Results& results) {
    const std::size_t times = results.times_unfinished(c);
    if (times < most_unfinished) return;
    std::string reason = std::to_string(times);
    throw SkipCase{reason.append(" runs ended in it; delete unfinished.txt to try it again")};
}

struct Outcome {
    std::string reason{};   // why there is no measurement; empty: there is
    bool failed = false;    // something was wrong, rather than not possible here
};

/// The measurement, or the reason why there is none. `open`, kernels and the file system may all fail.
Outcome attempt(const SelectedCase& selected, const Backend& backend, Results& results,
                const RunOptions& options, const Listener& listener, const std::function<bool()>& stop) {
    const Case& c = selected.c;
    try {
        check_memory(c, backend.device);
        check_unfinished(c, results);
        if (options.began) options.began(c);
        results.begin(c);
        const Opened opened = backend.open(selected.bench, c);
        const Measurement m = measure(opened, options.rule, backend.clock, stop);
        if (stop()) return {"interrupted"};
        results.append(c, row_of(c, options.context, m));
        if (listener.measured) listener.measured(c, m);
    } catch (const SkipCase& skip) {
        return {skip.reason};
    } catch (const std::exception& error) {
        return {error.what(), true};
    }
    return {};
}

/// Whether a case of the bench can match: names of its tables begin with its own, names of cases with their table.
/// Most filters name one table, and listing the cases of all others takes longer than anything else.
bool may_match(std::string_view filter, std::string_view bench) {
    const std::size_t end = filter.find_first_of("*?/");
    const std::string_view literal = filter.substr(0, end);
    const bool whole_table = end != std::string_view::npos && filter[end] == '/';
    return literal.starts_with(bench) || (!whole_table && bench.starts_with(literal));
}

}   // namespace

std::vector<SelectedCase> select_cases(const std::vector<Bench>& benches, const Device& device,
                                       const std::string& filter) {
    std::vector<SelectedCase> cases;
    for (const Bench& bench : benches) {
        if (!may_match(filter, bench.name)) continue;
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
        const Outcome outcome = attempt(*open[i], backend, results, options, listener, stop);
        if (outcome.failed && backend.recover && !backend.recover()) {
            report.skipped.emplace_back(name, outcome.reason);
            report.lost_in = name;   // its line in unfinished.txt stays
            report.not_reached = open.size() - i - 1;
            break;
        }
        results.end();
        if (stop() && !outcome.reason.empty()) {
            report.not_reached = open.size() - i;
            break;
        }
        if (outcome.reason.empty()) {
            ++report.measured;
        } else {
            report.skipped.emplace_back(name, outcome.reason);
        }
    }
    report.interrupted = stop();
    return report;
}

int exit_code(const Report& report) {
    if (report.interrupted) return 130;
    if (!report.lost_in.empty()) return exit_lost;
    return report.measured + report.finished_before > 0 ? 0 : 1;
}

}   // namespace microbench
