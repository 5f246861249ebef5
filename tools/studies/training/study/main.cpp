// SPDX-License-Identifier: Apache-2.0
// results/training: published runs beside predictions, each by constants that were fitted to the others.
//   study_training PUBLISHED.csv ROOT    a table as CSV; the summary goes to stderr
#include <cmath>
#include <cstdio>
#include <exception>
#include <map>

#include "moecost/base/read_file.h"
#include "training/training_runs.h"

namespace {

using namespace training_runs;

void print_row(const Run& run, const moecost::Expected<moecost::TrainingStep>& step, double ratio) {
    if (!step) {
        std::printf("%s,%s,,,,,,,,,,,,,,%s\n", run.name.c_str(), run.gpu.c_str(),
                    moecost::to_text(step.error()).c_str());
        return;
    }
    const double all = step->total.value();
    const auto share = [&](moecost::Seconds s) { return 100 * s.value() / all; };
    std::printf("%s,%s,%s,%s,%.0f,%.0f,%.3f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%s\n", run.name.c_str(),
                run.gpu.c_str(), run.format.c_str(), run.kind.c_str(), run.published, step->tokens_per_s_gpu,
                ratio, 100 * step->mfu, share(step->forward + step->backward), share(step->recompute),
                share(step->exchange), share(step->tensor), share(step->bubble), share(step->reduction),
                share(step->update), run.stated ? "stated" : "assumed");
}

void summarise(const char* what, const std::vector<double>& ratios) {
    std::vector<double> errors;
    for (const double r : ratios) errors.push_back(std::abs(r - 1));
    std::fprintf(stderr, "%-12s %2zu runs, median error %.1f %%, median ratio %.2f\n", what, ratios.size(),
                 100 * median(errors), median(ratios));
}

int study(const std::string& file, const std::string& root) {
    const moecost::DataStore data(root);
    const moecost::CsvTable table(moecost::read_file(file), file);
    const std::vector<Run> runs = read_published(data, table, root);
    const moecost::TrainingConstants constants = moecost::load_training_constants(data);
    const std::vector<double> ratios = judged(runs, constants);
    std::printf(
        "run,gpu,format,kind,published,predicted,ratio_left_out,mfu,compute,recompute,exchange,tensor,bubble,"
        "reduction,update,layout\n");
    std::map<std::string, std::vector<double>> groups;
    std::vector<double> all;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        print_row(runs[i], predicted(runs[i], constants), ratios[i]);
        if (!(ratios[i] > 0)) continue;
        if (!runs[i].stated) {
            groups["layout not published"].push_back(ratios[i]);
            continue;
        }
        all.push_back(ratios[i]);
        groups[runs[i].gpu].push_back(ratios[i]);
        groups[runs[i].layout.ep > 1 ? "experts" : "dense"].push_back(ratios[i]);
        groups[runs[i].kind].push_back(ratios[i]);
        groups[runs[i].format].push_back(ratios[i]);
    }
    for (const auto& [name, values] : groups) summarise(name.c_str(), values);
    summarise("all", all);
    const moecost::TrainingConstants fitted = fitted_without(runs, constants, -1);
    std::fprintf(stderr, "fitted to all: sustained %.2f, of dense fp8 products %.2f\n", fitted.sustained,
                 fitted.sustained_fp8);
    return 0;
}

}   // namespace

int main(int argc, char** argv) {
    try {
        if (argc == 3) return study(argv[1], argv[2]);
        std::fputs("study_training PUBLISHED.csv ROOT\n", stderr);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "study_training: %s\n", e.what());
    }
    return 2;
}
