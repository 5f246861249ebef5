// SPDX-License-Identifier: Apache-2.0
#include "moecost/ops/ffn_operations.h"

namespace moecost {
namespace {

/// Gate and up in one GEMM, down in another; both split over tensor parallelism.
void add_dense(const StepContext& c, double width, double matrices, DType weights, OpClass op_class,
               double layers, OperationList& out) {
    const double local = width / c.tp;
    out.push_back({matrices > 2 ? "gate-up" : "up", op_class, layers,
                   Gemm{c.rows, (matrices - 1) * local, c.hidden, weights}});
    out.push_back({"down", op_class, layers, Gemm{c.rows, c.hidden, local, weights}});
}

void add_latent(const StepContext& c, const MoeFfn& moe, double layers, OperationList& out) {
    if (moe.latent_width == 0) return;
    const double latent = moe.latent_width;
    out.push_back(
        {"to latent", OpClass::router, layers, Gemm{c.rows, latent, c.hidden, c.precision.attention}});
    out.push_back(
        {"from latent", OpClass::router, layers, Gemm{c.rows, c.hidden, latent, c.precision.attention}});
}

void add_moe(const StepContext& c, const MoeFfn& moe, double layers, OperationList& out) {
    out.push_back({"router", OpClass::router, layers,
                   Gemm{c.rows, static_cast<double>(moe.experts + moe.zero_experts), c.hidden, DType::bf16}});
    add_latent(c, moe, layers, out);
    ExpertFfn experts;
    experts.hidden = moe.latent_width > 0 ? moe.latent_width : c.hidden;
    experts.width = static_cast<double>(moe.width) / c.layout.expert_tp();
    experts.top_k = moe.top_k;
    experts.matrices = moe.matrices;
    experts.weights = c.precision.routed_experts;
    set_load(experts, routing_of(moe, c.layout, c.skew).at(c.tokens), c.tokens, c.layout.all_to_all());
    out.push_back({"routed experts", OpClass::routed_experts, layers, experts});
    if (moe.shared_width > 0) {
        add_dense(c, moe.shared_width, moe.matrices, c.precision.shared_experts, OpClass::shared_experts,
                  layers, out);
    }
    if (moe.dense_width > 0) {
        add_dense(c, moe.dense_width, 3, c.precision.dense_ffn, OpClass::dense_ffn, layers, out);
    }
}

}   // namespace

Routing routing_of(const MoeFfn& moe, const Layout& layout, double skew) {
    return {static_cast<double>(moe.experts), static_cast<double>(moe.top_k), static_cast<double>(layout.ep),
            moe.experts <= uniform_up_to_experts ? 0 : skew, static_cast<double>(layout.redundant_experts)};
}

void set_load(ExpertFfn& experts, const RankLoad& load, double tokens, bool all_to_all) {
    // Behind an all-to-all a rank handles the rows that were sent to it; else it sorts those of all ranks.
    experts.tokens = all_to_all ? load.rows / experts.top_k : tokens;
    experts.distinct = load.distinct;
    experts.rows = load.rows;
}

void add_ffn(const StepContext& context, const Ffn& ffn, double layers, OperationList& operations) {
    if (const auto* dense = std::get_if<DenseFfn>(&ffn)) {
        add_dense(context, dense->width, dense->matrices, context.precision.dense_ffn, OpClass::dense_ffn,
                  layers, operations);
    } else {
        add_moe(context, std::get<MoeFfn>(ffn), layers, operations);
    }
}

}   // namespace moecost
