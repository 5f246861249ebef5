// SPDX-License-Identifier: Apache-2.0
#include "host/session.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <map>
#include <ostream>

#include "host/device_file.h"
#include "host/interrupt.h"
#include "host/plan.h"
#include "host/run.h"
#include "host/watchdog.h"
#include "moecost/base/error.h"
#include "moecost/base/file.h"
#include "moecost/base/format.h"

namespace microbench {
namespace {

constexpr double longest_silence = 120;   // seconds in one case, its comparison on the CPU included

std::string today() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm utc{};
    gmtime_r(&now, &utc);
    char text[16];
    const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%d", &utc);
    return {text, n};
}

std::string fact(const Backend& backend, std::string_view key) {
    for (const auto& [name, value] : backend.facts) {
        if (name == key) return value;
    }
    return {};
}

void list(const std::vector<Bench>& benches, const Device& device, const std::string& filter,
          std::ostream& out) {
    std::size_t total = 0;
    for (const Bench& bench : benches) {
        const std::vector<SelectedCase> cases = select_cases({bench}, device, filter);
        if (cases.empty()) continue;
        total += cases.size();
        out << "# " << bench.name << ": " << cases.size() << " cases, decide " << bench.calibrates << "\n";
        for (const SelectedCase& selected : cases) out << selected.c.name() << "\n";
    }
    out << "# " << total << " cases on " << device.name << "\n";
}

/// "gemm/.../m=64  12.3 us  (12.2 to 12.5)  3.28 TB/s  11.2 TFLOP/s  1755 MHz".
std::string result_line(const Case& c, const Measurement& m) {
    const double seconds = m.summary.median_us * 1e-6;
    std::string line = c.name();
    line.append("  ").append(moecost::duration(seconds)).append("  (");
    line.append(moecost::significant(m.summary.p10_us, 3)).append(" to ");
    line.append(moecost::significant(m.summary.p90_us, 3)).append(")");
    if (c.work.bytes > 0) line.append("  ").append(moecost::byte_size(c.work.bytes / seconds)).append("/s");
    if (c.work.flop > 0) {
        line.append("  ").append(moecost::significant(c.work.flop / seconds / 1e12, 3)).append(" TFLOP/s");
    }
    if (m.summary.sm_mhz > 0) line.append("  ").append(moecost::fixed(m.summary.sm_mhz, 0)).append(" MHz");
    if (!m.code.empty()) line.append("  ").append(m.code);
    return line;
}

/// On a terminal the line is redrawn in place; in a log it appears every thirty seconds.
class ProgressPrinter {
  public:
    explicit ProgressPrinter(std::ostream& err) : err_(err), terminal_(isatty(STDERR_FILENO) != 0) {}
    void show(const Progress& progress, const std::string& current) {
        if (terminal_) {
            err_ << "\r\x1b[K" << progress_line(progress, current, 100) << std::flush;
        } else if (progress.done == 0 || progress.seconds - last_ >= 30) {
            err_ << progress_line(progress, current, 100) << "\n";
            last_ = progress.seconds;
        }
    }
    void clear() {
        if (terminal_) err_ << "\r\x1b[K" << std::flush;
    }

