// SPDX-License-Identifier: Apache-2.0
// How often the intervals of a fit hold the true coefficients: study_coverage FORM LEVEL SETS [RESAMPLES]. Each set is drawn
// anew from a published law, 240 runs over its range with 0.7 % of noise, one in twenty of them an outlier of 5 %.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "moecost/law/fit.h"
#include "moecost/law/law_toml.h"
#include "moecost/law/starts.h"

namespace {

using namespace moecost;

/// Approximately normal: the sum of twelve uniform numbers.
double normal(Draw& draw) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += draw.between(0, 1);
    return sum;
}

TrainingRuns drawn(const Law& law, std::uint64_t seed) {
    Draw draw(seed);
    TrainingRuns runs{"synthetic.csv", {}, {}};
    const Axes& axes = info(law.form).axes;
    while (runs.rows.size() < 240) {
        Setting s;
        s.n = std::exp(draw.between(std::log(5e7), std::log(5e9)));
        if (axes.d) s.d = std::exp(draw.between(std::log(1e9), std::log(2e11)));
        if (axes.experts) s.experts = std::pow(2.0, std::floor(draw.between(0, 7.999)));
        const double shock = draw.between(0, 1) < 0.05 ? 0.05 : 0.007;
        Observation o{{std::log(s.n), std::log(s.d > 0 ? s.d : 1), std::max(s.experts, 1.0), 1, 1, 0}, 0};
        o.ln_loss = std::log(*loss(law, s)) + shock * normal(draw);
        runs.rows.push_back(o);
    }
    if (axes.experts) runs.range.experts = AxisRange{1, 128};
    return runs;
}

struct Tally {
    int held = 0, missed = 0, none = 0, one_sided = 0, one_sided_held = 0;
};

void study(const std::string& name, double level, int sets, unsigned resamples) {
    const DataStore data;
    const Law law = load_law(data, name);
    FitOptions o;
    o.form = law.form;
    o.size = law.size;
    o.level = level;
    o.bootstrap = resamples;
    o.starts = 24;
    o.folds = 0;
    o.delta = 1e-2;
    if (law.form == LossForm::yun) o.n_ref = law.c[10];
    const FormInfo& form = info(law.form);
    std::vector<Tally> tallies(form.count);
    for (int set = 0; set < sets; ++set) {
        o.seed = static_cast<std::uint64_t>(set) + 1;
        const Fit fit = fit_law(drawn(law, o.seed * 7919), o);
        for (std::size_t i = 0; i < form.count; ++i) {
            const FittedCoefficient& e = fit.estimates[i];
            if (form.coefficients[i].domain == Domain::constant) continue;
            Tally& t = tallies[i];
            const bool held = e.low <= law.c[i] && law.c[i] <= e.high;
            if (!e.interval())
                ++t.none;
            else
                (held ? t.held : t.missed) += 1;
            if (e.interval() && e.one_sided) {
                ++t.one_sided;
                t.one_sided_held += held;
            }
        }
    }
    int held = 0;
    int all = 0;
    for (std::size_t i = 0; i < form.count; ++i) {
        const Tally& t = tallies[i];
        if (t.held + t.missed + t.none == 0) continue;
        held += t.held;
        all += t.held + t.missed;
        std::printf("%s,%s,%d,%d,%d,%d,%d\n", name.c_str(), std::string(form.coefficients[i].name).c_str(),
                    t.held, t.missed, t.none, t.one_sided, t.one_sided_held);
    }
    std::printf("%s,all,%d,%d,,,\n", name.c_str(), held, all - held);
    std::fprintf(stderr, "%s: intervals of %.0f %% hold %.1f %% of the true coefficients\n", name.c_str(),
                 100 * level, 100.0 * held / all);
}

}   // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 4) {
            std::fputs("study_coverage LAW LEVEL SETS [RESAMPLES]\n", stderr);
            return 2;
        }
        study(argv[1], std::atof(argv[2]), std::atoi(argv[3]),
              argc > 4 ? static_cast<unsigned>(std::atoi(argv[4])) : 200);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "study_coverage: %s\n", e.what());
        return 1;
    }
    return 0;
}
