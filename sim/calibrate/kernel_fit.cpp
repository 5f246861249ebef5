// SPDX-License-Identifier: Apache-2.0
#include "moecost/calibrate/kernel_fit.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <mutex>
#include <numeric>
#include <span>

#include "moecost/base/format.h"
#include "moecost/base/parallel.h"
#include "moecost/base/robust_least_squares.h"

namespace moecost {
namespace {

constexpr int rough_iterations = 20;   // from every start, on rough_rows rows
constexpr std::size_t rough_rows = 2000;
constexpr int fine_iterations = 80;   // from the best of them, on all training rows
constexpr std::size_t finished_starts = 6;
constexpr std::size_t least_balanced = 150;
// Forward differences of log times are good to 1e-3 of the steepest direction (1e-6 of squares), and a parameter that moves
// no time by 1e-6 does nothing. The table needs values that predict well more than values of their own: a parameter may
// have three tenths of a flat direction before its error is called unknown.
constexpr InfluenceLimits by_differences{1e-6, 1e-6, 0.3, false};

/// splitmix64
std::uint64_t scrambled(std::uint64_t z) {
    z += 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

/// Indices to train on: all that are not held out, or that many of them, spread without a pattern.
std::vector<std::size_t> training_sample(const FormRows& rows) {
    std::vector<std::size_t> sample;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (!rows.held_out[i]) sample.push_back(i);
    }
    std::sort(sample.begin(), sample.end(),
              [](std::size_t a, std::size_t b) { return scrambled(a) < scrambled(b); });
    sample.resize(std::min(sample.size(), training_rows));
    return sample;
}

RobustLeastSquares problem_of(const KernelForm& form, const FormRows& rows,
                              std::span<const std::size_t> sample) {
    std::vector<OpShape> operations;
    std::vector<double> log_measured;
    for (const std::size_t i : sample) {
        operations.push_back(rows.operations[i]);
        log_measured.push_back(std::log(rows.seconds[i]));
    }
    RobustLeastSquares p;
    p.rows = sample.size();
    for (const FormParameter& f : form.parameters) p.bounds.push_back({f.low, f.high, f.logarithmic});
    p.residuals = [form, operations = std::move(operations), log_measured = std::move(log_measured)](
                      std::span<const double> x, std::span<double> r) {
        predict(form, tables_of(form, x, {}), operations, r);
        for (std::size_t i = 0; i < r.size(); ++i) r[i] = std::log(std::max(r[i], 1e-12)) - log_measured[i];
    };
    return p;
}

std::vector<std::vector<double>> starts_of(const KernelForm& form) {
    std::vector<double> usual;
    for (const FormParameter& f : form.parameters) usual.push_back(f.start);
    std::vector<std::vector<double>> starts{usual};
    for (std::size_t j = 0; j < usual.size(); ++j) {
        for (const double other : form.parameters[j].other_starts) {
            starts.push_back(usual);
            starts.back()[j] = other;
        }
    }
    return starts;
}

/// Absolute relative error that half of the training rows stay below.
double median_error(const RobustLeastSquares& problem, std::span<const double> x) {
    std::vector<double> errors(problem.rows);
    problem.residuals(x, errors);
    for (double& e : errors) e = std::abs(std::expm1(e));
    const auto middle = errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2);
    std::nth_element(errors.begin(), middle, errors.end());
    return *middle;
}

/// Where no parameters follow all rows, minima of different costs are as good: the one with the least median error is
/// taken, since that is the error which a table states.
std::vector<double> best_fit(const RobustLeastSquares& rough, const RobustLeastSquares& problem,
                             const KernelForm& form) {
    std::vector<RobustMinimum> minima;
    for (const auto& start : starts_of(form))
        minima.push_back(levenberg_marquardt(rough, start, {rough_iterations}));
    std::stable_sort(minima.begin(), minima.end(),
                     [](const auto& a, const auto& b) { return a.cost < b.cost; });
    minima.resize(std::min(minima.size(), finished_starts));
    for (RobustMinimum& m : minima) m = levenberg_marquardt(problem, m.x, {fine_iterations});
    const auto median = [&](const RobustMinimum& m) { return median_error(problem, m.x); };
    return std::ranges::min_element(minima, {}, median)->x;
}

/// Five significant digits; nothing below a millionth of the range is kept.
double kept(double value, const FormParameter& f) {
    return !f.logarithmic && value < 1e-6 * f.high ? 0 : rounded(value, 5);
}

double quantile(std::vector<double> values, double share) {
    if (values.empty()) return 0;
    std::sort(values.begin(), values.end());
    const double at = share * static_cast<double>(values.size() - 1);
    const auto low = static_cast<std::size_t>(at);
    const std::size_t high = std::min(low + 1, values.size() - 1);
    return values[low] + (at - static_cast<double>(low)) * (values[high] - values[low]);
}

void judge(const FormRows& rows, KernelFit& fit) {
    std::vector<double> predicted(rows.size());
    predict(fit.form, fit.tables, rows.operations, predicted);
    std::vector<double> errors;
    std::vector<double> ratios;
    const bool any_held_out = fit.held_out > 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (any_held_out && !rows.held_out[i]) continue;
        ratios.push_back(predicted[i] / rows.seconds[i]);
        errors.push_back(std::abs(ratios.back() - 1));
    }
    fit.median = quantile(errors, 0.5);
    fit.p90 = quantile(errors, 0.9);
    fit.bias = quantile(ratios, 0.5) - 1;
}

