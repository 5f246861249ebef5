// SPDX-License-Identifier: Apache-2.0
// moecost sweep: how do the answers move over a grid? Rows go to a file; what is printed is a summary.
#include "moecost/sweep/sweep.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>

#include "command.h"
#include "moecost/base/format.h"
#include "moecost/base/read_file.h"
#include "progress.h"
#include "sweep/printed.h"
#include "sweep/sweep.h"
#include "text.h"

namespace moecost::cli {
namespace {

std::atomic<bool> stop_wanted{false};
std::atomic<int> stop_signal{0};   // which one

std::uint64_t number_in(std::string_view text, std::string_view option, std::uint64_t low,
                        std::uint64_t high) {
    std::uint64_t value = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
    if (r.ec == std::errc{} && r.ptr == text.data() + text.size() && value >= low && value <= high)
        return value;
    std::string message("'");
    message.append(text).append("' is not a whole number in ").append(std::to_string(low)).append("..");
    throw InputError({std::string("--").append(option)}, {}, message.append(std::to_string(high)));
}

Shard shard_of(const std::string& text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string::npos) {
        std::string message("'");
        throw InputError({"--shard"}, {},
                         message.append(text).append("' is not of the form i/n, such as 2/8"));
    }
    Shard shard;
    shard.count = number_in(std::string_view(text).substr(slash + 1), "shard", 1, 1'000'000);
    shard.index = number_in(std::string_view(text).substr(0, slash), "shard", 1, shard.count);
    return shard;
}

double rate_of(const SweepProgress& p) {
    return p.seconds > 0 ? static_cast<double>(p.points - p.points_before) / p.seconds : 0;
}

std::string count_text(std::uint64_t n) { return grouped(static_cast<long long>(n)); }

void show_progress(const SweepProgress& p) {
    const std::string line =
        progress_line(static_cast<double>(p.points), static_cast<double>(p.all_points), rate_of(p), "points");
    std::fputs(line.c_str(), stderr);
}

void add_tallies(std::string& s, std::string_view title, const std::vector<Tally>& tallies) {
    constexpr std::size_t most = 12;
    std::size_t shown = 0;
    for (const Tally& t : tallies) {
        if (t.points == 0 || shown++ >= most) continue;
        s += fmt::format("  {:>15}  {}{}\n", count_text(t.points), title, t.what);
    }
    if (shown > most) s += fmt::format("{:19}and {} more reasons\n", "", shown - most);
}

std::string names(const std::vector<std::string>& files) {
    std::string s;
    for (const std::string& file : files) s.append(s.empty() ? "" : ", ").append(printable(file));
    return s;
}

Answer unfinished(const SweepSummary& summary) {
    Answer answer;
    answer.status = stopped_status();
    answer.messages =
        fmt::format("moecost: interrupted after {} of {} points; --resume goes on\n",
                    count_text(summary.progress.points), count_text(summary.progress.all_points));
    return answer;
}

/// What is said about a run that was not as wished.
std::string notes(const SweepSummary& summary, const SweepOptions& options) {
    std::string s;
    if (summary.threads < options.threads) {
        s += fmt::format("note: {} of {} threads ran: the machine gives no more\n", summary.threads,
                         options.threads);
    }
    if (summary.points_dropped > 0) {
        s += fmt::format("note: the rows of {} points were not what the journal says: computed again\n",
                         count_text(summary.points_dropped));
    }
    return s;
}

/// One line for people and scripts, --quiet or not.
std::string no_row(const Manifest& m) {
    std::string s = fmt::format("moecost: none of {} points can be served", count_text(m.points));
    const auto most = [&](std::string_view title, const std::vector<Tally>& tallies) {
        if (tallies.empty() || tallies[0].points == 0) return;
        s += fmt::format("; {}: {}{}", count_text(tallies[0].points), title, tallies[0].what);
    };
    most("", m.infeasible);
    most("outside ", m.constrained);
    return s.append("\n");
}

bool has_no_row(const Manifest& m) { return m.rows == 0 && m.shard.count == 1; }

}   // namespace

const std::atomic<bool>& stop_on_signals() {
    for (const int signal : {SIGINT, SIGTERM}) {
        std::signal(signal, [](int number) {
            stop_signal = number;
            stop_wanted = true;
        });
    }
    return stop_wanted;
}

int stopped_status() { return stop_signal == SIGTERM ? terminated : interrupted; }

std::string sweep_report(const Manifest& m, const std::vector<std::string>& files) {
    std::string s = fmt::format("{} points, {} rows", count_text(m.points), count_text(m.rows));
    if (m.shard.count > 1) s += fmt::format(" (shard {} of {})", m.shard.index, m.shard.count);
    if (!m.objectives.empty()) s += fmt::format(", {} on the frontier", count_text(m.frontier.size()));
    s += "\n";
    add_tallies(s, "filtered: not ", m.filtered);
    add_tallies(s, "outside: ", m.constrained);
    add_tallies(s, "infeasible: ", m.infeasible);
    if (!files.empty()) s.append("files: ").append(names(files)).append("\n");
    return s;
}

[[noreturn]] static void refuse_frontier(const char* option) {
    throw InputError({option}, {}, "the grid names no frontier",
                     "frontier = { minimise = [...], maximise = [...] }");
}

void refuse_format_beside_output(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    if (invocation.format == Format::text || invocation.output.empty() || line.has("frontier")) return;
    throw InputError({"--format"}, {}, "says nothing beside -o, whose ending decides",
                     "-o OUT.csv, OUT.csv.gz, OUT.jsonl or OUT.jsonl.gz");
}

