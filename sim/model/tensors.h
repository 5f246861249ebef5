// SPDX-License-Identifier: Apache-2.0
// Every tensor of a model, once, with its multiplicity: parameters, bytes and GEMM shapes all follow from this list.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "moecost/base/quantity.h"
#include "moecost/model/architecture.h"

namespace moecost {

enum class Component {
    attention,
    linear_attention,
    indexer,
    routed_experts,
    shared_experts,
    dense_ffn,
    router,
    latent_proj,
    embeddings,
    head,
    norms,
    other
};
inline constexpr int component_count = 12;
[[nodiscard]] std::string_view name_of(Component component);

/// matmul: a GEMM operand; input_table: the embedding (a gather); tied_table: read as both; the rest are small.
enum class TensorKind { matmul, input_table, tied_table, norm, bias, vector, conv };

/// `out` x `in` elements, `copies` of it in the model (experts and layers multiplied out), `active_copies` of them
/// used by one token. Vectors have in = 1.
struct Tensor {
    std::string_view name;
    std::int64_t out = 0;
    std::int64_t in = 1;
    double copies = 1;
    double active_copies = 1;
    Component component = Component::other;
    TensorKind kind = TensorKind::matmul;
    bool quantisable = true;   // false: stays in bf16 whatever the precision of its component
    bool on_host = false;      // takes no memory of the accelerator

    [[nodiscard]] double elements() const { return static_cast<double>(out) * static_cast<double>(in); }
};

/// Tensors of one layer of a kind, without its norms; copies are per layer. `hidden` is h.
[[nodiscard]] std::vector<Tensor> mixer_tensors(const Mixer& mixer, int hidden);
[[nodiscard]] std::vector<Tensor> ffn_tensors(const Ffn& ffn, int hidden);
/// All tensors of the model without multi-token-prediction modules; copies include the number of layers.
[[nodiscard]] std::vector<Tensor> tensors(const Architecture& architecture);
/// Tensors of the multi-token-prediction modules.
[[nodiscard]] std::vector<Tensor> mtp_tensors(const Architecture& architecture);
/// One tensor for each tower, all its parameters in it: on the input side, with the embeddings; bf16.
[[nodiscard]] std::vector<Tensor> tower_tensors(const Architecture& architecture);

/// The format a tensor is stored in under a precision: its component's, or bf16 where it is not quantised.
[[nodiscard]] DType stored_as(const Tensor& tensor, const Precision& precision);
/// Bytes of all copies, block scales rounded up per dimension of each copy:
///   copies (out in element_bytes + ceil(out/block_out) ceil(in/block_in) scale_bytes)
[[nodiscard]] Bytes bytes_as(const Tensor& tensor, DType format);
[[nodiscard]] Bytes stored_bytes(const Tensor& tensor, const Precision& precision);

}   // namespace moecost
