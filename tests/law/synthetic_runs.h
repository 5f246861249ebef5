// SPDX-License-Identifier: Apache-2.0
// Training runs drawn from a law, for tests of fits.
#pragma once

#include <cmath>

#include "moecost/law/fit.h"
#include "moecost/law/parameters.h"
#include "moecost/law/starts.h"

namespace moecost {

/// Approximately normal noise: the sum of twelve uniform numbers.
inline double noise(Draw& draw) {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += draw.between(0, 1);
    return sum;
}

/// Runs on a grid over the range of a law, with relative noise on the losses.
inline TrainingRuns synthetic(const Law& law, double relative_noise) {
    TrainingRuns runs{"synthetic.csv", {}, {}};
    Draw draw(7);
    const bool experts = info(law.form).axes.experts;
    for (double n = 5e7; n < 5e9; n *= 1.9) {
        for (double d = 1e9; d < 2e11; d *= 2.3) {
            for (double e = 1; e <= (experts ? 256 : 1); e *= 4) {
                const Setting s{.n = n, .d = d, .experts = e};
                Observation o{{std::log(n), std::log(d), e, 1, 1, 0}, 0};
                o.ln_loss = std::log(*loss(law, s)) + relative_noise * noise(draw);
                runs.rows.push_back(o);
            }
        }
    }
    if (experts) runs.range.experts = AxisRange{1, 256};
    return runs;
}

}   // namespace moecost
