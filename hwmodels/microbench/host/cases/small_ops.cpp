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
    bool quick;
};

constexpr Op ops[] = {
    {"rmsnorm", 2048, 0, false},  {"rmsnorm", 4096, 0, false},  {"rmsnorm", 7168, 0, true},
    {"rmsnorm", 8192, 0, false},  {"rope", 4096, 0, false},     {"rope", 8192, 0, true},
    {"silu_mul", 1536, 0, false}, {"silu_mul", 2048, 0, false}, {"silu_mul", 14336, 0, true},
    {"router", 8, 2, false},      {"router", 128, 8, false},    {"router", 256, 8, true},
    {"router", 384, 8, false},    {"permute", 4096, 2, false},  {"permute", 4096, 8, false},
    {"permute", 7168, 8, true},   {"quantize", 4096, 0, false}, {"quantize", 7168, 0, true},
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
            c.quick = op.quick && (tokens == 1 || tokens == 256 || tokens == 16384);
            c.short_kernel = c.work.bytes < 10e6;
            cases.push_back(std::move(c));
        }
    }
    return cases;
}

}   // namespace microbench
