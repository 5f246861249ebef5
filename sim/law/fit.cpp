// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/fit.h"

#include <algorithm>
#include <cmath>
#include <mutex>

#include "moecost/base/format.h"
#include "moecost/base/parallel.h"
#include "moecost/law/parameters.h"
#include "moecost/law/starts.h"

namespace moecost {
namespace {

constexpr unsigned polished_starts = 6;
constexpr std::size_t least_resamples = 20;   // for an interval
constexpr double decided = 100;   // times: ends of an interval that lie farther apart decide one side at most

/// Counts finished pieces of work over all phases of a fit.
class Progress {
  public:
    Progress(const FitOptions& options, std::size_t all) : report_(options.progress), all_(all) {}
    void advance() {
        if (!report_) return;
        const std::lock_guard lock(mutex_);
        report_(++done_, all_);
    }

  private:
    const std::function<void(std::size_t, std::size_t)>& report_;
    std::size_t all_;
    std::size_t done_ = 0;
    std::mutex mutex_;
};

/// work(i) for every i below count, reporting progress.
template <class Work>
void for_all(std::size_t count, unsigned threads, Progress& progress, Work work) {
    for_each_index(count, threads, [&](std::size_t i) {
        work(i);
        progress.advance();
    });
}

/// A seed of its own for each piece of work (splitmix64).
std::uint64_t seed_of(std::uint64_t seed, std::uint64_t phase, std::uint64_t index) {
    std::uint64_t z = seed + 0x9e3779b97f4a7c15ULL * (1 + index) + 0xd1b54a32d192ed03ULL * phase;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
}

RobustProblem problem_of(const TrainingRuns& runs, const FitOptions& options) {
    RobustProblem problem;
    problem.form = options.form;
    problem.rows = &runs.rows;
    problem.weights.assign(runs.rows.size(), 1);
    problem.delta = options.delta;
    if (options.form == LossForm::yun) problem.constants[10] = options.n_ref;
    return problem;
}

/// All starts roughly, the best few to the end, the best of them.
RobustMinimum global_minimum(const RobustProblem& problem, const FitOptions& options, Progress& progress,
                             Fit& fit) {
    const Centre centre = centre_of(*problem.rows);
    std::vector<RobustMinimum> rough(options.starts);
    for_all(rough.size(), options.threads, progress, [&](std::size_t i) {
        Draw draw(seed_of(options.seed, 0, i));
        std::array<double, max_coefficients> c = problem.constants;
        draw_start(problem.form, centre, draw, c);
        rough[i] = descend(problem, parameters_of(problem.form, c), false);
    });
    std::stable_sort(rough.begin(), rough.end(),
                     [](const auto& a, const auto& b) { return a.cost < b.cost; });
    rough.resize(std::min<std::size_t>(rough.size(), polished_starts));
    std::vector<RobustMinimum> fine(rough.size());
    for_all(fine.size(), options.threads, progress,
            [&](std::size_t i) { fine[i] = descend(problem, rough[i].x, true); });
    std::stable_sort(fine.begin(), fine.end(), [](const auto& a, const auto& b) { return a.cost < b.cost; });
    fit.polished = static_cast<unsigned>(fine.size());
    for (const RobustMinimum& m : fine) fit.agreeing += m.cost <= fine.front().cost * 1.01 ? 1 : 0;
    return fine.front();
}

std::vector<RobustMinimum> resampled(const RobustProblem& problem, const RobustMinimum& best,
                                     const FitOptions& options, Progress& progress) {
    std::vector<RobustMinimum> samples(options.bootstrap);
    for_all(samples.size(), options.threads, progress, [&](std::size_t i) {
        Draw draw(seed_of(options.seed, 1, i));
        RobustProblem sample = problem;
        std::fill(sample.weights.begin(), sample.weights.end(), 0);
        for (std::size_t k = 0; k < sample.weights.size(); ++k)
            sample.weights[draw.below(sample.weights.size())] += 1;
        samples[i] = descend(sample, best.x, true);
    });
    samples.erase(std::remove_if(samples.begin(), samples.end(),
                                 [](const RobustMinimum& m) { return !std::isfinite(m.cost); }),
                  samples.end());
    return samples;
}

/// RMSLE over the rows of each fold, predicted by a fit to the others.
double held_out_error(const RobustProblem& problem, const RobustMinimum& best, const FitOptions& options,
                      Progress& progress) {
    const std::size_t n = problem.rows->size();
    std::vector<std::size_t> order(n);
    for (std::size_t i = 0; i < n; ++i) order[i] = i;
    Draw draw(seed_of(options.seed, 2, 0));
    for (std::size_t i = n; i > 1; --i) std::swap(order[i - 1], order[draw.below(i)]);
    std::vector<double> squares(options.folds, 0);
    for_all(options.folds, options.threads, progress, [&](std::size_t fold) {
        RobustProblem rest = problem;
        for (std::size_t i = fold; i < n; i += options.folds) rest.weights[order[i]] = 0;
        const std::vector<double> r = residuals(rest, descend(rest, best.x, true).x);
        for (std::size_t i = fold; i < n; i += options.folds) squares[fold] += r[order[i]] * r[order[i]];
    });
    double sum = 0;
    for (const double s : squares) sum += s;
    return std::sqrt(sum / static_cast<double>(n));
}

void add_quality(const RobustProblem& problem, const RobustMinimum& best, Fit& fit) {
    const std::vector<double> r = residuals(problem, best.x);
    double sum = 0;
    double mean = 0;
    for (std::size_t i = 0; i < r.size(); ++i) {
        sum += r[i] * r[i];
        mean += (*problem.rows)[i].ln_loss / static_cast<double>(r.size());
    }
    double spread = 0;
    for (const Observation& o : *problem.rows) spread += (o.ln_loss - mean) * (o.ln_loss - mean);
    fit.rows = r.size();
    fit.parameters = best.x.size();
    fit.cost = best.cost;
    fit.rmsle = std::sqrt(sum / static_cast<double>(r.size()));
    fit.r2 = spread > 0 ? 1 - sum / spread : 0;
}

double quantile(const std::vector<double>& sorted, double q) {
    const double at = q * static_cast<double>(sorted.size() - 1);
    const std::size_t below = static_cast<std::size_t>(at);
    const std::size_t above = std::min(below + 1, sorted.size() - 1);
    if (sorted[below] == sorted[above]) return sorted[below];   // infinite ones too
    return sorted[below] + (at - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// One end alone where the data decide no more: the one that lies nearer to the median, in ratio.
void open_one_side(FittedCoefficient& e, const std::vector<double>& values, double level, bool saturation) {
    if (e.low * e.high <= 0 && !saturation) return;
    const double spread = std::abs(e.high / e.low);
    if (std::max(spread, 1 / spread) <= decided && !(saturation && std::isinf(e.high))) return;
    const double middle = quantile(values, 0.5);
    e.one_sided = true;
    const bool upwards =
        saturation || std::abs(std::log(e.high / middle)) > std::abs(std::log(middle / e.low));
    if (upwards) {
        e.low = quantile(values, 1 - level);
        e.high = e.value > 0 ? HUGE_VAL : 0;
    } else {
        e.high = quantile(values, level);
        e.low = e.value > 0 ? 0 : -HUGE_VAL;
    }
}

void add_interval(FittedCoefficient& e, std::size_t index, const RobustProblem& problem,
                  const std::vector<RobustMinimum>& samples, double level) {
    e.low = e.high = e.value;
    // Along a direction that no row decides the samples stay where they started: no interval is honest there.
    if (samples.size() < least_resamples || !e.identified) return;
    const bool saturation = info(problem.form).coefficients[index].domain == Domain::above_e_start;
    std::vector<double> values;
    for (const RobustMinimum& m : samples) {
        std::array<double, max_coefficients> c = problem.constants;
        set_coefficients(problem.form, m.x, c);
        const bool endless_one = saturation && unsaturated(c[index - 1], c[index]);
        values.push_back(endless_one ? HUGE_VAL : c[index]);
    }
    std::sort(values.begin(), values.end());
    e.low = quantile(values, (1 - level) / 2);
    e.high = quantile(values, (1 + level) / 2);
    // One that a long tail leaves alone.
    e.standard_error = (quantile(values, 0.8413) - quantile(values, 0.1587)) / 2;
    open_one_side(e, values, level, saturation);
}

void add_estimates(const RobustProblem& problem, const std::vector<bool>& identified,
                   const std::vector<RobustMinimum>& samples, double level, Fit& fit) {
    const FormInfo& f = info(problem.form);
    std::size_t p = 0;
    for (std::size_t i = 0; i < f.count; ++i) {
        FittedCoefficient e{
            std::string(f.coefficients[i].name), fit.law.c[i], fit.law.c[i], fit.law.c[i], 0, true, false};
        if (f.coefficients[i].domain != Domain::constant) {
            e.identified = identified[p++];
            // No saturation is an end of the range, where the loss answers to no small step: E_start tells.
            if (f.coefficients[i].domain == Domain::above_e_start)
                e.identified |= fit.estimates.back().identified;
            add_interval(e, i, problem, samples, level);
        }
        fit.estimates.push_back(std::move(e));
    }
}

/// Saturation that lies outside the data: E_start and E_max then stand for whatever the start was.
void warn_of_experts(const TrainingRuns& runs, Fit& fit) {
    if (!runs.range.experts) return;
    constexpr double far = 20;
    const AxisRange seen = *runs.range.experts;
    for (const FittedCoefficient& e : fit.estimates) {
        std::string text(e.name);
        text.append(" = ").append(significant(e.value, 3));
        if (e.name == "E_max" && std::isinf(e.value)) {
            text = "no saturation seen up to the ";
            fit.warnings.push_back(
                text.append(significant(seen.high, 3)).append(" experts of the data: E_max is infinite"));
        } else if (e.name == "E_max" && e.value > far * seen.high) {
            text.append(" lies far above the ").append(significant(seen.high, 3));
            fit.warnings.push_back(text.append(" experts of the data: saturation is not seen"));
        }
        if (e.name == "E_start" && (e.value > seen.high || e.value < 1 / far)) {
            fit.warnings.push_back(
                text.append(" drifted outside the experts of the data: the gain of the first "
                            "experts is not seen"));
        }
    }
}

void add_warnings(const TrainingRuns& runs, Fit& fit) {
    std::string unknown;
    for (const FittedCoefficient& e : fit.estimates) {
        if (!e.identified) unknown.append(unknown.empty() ? "" : ", ").append(e.name);
    }
    if (!unknown.empty()) {
        std::string text("the data do not identify ");
        text.append(unknown).append(" (rank ").append(std::to_string(fit.rank)).append(" of ");
        fit.warnings.push_back(text.append(std::to_string(fit.parameters)).append(" parameters)"));
    }
    warn_of_experts(runs, fit);
    for (const FittedCoefficient& e : fit.estimates) {
        if (!e.one_sided) continue;
        std::string text("the data decide one end of ");
        const bool open = std::isinf(e.high);
        text.append(e.name).append(" alone: ").append(open ? "above " : "below ");
        fit.warnings.push_back(text.append(significant(open ? e.low : e.high, 3)));
    }
    if (fit.polished > 1 && fit.agreeing == 1) {
        fit.warnings.emplace_back("no second start reached the least cost: it may not be the global one");
    }
}

/// A saturation that was not seen is none: E_max becomes infinite.
void set_endless(LossForm form, std::array<double, max_coefficients>& c) {
    for (std::size_t i = 1; i < info(form).count; ++i) {
        const bool saturation = info(form).coefficients[i].domain == Domain::above_e_start;
        if (saturation && unsaturated(c[i - 1], c[i])) c[i] = HUGE_VAL;
    }
}

Law law_of(const TrainingRuns& runs, const FitOptions& options, const Fit& fit) {
    Law law = fit.law;
    law.title.append("Fit of the form ").append(info(options.form).name).append(" to ").append(runs.file);
    law.form = options.form;
    law.size = options.size;
    law.embeddings = usual_embeddings(options.form);
    const Axes& axes = info(options.form).axes;
    const bool dense = !axes.experts && !axes.active && !axes.granularity;
    if (!axes.experts) law.experts = options.experts;
    if (!axes.active) law.active_share = options.active_share;
    if (dense && options.experts <= 1 && law.size == SizeMeaning::total) law.active_share = 1;
    law.range = runs.range;
    law.status = "own fit";
    law.source.append("moecost fit: ").append(std::to_string(fit.rows)).append(" rows, Huber delta ");
    law.source.append(shortest(options.delta)).append(", seed ").append(std::to_string(options.seed));
    law.note.append("RMSLE ").append(significant(fit.rmsle, 4));
    if (fit.held_out > 0) law.note.append(", held out ").append(significant(fit.held_out, 4));
    for (const std::string& warning : fit.warnings) law.note.append("; ").append(warning);
    return law;
}

}   // namespace

SizeMeaning usual_size(LossForm form) {
    if (form == LossForm::yun || form == LossForm::clark) return SizeMeaning::dense_equivalent;
    return form == LossForm::joint_moe ? SizeMeaning::active : SizeMeaning::total;
}

bool usual_embeddings(LossForm form) {
    return form == LossForm::chinchilla || form == LossForm::joint_moe || form == LossForm::abnar ||
           form == LossForm::zhao;
}

Fit fit_law(const TrainingRuns& runs, const FitOptions& options) {
    if (options.form == LossForm::leverage) {
        throw InputError({"--law"}, {}, "the form leverage gives no loss and can not be fitted to one");
    }
    const std::size_t parameters = parameter_names(options.form).size();
    if (runs.rows.size() <= parameters) {
        std::string text("holds ");
        text.append(std::to_string(runs.rows.size()))
            .append(" rows; the form ")
            .append(info(options.form).name);
        text.append(" needs at least ").append(std::to_string(parameters + 1));
        throw InputError({runs.file}, {}, text);
    }
    const RobustProblem problem = problem_of(runs, options);
    const bool crossed = options.folds >= 2 && runs.rows.size() >= 2 * parameters;
    Progress progress(options, options.starts + std::min(options.starts, polished_starts) +
                                   options.bootstrap + (crossed ? options.folds : 0));
    Fit fit;
    const RobustMinimum best = global_minimum(problem, options, progress, fit);
    if (!std::isfinite(best.cost))
        throw InputError({runs.file}, {}, "no start of the fit gives a finite loss");
    add_quality(problem, best, fit);
    const std::vector<RobustMinimum> samples = resampled(problem, best, options, progress);
    if (crossed) fit.held_out = held_out_error(problem, best, options, progress);
    const Influence what = identify(problem, best.x);
    fit.rank = what.rank;
    fit.law.c = problem.constants;
    set_coefficients(options.form, best.x, fit.law.c);
    set_endless(options.form, fit.law.c);
    add_estimates(problem, what.identified, samples, options.level, fit);
    add_warnings(runs, fit);
    fit.law = law_of(runs, options, fit);
    if (samples.size() < least_resamples) {
        fit.law.covariance = what.covariance;
        return fit;
    }
    fit.law.spread.append(std::to_string(samples.size())).append(" resamples of the rows");
    for (const RobustMinimum& m : samples) fit.law.samples.push_back(m.x);
    return fit;
}

}   // namespace moecost
