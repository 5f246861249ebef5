// SPDX-License-Identifier: Apache-2.0
// Step functions with known constants: what the closed forms and the simulation are checked on.
#pragma once

#include <cmath>

#include "moecost/serving/replica.h"

/// t = c0 + cb B + ck K + ((w0 + w1 T/(T + Ts))^p + (g T)^p)^(1/p) + cp P + ca A, T = B + P: weights are read in part
/// (w0, w1, Ts: experts touched) or multiplied (g), attention reads contexts (ck) and attends pairs (ca).
struct StepConstants {
    double c0, cb, ck, w0, w1, Ts, g, p, cp, ca;
    double operator()(double B, double K, double P, double A) const {
        const double T = B + P;
        const double w = w0 + (T > 0 ? w1 * T / (T + Ts) : 0);
        return c0 + cb * B + ck * K + std::pow(std::pow(w, p) + std::pow(g * T, p), 1 / p) + cp * P + ca * A;
    }
};
inline constexpr StepConstants llama70b_h100x4{1.149e-2, 3.73e-5,  1.764e-8, 1e-4,     0.1,
                                               4526,     1.136e-5, 8.0,      5.393e-5, 1.462e-9};
inline constexpr StepConstants dsv3_h200x8{8.99e-3, 1.479e-5, 1.577e-8, 1e-4,     2.956e-2,
                                           42.65,   2.121e-5, 1.427,    1.499e-5, 1.234e-9};
inline constexpr StepConstants gptoss_b200x1{2.576e-3, 7.231e-6, 2.425e-9, 1e-4,     1.501e-2,
                                             52.32,    2.676e-6, 3.065,    4.105e-6, 4.517e-10};

/// uniform:m of the check values: whole tokens from 0.8 m/0.9 to m/0.9.
inline moecost::UniformLength around(double m) { return {0.8 * m / 0.9, m / 0.9}; }

/// A replica of the check values.
inline moecost::Replica replica_of(const StepConstants& step, moecost::Batching batching, double chunk,
                                   double slots, const moecost::Lengths& lengths, double hit = 0) {
    moecost::Replica r;
    r.step = step;
    r.rules.batching = batching;
    r.rules.chunk_tokens = chunk;
    r.rules.max_sequences = slots;
    r.lengths = moecost::length_law(lengths, hit);
    moecost::prepare(r);
    return r;
}
inline moecost::Lengths around(double input, double output) { return {around(input), around(output), {}}; }