  private:
    std::ostream& err_;
    bool terminal_;
    double last_ = 0;
};

/// One line for all cases of a table that were skipped for the same reason.
void print_skipped(const Report& report, std::ostream& err) {
    std::map<std::pair<std::string, std::string>, std::vector<std::string>> groups;
    for (const auto& [name, reason] : report.skipped) {
        groups[{name.substr(0, name.find('/')), reason}].push_back(name);
    }
    for (const auto& [key, names] : groups) {
        err << "skipped: ";
        if (names.size() > 1) err << names.size() << " cases of " << key.first << ", the first ";
        err << names[0] << ": " << key.second << "\n";
    }
}

void print_report(const Report& report, const std::string& folder, std::ostream& out, std::ostream& err) {
    print_skipped(report, err);
    out << report.measured << " cases measured, " << report.finished_before << " finished before, "
        << report.skipped.size() << " skipped";
    if (report.not_reached > 0) out << ", " << report.not_reached << " left: run again to go on";
    if (!report.lost_in.empty()) out << " (the device was lost in " << report.lost_in << ")";
    out << "; tables in " << folder << "\n";
}

/// Which fits have the rows they want.
void print_coverage(const std::vector<Coverage>& groups, std::ostream& out) {
    for (const Coverage& g : groups) {
        out << "  " << moecost::align_right(std::to_string(g.rows), 5) << " rows of " << g.group;
        if (g.rows < g.wanted) out << ": a fit wants " << g.wanted;
        out << "\n";
    }
}

std::string joined(const std::vector<std::string>& arguments) {
    std::string command = "moecost-microbench";
    for (const std::string& a : arguments) command.append(" ").append(a);
    return command;
}

/// A device that answers no more cannot be left in order either: destructors would wait for it.
[[noreturn]] void give_up(const std::string& current) {
    std::fprintf(stderr, "\n%s: no end after %.0f s: the device hangs; run again to go on\n", current.c_str(),
                 longest_silence);
    std::_Exit(exit_lost);
}

int run_cases(const std::vector<std::string>& arguments, const Options& options,
              const std::vector<Bench>& benches, const Backend& backend, std::ostream& out,
              std::ostream& err) {
    const auto cases = planned(select_cases(benches, backend.device, options.filter));
    if (cases.empty()) {
        err << "no case matches '" << options.filter << "'; --list shows their names\n";
        return 2;
    }
    Results results(options.out);
    moecost::write_file(std::string(options.out).append("/device.json"),
                        device_json(backend, today(), joined(arguments)));
    RunOptions run_options;
    run_options.rule.seconds = longest_case(options);
    run_options.time_limit = run_seconds(options);
    run_options.context.gpu = gpu_id(backend.device.name);
    run_options.context.engine_version = MICROBENCH_VERSION;
    run_options.context.nccl_version = fact(backend, "nccl");
    ProgressPrinter printer(err);
    Listener listener;
    listener.progress = [&](const Progress& progress, const std::string& current) {
        printer.show(progress, current);
    };
    listener.measured = [&](const Case& c, const Measurement& m) {
        printer.clear();
        out << result_line(c, m) << std::endl;
    };
    catch_interrupts();
    Watchdog watchdog(backend.recover ? longest_silence : 0, give_up);
    run_options.began = [&](const Case& c) { watchdog.restart(c.name()); };
    const Report report = run(cases, backend, results, run_options, listener, interrupted);
    printer.clear();
    print_report(report, options.out, out, err);
    print_coverage(coverage(cases, [&](const Case& c) { return results.finished(c); }), out);
    return exit_code(report);
}

/// Without a device --list shows the cases of the device file or of an assumed one.
Device listed_device(const Options& options, const std::function<Backend(const Options&)>& choose) {
    if (options.device.empty()) {
        try {
            return choose(options).device;
        } catch (const NoDevice&) {
            return assumed_device();
        }
    }
    Backend described;
    read_device_json(options.device, described);
    return described.device;
}

}   // namespace

int session(const std::vector<std::string>& arguments, const std::vector<Bench>& benches,
            const std::function<Backend(const Options&)>& choose, std::ostream& out, std::ostream& err) {
    try {
        const Options options = parse_options(arguments);
        if (options.help) {
            out << help_text("moecost-microbench");
        } else if (options.version) {
            out << "moecost-microbench " << MICROBENCH_VERSION << "\n";
        } else if (options.list) {
            list(benches, listed_device(options, choose), options.filter, out);
        } else {
            return run_cases(arguments, options, benches, choose(options), out, err);
        }
        return 0;
    } catch (const NoDevice& none) {
        err << "moecost-microbench: " << none.reason << "\n";
        return 77;
    } catch (const moecost::InputError& error) {
        err << "moecost-microbench: " << error.what();
        if (!error.hint().empty()) err << "; " << error.hint();
        err << "\n";
        return 2;
    } catch (const std::exception& error) {
        err << "moecost-microbench: " << error.what() << "\n";
        return 1;
    }
}

}   // namespace microbench
