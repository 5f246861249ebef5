// SPDX-License-Identifier: Apache-2.0
// RMSNorm, RoPE, SiLU-mul, router, permute and quantisation, each against float64 on the CPU over the first tokens and
// the last one.
#include "kernels/small_ops.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/benches.h"
#include "host/rotation.h"
#include "host/shape.h"
#include "kernels/cuda.h"
#include "kernels/index/number_format.h"
#include "kernels/index/random.h"
#include "kernels/index/small_ops.h"
#include "kernels/quantize.h"

namespace microbench {
namespace {

constexpr std::uint64_t x_seed = 21;
constexpr std::uint64_t weight_seed = 22;
constexpr double bf16_unit = 1.0 / 256;   // spacing relative to the value; half of it is the rounding error

struct Shape {
    int tokens = 0;
    int width = 0;
    int top_k = 0;
    int copies = 1;
};

/// Inputs and outputs of one op in rotating copies; which of them an op uses is its own affair.
struct Data {
    std::shared_ptr<__nv_bfloat16> x, weight, out;
    std::shared_ptr<float> logits, scales;
    std::shared_ptr<float2> turns;
    std::shared_ptr<int> ids;
    std::shared_ptr<std::uint8_t> bytes;
};

double value(std::uint64_t seed, long long i) {
    return static_cast<double>(round_bf16(random_uniform(seed, static_cast<std::uint64_t>(i))));
}

/// Tokens that are compared: the first ones and the last.
std::vector<int> checked_tokens(int tokens) {
    std::vector<int> all;
    for (int t = 0; t < std::min(tokens, 4); ++t) all.push_back(t);
    if (tokens > 4) all.push_back(tokens - 1);
    return all;
}

/// Keeps the worst error over tolerance; not-a-number counts as wrong.
void compare(double& worst, double got, double expected, double tolerance) {
    const double error = std::abs(got - expected) / tolerance;
    if (!(error <= worst)) worst = error;
}

double row_error(const __nv_bfloat16* out, int token, int width, const std::vector<double>& expected) {
    const auto row = download(out + static_cast<std::size_t>(token) * static_cast<std::size_t>(width),
                              static_cast<std::size_t>(width));
    double worst = 0;
    for (std::size_t i = 0; i < row.size(); ++i) {
        compare(worst, static_cast<double>(__bfloat162float(row[i])), expected[i],
                bf16_unit * std::abs(expected[i]) + 1e-5);
    }
    return worst;
}

std::vector<double> rmsnorm_row(int token, int width) {
    std::vector<double> row;
    double squares = 0;
    for (int i = 0; i < width; ++i) {
        row.push_back(value(x_seed, static_cast<long long>(token) * width + i));
        squares += row.back() * row.back();
    }
    for (int i = 0; i < width; ++i)
        row[static_cast<std::size_t>(i)] *= value(weight_seed, i) / std::sqrt(squares / width + 1e-6);
    return row;
}

/// The angle that turns element i at a position, by the usual base 10000.
double angle(int position, int i, int head_dim) {
    return position * std::pow(10000.0, -2.0 * (i % (head_dim / 2)) / head_dim);
}

std::vector<double> rope_row(int token, int width) {
    constexpr int head_dim = 128;
    std::vector<double> row;
    for (int c = 0; c < width; ++c) {
        const int i = c % head_dim;
        const double self = value(x_seed, static_cast<long long>(token) * width + c);
        const double other =
            value(x_seed, static_cast<long long>(token) * width + c - i + rope_partner(i, head_dim));
        const double a = angle(token, i, head_dim);
        row.push_back(self * std::cos(a) + (i < head_dim / 2 ? -other : other) * std::sin(a));
    }
    return row;
}

std::vector<double> silu_row(int token, int width) {
    std::vector<double> row;
    for (int i = 0; i < width; ++i) {
        const double gate = value(x_seed, static_cast<long long>(token) * 2 * width + i);
        const double up = value(x_seed, static_cast<long long>(token) * 2 * width + width + i);
        row.push_back(gate / (1 + std::exp(-gate)) * up);
    }
    return row;
}

using RowReference = std::vector<double> (*)(int token, int width);

std::function<double()> check_rows(Data d, Shape s, std::function<void(Stream, int)> launch,
                                   RowReference reference) {
    return [=] {
        run_once(launch);
        double worst = 0;
        for (const int t : checked_tokens(s.tokens))
            worst = std::max(worst, row_error(d.out.get(), t, s.width, reference(t, s.width)));
        return worst;
    };
}

double router_error(const Data& d, const Shape& s) {
    const auto experts = static_cast<std::size_t>(s.width);
    const auto k = static_cast<std::size_t>(s.top_k);
    double worst = 0;
    for (const int t : checked_tokens(s.tokens)) {
        const auto at = static_cast<std::size_t>(t);
        const auto logits = download(d.logits.get() + at * experts, experts);
        const auto ids = download(d.ids.get() + at * k, k);
        const auto weights = download(d.scales.get() + at * k, k);
        std::vector<int> order(experts);
        std::iota(order.begin(), order.end(), 0);
        std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
            return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
        });
        double sum = 0;
        for (std::size_t j = 0; j < k; ++j)
            sum += std::exp(static_cast<double>(logits[static_cast<std::size_t>(order[j])]));
        for (std::size_t j = 0; j < k; ++j) {
            if (ids[j] != order[j]) return 2;
            const double expected =
                std::exp(static_cast<double>(logits[static_cast<std::size_t>(order[j])])) / sum;
            compare(worst, static_cast<double>(weights[j]), expected, 1e-5);
        }
    }
    return worst;
}