SweepOptions sweep_options(const Invocation& invocation, const Grid& grid) {
    const CommandLine& line = invocation.line;
    SweepOptions o;
    o.output = invocation.output;
    o.style = style_of_path(o.output);
    o.style.keep_infeasible = grid.keep_infeasible || line.has("keep-infeasible");
    o.style.no_rows = line.has("frontier-only");
    if (o.style.no_rows && grid.objectives.empty()) {
        refuse_frontier("--frontier-only");
    }
    if (const std::string* text = line.find("shard")) o.shard = shard_of(*text);
    o.threads = std::max(1U, std::thread::hardware_concurrency());
    if (const std::string* text = line.find("threads")) {
        o.threads = static_cast<unsigned>(number_in(*text, "threads", 1, 1024));
    }
    if (line.has("resume")) o.start = StartMode::resume;
    if (line.has("restart")) o.start = StartMode::restart;
    o.version = MOECOST_VERSION;
    o.stop = &stop_wanted;
    if (!invocation.quiet && isatty(STDERR_FILENO) != 0) o.progress = show_progress;
    return o;
}

std::vector<Flag> sweep_flags() {
    constexpr std::string_view group = "Sweep";
    return {{"example", "", group, "print a commented grid to begin with"},
            {"threads", "N", group, "threads (default: all cores); the output does not depend on it"},
            {"frontier", "", group, "print the members of the frontier as a table"},
            {"frontier-only", "", group, "write the members of the frontier alone"},
            {"keep-infeasible", "", group, "rows also for points that cannot run, with the reason"},
            {"shard", "I/N", group, "only part I of N; moecost merge joins the parts"},
            {"resume", "", group, "go on where a stopped sweep ended (nothing is there: start)"},
            {"restart", "", group, "throw a stopped sweep away"},
            {"mpi", "", group, "share the work among the ranks of mpirun (a build with MOECOST_MPI)"},
            {"tornado", "SCENARIO.toml", group,
             "instead of a grid: how the answer moves with each uncertain input"},
            {"target",
             "FIGURE",
             group,
             "of --tornado: the figure that moves",
             0,
             {},
             "usd_per_mtok_output",
             nullptr,
             "@figures"}};
}

namespace {

Answer complete_already(const Manifest& manifest, const Invocation& invocation) {
    Answer answer;
    if (!invocation.quiet) answer.messages = printable(invocation.output).append(": complete already\n");
    if (has_no_row(manifest)) {
        answer.status = infeasible;
        answer.messages.append(no_row(manifest));
    }
    return answer;
}

Answer sweep_grid(const Invocation& invocation, Ranks* ranks) {
    const CommandLine& line = invocation.line;
    if (line.positional.size() != 1) {
        throw InputError({"GRID.toml"}, {}, "exactly one grid is needed",
                         "moecost sweep --example prints one");
    }
    if (line.has("target")) throw InputError({"--target"}, {}, "belongs to --tornado, which is not given");
    refuse_format_beside_output(invocation);
    const Grid grid = read_grid(invocation.data, read_document(line.positional[0]));
    std::optional<ScratchFolder> scratch;   // of rows that are printed
    Invocation filed = invocation;
    if (invocation.output.empty()) {
        check_printable(invocation, grid);
        filed.output = scratch.emplace().file(invocation.format == Format::json ? "rows.jsonl" : "rows.csv");
    }
    if (line.has("frontier") && grid.objectives.empty()) refuse_frontier("--frontier");
    const SweepOptions options = sweep_options(filed, grid);
    if (!scratch) refuse_other_shard(invocation.data, grid, options);
    (void)stop_on_signals();
    Answer answer;
    if (ranks != nullptr && !ranks->is_first()) {
        ranks->evaluate_blocks(invocation.data, grid, options.style);
        return answer;
    }
    if (options.start == StartMode::resume) {
        const FinishedOutput found = finished_output(invocation.data, grid, options);
        if (found.manifest) return complete_already(*found.manifest, invocation);
        if (!found.problem.empty() && !invocation.quiet)
            answer.messages.append("note: ").append(found.problem).append("; the sweep begins anew\n");
    }
    const SweepSummary summary = ranks != nullptr ? ranks->coordinate(invocation.data, grid, options)
                                                  : moecost::run_sweep(invocation.data, grid, options);
    if (!summary.complete) return unfinished(summary);
    if (has_no_row(summary.manifest)) {
        answer.status = infeasible;
        answer.messages.append(no_row(summary.manifest));
    }
    answer.file_written = !scratch;
    if (line.has("frontier"))
        answer.output = frontier_table(invocation, grid, summary.manifest);
    else if (scratch)
        answer.output = moecost::read_file(options.output);
    if (invocation.quiet) return answer;
    if (ranks == nullptr) answer.messages.append(notes(summary, options));
    if (const std::string note = price_level_note(grid.prices); !note.empty())
        answer.messages.append("note: ").append(note).append("\n");
    answer.messages.append(
        sweep_report(summary.manifest, scratch ? std::vector<std::string>{} : summary.files));
    answer.messages += fmt::format("{}, {} points/s\n", duration(summary.progress.seconds),
                                   amount(rate_of(summary.progress)));
    return answer;
}

}   // namespace

Answer run_sweep(const Invocation& invocation) {
    const CommandLine& line = invocation.line;
    if (line.has("example")) return {std::string(example_grid()), {}, answered};
    if (line.has("tornado")) return run_tornado(invocation);
    if (!line.has("mpi")) return sweep_grid(invocation, nullptr);
    Ranks ranks;
    try {
        return sweep_grid(invocation, &ranks);
    } catch (const std::exception&) {
        if (ranks.is_first()) throw;
        return {};   // rank 0 met the same mistake and tells
    }
}

}   // namespace moecost::cli
