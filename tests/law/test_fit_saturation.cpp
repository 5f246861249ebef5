// SPDX-License-Identifier: Apache-2.0
// Fits of data that decide one end of a coefficient alone.
#include "moecost/law/fit.h"

#include <doctest/doctest.h>

#include <cmath>

#include "laws.h"
#include "moecost/law/parameters.h"
#include "moecost/law/starts.h"
#include "synthetic_runs.h"

using namespace moecost;

TEST_CASE("a saturation that the data do not show is infinite, with an interval from below alone") {
    // Clark's form without an E_max to speak of, 1 to 256 experts, 0.3 % of noise.
    Law endless = law_named("clark2022_s_base");
    endless.c[5] = 1e9;
    FitOptions o;
    o.form = LossForm::clark;
    o.delta = 1;
    o.folds = 0;
    o.bootstrap = 60;
    const Fit fit = fit_law(synthetic(endless, 0.003), o);
    const FittedCoefficient& most = fit.estimates[5];
    CHECK(most.name == "E_max");
    CHECK(most.one_sided);
    CHECK(std::isinf(most.high));
    CHECK(most.low > 256);   // the data reach 256 experts without a sign of it
    const Law again = law_from_toml(parse_toml(toml_of(fit.law), "endless.toml"));
    CHECK(again.c == fit.law.c);
    for (const Law& draw : draws_of(again, 20, 1)) CHECK(draw.c[5] > draw.c[4]);
}
