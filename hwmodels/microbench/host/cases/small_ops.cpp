// SPDX-License-Identifier: Apache-2.0
// The small kernels of a layer, at the widths of the models.
#include "host/cases/cases.h"
#include "host/formulas.h"
#include "host/rotation.h"

namespace microbench {
namespace {

struct Op {
    const char* name;
    double width;   // of a token: hidden, heads * 128, experts
    double top_k;   // 0: none
};

constexpr Op ops[] = {
    {"rmsnorm", 2048, 0},   {"rmsnorm", 4096, 0},  {"rmsnorm", 7168, 0},  {"rmsnorm", 8192, 0},
    {"rope", 4096, 0},      {"rope", 8192, 0},     {"silu_mul", 1536, 0}, {"silu_mul", 2048, 0},
    {"silu_mul", 14336, 0}, {"router", 8, 2},      {"router", 128, 8},    {"router", 256, 8},
    {"router", 384, 8},     {"permute", 4096, 2},  {"permute", 4096, 8},  {"permute", 7168, 8},
    {"quantize", 4096, 0},  {"quantize", 7168, 0},
};

Work work_of(const Op& op, double tokens) {
    const std::string_view name = op.name;
    if (name == "rope") return work(name, {tokens, op.width / 128, 128});
    if (name == "router" || name == "permute") return work(name, {tokens, op.width, op.top_k});
    return work(name, {tokens, op.width});
}

}   // namespace

std::vector<Case> small_op_cases(const Device& device) {
    std::vector<Case> cases;
    for (const Op& op : ops) {
        for (const double tokens : {1., 8., 64., 256., 1024., 4096., 16384.}) {
            Case c{.table = "small_ops", .kernel = "simple", .dtype = "bfloat16"};
            c.labels = {{"op", op.name}};
            c.shape = {{"tokens", tokens}, {"width", op.width}};
            if (op.top_k > 0) c.shape.emplace_back("top_k", op.top_k);
            c.work = work_of(op, tokens);
            c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, device.l2_bytes, 1024);
            cases.push_back(std::move(c));
        }
    }
    return cases;
}

}   // namespace microbench
