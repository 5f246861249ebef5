// SPDX-License-Identifier: Apache-2.0
// A list of the tensors of one layer while it is written down: one short call per kind of tensor.
// Inner header of the model room.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "moecost/model/tensors.h"

namespace moecost {

using Elements = std::int64_t;   // products of two sizes do not fit an int

class TensorList {
  public:
    explicit TensorList(Component component) : component_(component) {}

    /// A linear map of `out` x `in` in the component of the list or in another one.
    Tensor& matmul(std::string_view name, Elements out, Elements in) {
        return matmul(name, out, in, component_);
    }
    Tensor& matmul(std::string_view name, Elements out, Elements in, Component component) {
        return add(name, out, in, component, TensorKind::matmul);
    }
    /// A linear map that releases keep in bf16 whatever the precision around it.
    void exact_matmul(std::string_view name, Elements out, Elements in, Component component) {
        matmul(name, out, in, component).quantisable = false;
    }
    void norm(std::string_view name, Elements size) {
        add(name, size, 1, Component::norms, TensorKind::norm);
    }
    void bias(std::string_view name, Elements size) { bias(name, size, component_); }
    void bias(std::string_view name, Elements size, Component component) {
        add(name, size, 1, component, TensorKind::bias);
    }
    void vector(std::string_view name, Elements size) { table(name, size, 1, component_); }
    /// A small table that is added or multiplied, not a GEMM operand.
    void table(std::string_view name, Elements out, Elements in, Component component) {
        add(name, out, in, component, TensorKind::vector);
    }
    void conv(std::string_view name, Elements channels, Elements kernel) {
        add(name, channels, kernel, component_, TensorKind::conv);
    }
    std::vector<Tensor> take() { return std::move(tensors_); }

  private:
    Tensor& add(std::string_view name, Elements out, Elements in, Component component, TensorKind kind) {
        tensors_.push_back({name, out, in, 1, 1, component, kind, kind == TensorKind::matmul});
        return tensors_.back();
    }
    std::vector<Tensor> tensors_;
    Component component_;
};

// One function per kind of mixer, in attention_tensors.cpp and recurrent_tensors.cpp.
std::vector<Tensor> tensors_of(const GroupedAttention& a, Elements hidden);
std::vector<Tensor> tensors_of(const LatentAttention& a, Elements hidden);
std::vector<Tensor> tensors_of(const CompressedAttention& a, Elements hidden);
std::vector<Tensor> tensors_of(const DeltaNet& a, Elements hidden);
std::vector<Tensor> tensors_of(const KimiDelta& a, Elements hidden);
std::vector<Tensor> tensors_of(const Mamba2& a, Elements hidden);
std::vector<Tensor> tensors_of(const Mamba1& a, Elements hidden);
std::vector<Tensor> tensors_of(const LightningAttention& a, Elements hidden);
std::vector<Tensor> tensors_of(const ShortConvolution& a, Elements hidden);
// In ffn_tensors.cpp.
std::vector<Tensor> tensors_of(const DenseFfn& f, Elements hidden);
std::vector<Tensor> tensors_of(const MoeFfn& f, Elements hidden);

}   // namespace moecost