double permute_error(const Data& d, const Shape& s) {
    const long long pairs = static_cast<long long>(s.tokens) * s.top_k;
    const auto width = static_cast<std::size_t>(s.width);
    for (const int t : checked_tokens(s.tokens)) {
        for (int j = 0; j < s.top_k; ++j) {
            const auto row =
                static_cast<std::size_t>(permuted_row(static_cast<long long>(t) * s.top_k + j, pairs));
            if (download(d.ids.get() + row, 1)[0] != t) return 2;
            const auto out = download(d.out.get() + row * width, width);
            for (std::size_t i = 0; i < width; ++i) {
                const double expected =
                    value(x_seed, static_cast<long long>(t) * s.width + static_cast<long long>(i));
                if (static_cast<double>(__bfloat162float(out[i])) != expected) return 2;
            }
        }
    }
    return 0;
}

/// Codes may differ by one step where x / scale lies between two: the kernel divides in float32.
double quantize_error(const Data& d, const Shape& s) {
    const auto width = static_cast<std::size_t>(s.width);
    double worst = 0;
    for (const int t : checked_tokens(s.tokens)) {
        const auto at = static_cast<std::size_t>(t);
        const auto codes = download(d.bytes.get() + at * width, width);
        const double scale = static_cast<double>(download(d.scales.get() + at, 1)[0]);
        double largest = 0;
        for (std::size_t i = 0; i < width; ++i)
            largest = std::max(largest, std::abs(value(x_seed, static_cast<long long>(at * width + i))));
        compare(worst, scale, largest / 448, largest / 448 * 1e-6);
        for (std::size_t i = 0; i < width; ++i) {
            const double x = value(x_seed, static_cast<long long>(at * width + i));
            const double got = static_cast<double>(from_e4m3(codes[i])) * scale;
            compare(worst, got, x, std::abs(x) / 16 * 1.001 + scale / 512);
        }
    }
    return worst;
}

std::size_t product(int a, int b, int c = 1) {
    return static_cast<std::size_t>(a) * static_cast<std::size_t>(b) * static_cast<std::size_t>(c);
}

std::shared_ptr<__nv_bfloat16> random_bf16(std::size_t elements, std::uint64_t seed) {
    auto memory = allocate_array<__nv_bfloat16>(elements);
    fill_bf16(memory.get(), elements, seed);
    return memory;
}

std::shared_ptr<float2> make_turns(int tokens) {
    constexpr int head_dim = 128;
    std::vector<float2> turns;
    for (int t = 0; t < tokens; ++t) {
        for (int i = 0; i < head_dim / 2; ++i) {
            const double a = angle(t, i, head_dim);
            turns.push_back(make_float2(static_cast<float>(std::cos(a)), static_cast<float>(std::sin(a))));
        }
    }
    auto memory = allocate_array<float2>(turns.size());
    upload(memory.get(), turns);
    return memory;
}

void prepare_rmsnorm(Prepared& p, Data d, Shape s) {
    const std::size_t n = product(s.tokens, s.width);
    d.x = random_bf16(n * static_cast<std::size_t>(s.copies), x_seed);
    d.out = allocate_array<__nv_bfloat16>(n * static_cast<std::size_t>(s.copies));
    d.weight = random_bf16(static_cast<std::size_t>(s.width), weight_seed);
    p.launch = [=](Stream stream, int copy) {
        const std::size_t at = n * static_cast<std::size_t>(copy);
        launch_rmsnorm(d.out.get() + at, d.x.get() + at, d.weight.get(), s.tokens, s.width, stream);
    };
    p.error = check_rows(d, s, p.launch, rmsnorm_row);
}

