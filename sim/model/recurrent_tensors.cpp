// SPDX-License-Identifier: Apache-2.0
// Tensors of one layer with a constant state: delta nets, state-space layers, linear attention.
// The two scalars per head of a gate (beta and decay projections) stay in bf16 in every release.
#include "moecost/model/tensor_list.h"

namespace moecost {

std::vector<Tensor> tensors_of(const DeltaNet& a, Elements hidden) {
    TensorList list(Component::linear_attention);
    const Elements key = Elements{a.key_heads} * a.key_dim;
    const Elements value = Elements{a.value_heads} * a.value_dim;
    list.matmul("in_proj_qkv", 2 * key + value, hidden);
    list.matmul("in_proj_z", value, hidden);
    list.exact_matmul("in_proj_b", a.value_heads, hidden, Component::linear_attention);
    list.exact_matmul("in_proj_a", a.value_heads, hidden, Component::linear_attention);
    list.conv("conv1d", 2 * key + value, a.conv_kernel);
    list.vector("dt_bias", a.value_heads);
    list.vector("A_log", a.value_heads);
    list.norm("norm", a.value_dim);
    list.matmul("out_proj", hidden, value);
    return list.take();
}

std::vector<Tensor> tensors_of(const KimiDelta& a, Elements hidden) {
    TensorList list(Component::linear_attention);
    const Elements inner = Elements{a.heads} * a.head_dim;
    for (const std::string_view name : {"q_proj", "k_proj", "v_proj"}) list.matmul(name, inner, hidden);
    for (const std::string_view name : {"q_conv1d", "k_conv1d", "v_conv1d"})
        list.conv(name, inner, a.conv_kernel);
    if (a.full_rank_decay) {
        list.matmul("f_proj", inner, hidden);
    } else {
        list.matmul("f_a_proj", a.head_dim, hidden);
        list.matmul("f_b_proj", inner, a.head_dim);
    }
    list.vector("dt_bias", inner);
    list.vector("A_log", a.heads);
    list.exact_matmul("b_proj", a.heads, hidden, Component::linear_attention);
    if (a.full_rank_gate) {
        list.matmul("g_proj", inner, hidden);
    } else {
        list.matmul("g_a_proj", a.head_dim, hidden);
        list.matmul("g_b_proj", inner, a.head_dim);
    }
    list.norm("o_norm", a.head_dim);
    list.matmul("o_proj", hidden, inner);
    return list.take();
}

std::vector<Tensor> tensors_of(const Mamba2& a, Elements hidden) {
    TensorList list(Component::linear_attention);
    const Elements inner = Elements{a.heads} * a.head_dim;
    const Elements convolved = inner + 2 * Elements{a.groups} * a.state;
    list.matmul("in_proj", inner + convolved + a.heads, hidden);
    list.conv("conv1d", convolved, a.conv_kernel);
    if (a.conv_bias) list.bias("conv1d.bias", convolved);
    for (const std::string_view name : {"A_log", "D", "dt_bias"}) list.vector(name, a.heads);
    if (a.norm) list.norm("norm", inner);
    list.matmul("out_proj", hidden, inner);
    if (a.proj_bias) list.bias("in_proj.bias", inner + convolved + a.heads);
    if (a.proj_bias) list.bias("out_proj.bias", hidden);
    return list.take();
}

std::vector<Tensor> tensors_of(const Mamba1& a, Elements hidden) {
    TensorList list(Component::linear_attention);
    list.matmul("in_proj", 2 * Elements{a.inner}, hidden);
    list.conv("conv1d", a.inner, a.conv_kernel);
    if (a.conv_bias) list.bias("conv1d.bias", a.inner);
    list.matmul("x_proj", a.dt_rank + 2 * Elements{a.state}, a.inner);
    list.matmul("dt_proj", a.inner, a.dt_rank);
    list.bias("dt_proj.bias", a.inner);
    list.table("A_log", a.inner, a.state, Component::linear_attention);
    list.vector("D", a.inner);
    if (a.inner_norms) {
        list.norm("dt_layernorm", a.dt_rank);
        list.norm("b_layernorm", a.state);
        list.norm("c_layernorm", a.state);
    }
    list.matmul("out_proj", hidden, a.inner);
    return list.take();
}

std::vector<Tensor> tensors_of(const LightningAttention& a, Elements hidden) {
    TensorList list(Component::linear_attention);
    const Elements inner = Elements{a.heads} * a.head_dim;
    list.matmul("qkv_proj", 3 * inner, hidden);
    list.matmul("output_gate", inner, hidden);
    list.norm("norm", inner);
    if (a.qk_norm) list.norm("q_norm", a.head_dim);
    if (a.qk_norm) list.norm("k_norm", a.head_dim);
    list.matmul("out_proj", hidden, inner);
    return list.take();
}

std::vector<Tensor> tensors_of(const ShortConvolution& a, Elements hidden) {
    TensorList list(Component::linear_attention);
    const Elements width = a.width;
    list.matmul("in_proj", 3 * width, hidden);
    list.conv("conv", width, a.conv_kernel);
    list.matmul("out_proj", hidden, width);
    if (!a.bias) return list.take();
    list.bias("in_proj.bias", 3 * width);
    list.bias("conv.bias", width);
    list.bias("out_proj.bias", hidden);
    return list.take();
}

}   // namespace moecost
