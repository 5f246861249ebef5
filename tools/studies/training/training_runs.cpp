// SPDX-License-Identifier: Apache-2.0
#include "training/training_runs.h"

#include <algorithm>
#include <cmath>

#include "moecost/base/dtype.h"
#include "moecost/hardware/profile/relative.h"
#include "moecost/model/library.h"

namespace training_runs {

using namespace moecost;

namespace {

class Row {
  public:
    Row(const CsvTable& table, std::size_t row) : table_(table), row_(row) {}
    [[nodiscard]] std::string text(std::string_view column) const {
        return std::string(table_.text(row_, table_.column(column)));
    }
    [[nodiscard]] double number(std::string_view column) const {
        return table_.number(row_, table_.column(column)).value_or(0);
    }
    [[nodiscard]] int whole(std::string_view column) const { return static_cast<int>(number(column)); }
    [[nodiscard]] bool yes(std::string_view column) const { return text(column) == "yes"; }

  private:
    const CsvTable& table_;
    std::size_t row_;
};

TrainingLayout layout_from(const Row& r) {
    TrainingLayout l;
    l.tp = r.whole("tp");
    l.pp = r.whole("pp");
    l.cp = r.whole("cp");
    l.ep = r.whole("ep");
    l.gpus = r.whole("gpus");
    l.virtual_stages = r.whole("vp");
    l.micro_batch = r.number("micro_batch");
    l.recompute = r.yes("recompute");
    l.sharded = r.yes("sharded");
    l.hidden_exchange = r.yes("hidden_exchange");
    l.hidden_tensor = r.yes("hidden_tensor");
    return l;
}

Run run_from(const DataStore& data, const Row& r, const std::string& root) {
    Run run;
    run.name = r.text("run");
    run.gpu = r.text("gpu");
    run.kind = r.text("kind");
    run.format = r.text("format");
    const std::string model = r.text("model");
    run.architecture = load_model(data, model.ends_with(".toml") ? root + "/" + model : model);
    const Accelerator gpu = load_accelerator(data, run.gpu);
    run.cluster = cluster_of(gpu);
    run.profile = load_profile(data, gpu, "vllm");
    run.precision = Precision{}.with_weights(dtype_named(run.format).value_or(DType::bf16));
    run.layout = layout_from(r);
    run.task = {r.number("sequence"), r.number("batch")};
    run.published = r.number("tokens_per_s_gpu");
    run.stated = r.text("layout") == "stated";
    return run;
}

}   // namespace

std::vector<Run> read_published(const DataStore& data, const CsvTable& table, const std::string& root) {
    std::vector<Run> runs;
    for (std::size_t i = 0; i < table.rows(); ++i) runs.push_back(run_from(data, Row(table, i), root));
    return runs;
}

Expected<TrainingStep> predicted(const Run& run, const TrainingConstants& constants) {
    const CalibratedHardware machine = calibrated_hardware(run.cluster, run.profile, run.precision);
    if (!run.stated) {
        const auto plan =
            best_training(run.architecture, run.precision, machine, constants, run.layout.gpus, run.task);
        return plan ? Expected<TrainingStep>(plan->step) : plan.error();
    }
    return training_step(run.architecture, run.precision, machine, constants, run.layout, run.task, true);
}

double median(std::vector<double> values) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const std::size_t n = values.size();
    return n % 2 == 1 ? values[n / 2] : 0.5 * (values[n / 2 - 1] + values[n / 2]);
}

namespace {

double error_of(const std::vector<Run>& runs, const TrainingConstants& constants, int left_out) {
    std::vector<double> errors;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        if (static_cast<int>(i) == left_out || !runs[i].stated) continue;
        const auto step = predicted(runs[i], constants);
        if (step) errors.push_back(std::abs(std::log(step->tokens_per_s_gpu / runs[i].published)));
    }
    return median(errors);
}

}   // namespace

TrainingConstants fitted_without(const std::vector<Run>& runs, TrainingConstants constants, int left_out) {
    TrainingConstants best = constants;
    double least = HUGE_VAL;
    for (int i = 0; i <= 20; ++i) {
        constants.sustained = 0.60 + 0.02 * i;
        for (int k = 0; k <= 20; ++k) {
            constants.sustained_fp8 = 0.70 + 0.02 * k;
            const double error = error_of(runs, constants, left_out);
            if (error >= least) continue;
            least = error;
            best = constants;
        }
    }
    return best;
}

std::vector<double> judged(const std::vector<Run>& runs, const TrainingConstants& constants) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < runs.size(); ++i) {
        const TrainingConstants own =
            runs[i].stated ? fitted_without(runs, constants, static_cast<int>(i)) : constants;
        const auto step = predicted(runs[i], own);
        ratios.push_back(step ? step->tokens_per_s_gpu / runs[i].published : 0);
    }
    return ratios;
}

}   // namespace training_runs