KernelSeries without_rows(const KernelSeries& s) {
    return {s.op, s.engine, s.version, s.dtype, s.cache, s.kernel, s.part, {}, {}};
}

std::string too_few(std::size_t rows, std::size_t needed) {
    std::string s = std::to_string(rows);
    return s.append(" rows where the form needs ").append(std::to_string(needed));
}

/// What the rows of one series give: one fit, or the two halves of an exchange.
std::vector<KernelFit> fits_of(const KernelSeries& series, const Accelerator& gpu, int gpus_per_node,
                               const KernelLaw& law) {
    FormChoice choice = form_of(series, gpu, gpus_per_node);
    choice.form.law = law;
    if (!choice.problem.empty()) {
        KernelFit fit;
        fit.series = without_rows(series);
        fit.form = choice.form;
        fit.left_out = choice.problem;
        return {fit};
    }
    std::vector<KernelFit> fits{fit_series(choice.form, series)};
    if (series.op == KernelOp::all_to_all) fits.push_back(fit_series(combining(choice.form), series));
    return fits;
}

/// Skewed rows stand in for a kernel without enough balanced ones; elsewhere they are left aside.
std::vector<KernelSeries> series_to_fit(const Measurements& m) {
    std::vector<KernelSeries> result;
    const auto same_kernel = [](const KernelSeries& a, const KernelSeries& b) {
        return a.op == b.op && a.engine == b.engine && a.dtype == b.dtype && a.kernel == b.kernel;
    };
    for (const KernelSeries& s : m.series) {
        if (s.op != KernelOp::moe || s.part == "balanced") {
            result.push_back(s);
            continue;
        }
        const bool balanced = std::any_of(m.series.begin(), m.series.end(), [&](const KernelSeries& other) {
            return same_kernel(s, other) && other.part == "balanced" && other.rows.size() >= least_balanced;
        });
        if (balanced) continue;
        if (!result.empty() && same_kernel(result.back(), s) && result.back().part != "balanced") {
            result.back().rows.insert(result.back().rows.end(), s.rows.begin(), s.rows.end());
            result.back().part = "power_law";
        } else {
            result.push_back(s);
        }
    }
    return result;
}

}   // namespace

KernelFit fit_series(const KernelForm& form, const KernelSeries& series) {
    KernelFit fit;
    fit.series = without_rows(series);
    fit.form = form;
    const FormRows rows = rows_of(form, series);
    fit.dropped = rows.dropped;
    fit.ranges = rows.ranges;
    fit.rows = rows.size();
    fit.held_out = static_cast<std::size_t>(std::count(rows.held_out.begin(), rows.held_out.end(), true));
    const std::vector<std::size_t> sample = training_sample(rows);
    const std::size_t needed = rows_per_parameter * form.parameters.size();
    if (sample.size() < needed) {
        fit.left_out = too_few(sample.size(), needed);
        return fit;
    }
    const RobustLeastSquares problem = problem_of(form, rows, sample);
    const std::span<const std::size_t> some(sample.data(), std::min(sample.size(), rough_rows));
    std::vector<double> x = best_fit(problem_of(form, rows, some), problem, form);
    const Influence seen = influence(problem, x, by_differences);
    fit.rank = seen.rank;
    for (std::size_t j = 0; j < x.size(); ++j) {
        const FormParameter& f = form.parameters[j];
        const double margin = 1e-6 * (f.high - f.low);
        const bool at_bound = x[j] <= f.low + margin || x[j] >= f.high - margin;
        x[j] = kept(x[j], f);
        const double error = seen.standard_error(j) * (f.logarithmic ? x[j] : 1);
        fit.parameters.push_back(
            {f.name, x[j], at_bound, seen.identified[j], seen.identified[j] ? rounded(error, 3) : 0});
    }
    fit.tables = tables_of(form, x, rows.ranges);
    judge(rows, fit);
    return fit;
}

std::vector<KernelFit> fit_kernels(const Measurements& measurements, const Accelerator& gpu,
                                   int gpus_per_node, const KernelLaw& law, unsigned threads,
                                   const std::function<void(std::size_t, std::size_t)>& progress) {
    const std::vector<KernelSeries> series = series_to_fit(measurements);
    std::vector<std::vector<KernelFit>> fits(series.size());
    std::mutex mutex;
    std::size_t done = 0;
    for_each_index(series.size(), threads, [&](std::size_t i) {
        fits[i] = fits_of(series[i], gpu, gpus_per_node, law);
        const std::lock_guard lock(mutex);
        ++done;
        if (progress) progress(done, series.size());
    });
    std::vector<KernelFit> result;
    for (auto& some : fits) std::move(some.begin(), some.end(), std::back_inserter(result));
    return result;
}

}   // namespace moecost