void prepare_rope(Prepared& p, Data d, Shape s) {
    const std::size_t n = product(s.tokens, s.width);
    d.x = random_bf16(n * static_cast<std::size_t>(s.copies), x_seed);
    d.out = allocate_array<__nv_bfloat16>(n * static_cast<std::size_t>(s.copies));
    d.turns = make_turns(s.tokens);
    p.launch = [=](Stream stream, int copy) {
        const std::size_t at = n * static_cast<std::size_t>(copy);
        launch_rope(d.out.get() + at, d.x.get() + at, d.turns.get(), s.tokens, s.width / 128, stream);
    };
    p.error = check_rows(d, s, p.launch, rope_row);
}

void prepare_silu(Prepared& p, Data d, Shape s) {
    const std::size_t n = product(s.tokens, s.width);
    d.x = random_bf16(2 * n * static_cast<std::size_t>(s.copies), x_seed);
    d.out = allocate_array<__nv_bfloat16>(n * static_cast<std::size_t>(s.copies));
    p.launch = [=](Stream stream, int copy) {
        const std::size_t at = n * static_cast<std::size_t>(copy);
        launch_silu_mul(d.out.get() + at, d.x.get() + 2 * at, s.tokens, s.width, stream);
    };
    p.error = check_rows(d, s, p.launch, silu_row);
}

void prepare_router(Prepared& p, Data d, Shape s) {
    const std::size_t n = product(s.tokens, s.width);
    const std::size_t chosen = product(s.tokens, s.top_k);
    const auto copies = static_cast<std::size_t>(s.copies);
    std::vector<float> logits(n * copies);
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] = 4 * random_uniform(x_seed, i);
    d.logits = allocate_array<float>(logits.size());
    upload(d.logits.get(), logits);
    d.ids = allocate_array<int>(chosen * copies);
    d.scales = allocate_array<float>(chosen * copies);
    p.launch = [=](Stream stream, int copy) {
        const auto c = static_cast<std::size_t>(copy);
        launch_router(d.ids.get() + c * chosen, d.scales.get() + c * chosen, d.logits.get() + c * n, s.tokens,
                      s.width, s.top_k, stream);
    };
    p.error = [=, launch = p.launch] {
        run_once(launch);
        return router_error(d, s);
    };
}

void prepare_permute(Prepared& p, Data d, Shape s) {
    const std::size_t n = product(s.tokens, s.width);
    const std::size_t rows = product(s.tokens, s.top_k);
    const auto copies = static_cast<std::size_t>(s.copies);
    d.x = random_bf16(n * copies, x_seed);
    d.out = allocate_array<__nv_bfloat16>(n * copies * static_cast<std::size_t>(s.top_k));
    d.ids = allocate_array<int>(rows * copies);
    p.launch = [=](Stream stream, int copy) {
        const auto c = static_cast<std::size_t>(copy);
        launch_permute(d.out.get() + c * n * static_cast<std::size_t>(s.top_k), d.ids.get() + c * rows,
                       d.x.get() + c * n, s.tokens, s.width, s.top_k, stream);
    };
    p.error = [=, launch = p.launch] {
        run_once(launch);
        return permute_error(d, s);
    };
}

void prepare_quantize(Prepared& p, Data d, Shape s) {
    const std::size_t n = product(s.tokens, s.width);
    const auto copies = static_cast<std::size_t>(s.copies);
    d.x = random_bf16(n * copies, x_seed);
    d.bytes = allocate_array<std::uint8_t>(n * copies);
    d.scales = allocate_array<float>(static_cast<std::size_t>(s.tokens) * copies);
    p.launch = [=](Stream stream, int copy) {
        const auto c = static_cast<std::size_t>(copy);
        launch_quantize_tokens(d.bytes.get() + c * n, d.scales.get() + c * static_cast<std::size_t>(s.tokens),
                               d.x.get() + c * n, s.tokens, s.width, stream);
    };
    p.error = [=, launch = p.launch] {
        run_once(launch);
        return quantize_error(d, s);
    };
}

}   // namespace

Prepared prepare_small_op(const Case& c, const Device& device) {
    struct Op {
        std::string_view name;
        void (*prepare)(Prepared&, Data, Shape);
    };
    static constexpr Op ops[] = {{"rmsnorm", prepare_rmsnorm}, {"rope", prepare_rope},
                                 {"silu_mul", prepare_silu},   {"router", prepare_router},
                                 {"permute", prepare_permute}, {"quantize", prepare_quantize}};
    Prepared p;
    p.copies = rotating_copies(c.work.bytes, device.l2_bytes, 1024);
    p.reference = "float64 on the CPU, first and last tokens";
    const std::string name = label(c, "op");
    const bool chooses = name == "router" || name == "permute";
    const Shape shape{static_cast<int>(dimension(c, "tokens")), static_cast<int>(dimension(c, "width")),
                      chooses ? static_cast<int>(dimension(c, "top_k")) : 0, p.copies};
    for (const Op& op : ops) {
        if (op.name == name) op.prepare(p, {}, shape);
    }
    return p;
}

}   // namespace microbench
