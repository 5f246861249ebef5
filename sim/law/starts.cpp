// SPDX-License-Identifier: Apache-2.0
#include "moecost/law/starts.h"

#include <algorithm>
#include <cmath>

namespace moecost {
namespace {

using Coefficients = std::array<double, max_coefficients>;

template <class Get>
double median(const std::vector<Observation>& rows, Get get) {
    std::vector<double> values;
    values.reserve(rows.size());
    for (const Observation& row : rows) values.push_back(get(row));
    const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
    std::nth_element(values.begin(), middle, values.end());
    return *middle;
}

/// Amplitude of a term that is worth `value` where its power law stands at `ln_x`.
double amplitude(double value, double exponent, double ln_x) { return value * std::exp(exponent * ln_x); }

void draw_experts(Draw& draw, double& start, double& most) {
    start = draw.between(1, 4);
    most = start + std::exp(draw.between(std::log(20.0), std::log(800.0)));
}

void chinchilla(const Centre& m, Draw& draw, Coefficients& c) {
    c[0] = m.loss * draw.between(0.2, 0.9);
    c[3] = draw.between(0.1, 0.7);
    c[4] = draw.between(0.1, 0.7);
    const double share = draw.between(0.2, 0.8);
    c[1] = amplitude(share * (m.loss - c[0]), c[3], m.at.ln_n);
    c[2] = amplitude((1 - share) * (m.loss - c[0]), c[4], m.at.ln_d);
}

void yun(const Centre& m, Draw& draw, Coefficients& c) {
    draw_experts(draw, c[8], c[9]);
    c[1] = draw.between(0.1, 0.6);
    c[3] = draw.between(0.05, 0.6);
    c[5] = draw.between(0.1, 0.6);
    c[6] = m.loss * draw.between(0.1, 0.6);
    c[7] = draw.between(-0.005, 0.02);
    const double rest = m.loss - c[6];
    const double size = draw.between(0.2, 0.6);
    const double experts = draw.between(0.05, 0.3);
    const double ln_ehat = std::log(saturated(m.at.experts, 1, c[8], c[9]));
    c[0] = amplitude(size * rest, c[1], m.at.ln_n);
    c[2] = amplitude(experts * rest, c[3], ln_ehat);
    c[4] = amplitude((1 - size - experts) * rest, c[5], m.at.ln_d);
}

void joint_moe(const Centre& m, Draw& draw, Coefficients& c) {
    draw_experts(draw, c[8], c[9]);
    c[10] = m.loss * draw.between(0.2, 0.7);
    c[1] = -draw.between(0.08, 0.4);
    c[2] = draw.between(-0.4, 0.1);
    c[3] = draw.between(-0.01, 0.02);
    c[5] = -draw.between(0.08, 0.4);
    c[6] = draw.between(-0.2, 0.8);
    c[7] = draw.between(-0.04, 0.01);
    const double e = std::log(saturated(m.at.experts, 1, c[8], c[9]));
    const double share = draw.between(0.3, 0.7);
    c[0] = share * (m.loss - c[10]) * std::exp(-c[2] * e - (c[1] + c[3] * e) * m.at.ln_n);
    c[4] = (1 - share) * (m.loss - c[10]) * std::exp(-c[6] * e - (c[5] + c[7] * e) * m.at.ln_d);
}

void clark(const Centre& m, Draw& draw, Coefficients& c) {
    draw_experts(draw, c[4], c[5]);
    c[0] = -draw.between(0.03, 0.15);
    c[1] = draw.between(-0.25, 0);
    c[2] = draw.between(0, 0.025);
    const double n = m.at.ln_n / std::numbers::ln10;
    const double e = std::log10(saturated(m.at.experts, 1, c[4], c[5]));
    c[3] = std::log10(m.loss) - c[0] * n - c[1] * e - c[2] * n * e;
}

void krajewski(const Centre& m, Draw& draw, Coefficients& c) {
    c[6] = m.loss * draw.between(0.1, 0.8);
    c[1] = draw.between(0.05, 0.5);
    c[3] = draw.between(0.05, 0.5);
    c[5] = draw.between(0.2, 1);
    const double rest = m.loss - c[6];
    const double fine = draw.between(0.02, 0.2);
    const double size = draw.between(0.2, 0.6);
    c[0] = amplitude(size * rest, c[1], m.at.ln_n);
    c[4] = amplitude(amplitude(fine * rest, c[1], m.at.ln_n), c[5], std::log(m.at.granularity));
    c[2] = amplitude((1 - size - fine) * rest, c[3], m.at.ln_d);
}

void abnar(const Centre& m, Draw& draw, Coefficients& c) {
    const double ln_a = std::log(m.at.active);
    c[1] = draw.between(0.2, 0.7);
    c[3] = draw.between(0.2, 0.6);
    c[5] = draw.between(-0.4, 0.1);
    c[7] = draw.between(0, 0.4);
    c[8] = draw.between(0.05, 0.3);
    c[9] = m.loss * draw.between(0.2, 0.6);
    const double rest = m.loss - c[9];
    c[0] = amplitude(draw.between(0.05, 0.25) * rest, c[1], m.at.ln_n);
    c[2] = amplitude(draw.between(0.1, 0.4) * rest, c[3], m.at.ln_d);
    c[4] = amplitude(draw.between(0.1, 0.3) * rest, c[5], ln_a);
    c[6] = amplitude(draw.between(0.2, 0.5) * rest, c[8], m.at.ln_n) * std::exp(c[7] * ln_a);
}

void zhao(const Centre& m, Draw& draw, Coefficients& c) {
    const double used = m.at.ln_n + std::log(m.at.active);
    c[7] = draw.between(0.15, 0.4);
    c[9] = draw.between(0.3, 0.6);
    c[11] = m.loss * draw.between(0.4, 0.8);
    c[0] = draw.between(0.05, 0.4);
    c[1] = draw.between(2, 12);
    c[2] = draw.between(0, 8);
    c[3] = draw.between(-5, 0);
    c[4] = std::exp(draw.between(std::log(1e-4), std::log(0.1)));
    c[5] = draw.between(0.005, 0.1);
    const double rest = m.loss - c[11];
    c[6] = amplitude(draw.between(0.1, 0.4) * rest, c[7], m.at.ln_n);
    c[8] = amplitude(draw.between(0.2, 0.4) * rest, c[9], m.at.ln_d);
    c[10] = amplitude(draw.between(0.2, 0.4) * rest, c[7], used);
}

void kaplan(const Centre& m, Draw& draw, Coefficients& c) {
    c[0] = draw.between(0.03, 0.25);
    c[1] = draw.between(0.03, 0.25);
    const double share = draw.between(0.2, 0.8);
    const double sum = std::log(m.loss) / c[1];   // ln of the bracket at the centre
    c[2] = std::exp(m.at.ln_n + (sum + std::log(share)) * c[1] / c[0]);
    c[3] = std::exp(m.at.ln_d + sum + std::log(1 - share));
}

void power(double ln_x, const Centre& m, Draw& draw, Coefficients& c) {
    c[0] = draw.between(0.03, 0.3);
    c[1] = std::exp(ln_x + std::log(m.loss) / c[0]);
}

}   // namespace

Centre centre_of(const std::vector<Observation>& rows) {
    Centre m;
    m.at.ln_n = median(rows, [](const Observation& o) { return o.at.ln_n; });
    m.at.ln_d = median(rows, [](const Observation& o) { return o.at.ln_d; });
    m.at.experts = median(rows, [](const Observation& o) { return o.at.experts; });
    m.at.granularity = median(rows, [](const Observation& o) { return o.at.granularity; });
    m.at.active = median(rows, [](const Observation& o) { return o.at.active; });
    m.at.shared = median(rows, [](const Observation& o) { return o.at.shared; });
    m.loss = std::exp(median(rows, [](const Observation& o) { return o.ln_loss; }));
    return m;
}

void draw_start(LossForm form, const Centre& centre, Draw& draw, Coefficients& c) {
    switch (form) {
        case LossForm::chinchilla:
            return chinchilla(centre, draw, c);
        case LossForm::yun:
            return yun(centre, draw, c);
        case LossForm::joint_moe:
            return joint_moe(centre, draw, c);
        case LossForm::clark:
            return clark(centre, draw, c);
        case LossForm::krajewski:
            return krajewski(centre, draw, c);
        case LossForm::abnar:
            return abnar(centre, draw, c);
        case LossForm::zhao:
            return zhao(centre, draw, c);
        case LossForm::kaplan:
            return kaplan(centre, draw, c);
        case LossForm::power_n:
            return power(centre.at.ln_n, centre, draw, c);
        case LossForm::power_d:
            return power(centre.at.ln_d, centre, draw, c);
        case LossForm::leverage:
            return;
    }
}

}   // namespace moecost
