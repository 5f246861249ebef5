// SPDX-License-Identifier: Apache-2.0
// Tensors of one feed-forward layer: dense, or router, experts, shared experts and latent projections of an
// MoE.
#include "moecost/model/tensor_list.h"

namespace moecost {
namespace {

void add_dense(TensorList& list, Elements width, int matrices, Elements hidden, Component component) {
    if (matrices == 3) list.matmul("gate_proj", width, hidden, component);
    list.matmul("up_proj", width, hidden, component);
    list.matmul("down_proj", hidden, width, component);
}

void add_router(TensorList& list, const MoeFfn& f, Elements hidden) {
    const Elements choices = Elements{f.experts} + f.zero_experts;
    list.exact_matmul("router", choices, hidden, Component::router);
    if (f.router_bias != RouterBias::none) list.bias("router.bias", choices, Component::router);
    if (!f.router_scales) return;
    list.table("router.scale", hidden, 1, Component::router);
    list.table("router.per_expert_scale", f.experts, 1, Component::router);
}

std::vector<Tensor> expert_tensors(const MoeFfn& f, Elements io) {
    TensorList list(Component::routed_experts);
    const Elements up = Elements{f.width} * (f.matrices - 1);
    if (f.fused_gate_up && f.matrices == 3) {
        list.matmul("experts.gate_up_proj", up, io);
    } else {
        if (f.matrices == 3) list.matmul("experts.gate_proj", f.width, io);
        list.matmul("experts.up_proj", f.width, io);
    }
    if (f.expert_bias) list.bias("experts.up_proj.bias", up);
    list.matmul("experts.down_proj", io, f.width);
    if (f.expert_bias) list.bias("experts.down_proj.bias", io);
    std::vector<Tensor> result = list.take();
    for (Tensor& t : result) {
        t.copies = f.experts;
        t.active_copies = f.top_k;
    }
    return result;
}

}   // namespace

std::vector<Tensor> tensors_of(const DenseFfn& f, Elements hidden) {
    TensorList list(Component::dense_ffn);
    add_dense(list, f.width, f.matrices, hidden, Component::dense_ffn);
    if (f.bias) list.bias("up_proj.bias", Elements{f.width} * (f.matrices - 1));
    if (f.bias) list.bias("down_proj.bias", hidden);
    return list.take();
}

std::vector<Tensor> tensors_of(const MoeFfn& f, Elements hidden) {
    TensorList list(Component::shared_experts);
    add_router(list, f, hidden);
    if (f.shared_width > 0) add_dense(list, f.shared_width, f.matrices, hidden, Component::shared_experts);
    if (f.shared_width > 0 && f.shared_gate) {
        list.exact_matmul("shared_expert_gate", 1, hidden, Component::shared_experts);
    }
    if (f.dense_width > 0) add_dense(list, f.dense_width, f.matrices, hidden, Component::dense_ffn);
    if (f.latent_width > 0) {
        list.matmul("latent_down_proj", f.latent_width, hidden, Component::latent_proj);
        list.matmul("latent_up_proj", hidden, f.latent_width, Component::latent_proj);
        if (f.latent_norm) list.norm("latent_norm", f.latent_width);
    }
    std::vector<Tensor> result = list.take();
    const std::vector<Tensor> experts = expert_tensors(f, f.latent_width > 0 ? f.latent_width : hidden);
    result.insert(result.end(), experts.begin(), experts.end());
    return result;
}

}   // namespace moecost
