// SPDX-License-Identifier: Apache-2.0
#include "moecost/model/tensors.h"

#include "moecost/model/tensor_list.h"

namespace moecost {
namespace {

/// Norm vectors of size h; a LayerNorm adds a bias to each.
void append_norms(std::vector<Tensor>& list, const Architecture& a, double copies) {
    if (copies <= 0) return;
    list.push_back({"norm", a.hidden, 1, copies, copies, Component::norms, TensorKind::norm, false});
    if (a.norm_bias)
        list.push_back({"norm.bias", a.hidden, 1, copies, copies, Component::norms, TensorKind::bias, false});
}

void append_scaled(std::vector<Tensor>& list, const std::vector<Tensor>& layer, double layers) {
    for (Tensor t : layer) {
        t.copies *= layers;
        t.active_copies *= layers;
        list.push_back(t);
    }
}

void append_small(std::vector<Tensor>& list, std::string_view name, Elements out, Elements in, double copies,
                  TensorKind kind) {
    list.push_back({name, out, in, copies, copies, Component::other, kind, false});
}

void append_groups(std::vector<Tensor>& list, const Architecture& a, const std::vector<MixerGroup>& mixers,
                   const std::vector<FfnGroup>& ffns) {
    for (const MixerGroup& group : mixers) {
        append_scaled(list, mixer_tensors(group.kind, a.hidden), group.count);
        append_norms(list, a, static_cast<double>(group.count) * group.norms);
    }
    for (const FfnGroup& group : ffns) {
        append_scaled(list, ffn_tensors(group.kind, a.hidden), group.count);
        append_norms(list, a, static_cast<double>(group.count) * group.norms);
    }
}

/// Hyper-connections of `layers` layers (two sites each) and of one head: m streams of h.
void append_hyper_connections(std::vector<Tensor>& list, const Architecture& a, double layers) {
    const Elements m = a.hyper_connections;
    if (m == 0) return;
    if (a.hyper_rank > 0) {
        append_small(list, "hc.down", a.hyper_rank, m * a.hidden, 2 * layers, TensorKind::matmul);
        append_small(list, "hc.up", m * a.hidden, a.hyper_rank, 2 * layers, TensorKind::matmul);
        return;
    }
    append_small(list, "hc.fn", (2 + m) * m, m * a.hidden, 2 * layers, TensorKind::matmul);
    append_small(list, "hc.base", (2 + m) * m, 1, 2 * layers, TensorKind::vector);
    append_small(list, "hc.scale", 3, 1, 2 * layers, TensorKind::vector);
    append_small(list, "hc_head.fn", m, m * a.hidden, 1, TensorKind::matmul);
    append_small(list, "hc_head.base", m, 1, 1, TensorKind::vector);
    append_small(list, "hc_head.scale", 1, 1, 1, TensorKind::vector);
}

void append_residuals(std::vector<Tensor>& list, const Architecture& a) {
    if (a.layer_scalars > 0)
        append_small(list, "layer_scalar", a.layer_scalars, 1, a.layers, TensorKind::vector);
    if (a.attention_residuals) {
        const double sites = 2.0 * a.layers + 1;   // before attention, before the FFN, at the end
        append_norms(list, a, sites);
        append_small(list, "res_proj", 1, a.hidden, sites, TensorKind::matmul);
    }
}

/// Inputs of their own that layers get: from a table and from the embedding, gated into each layer.
void append_layer_inputs(std::vector<Tensor>& list, const Architecture& a) {
    const Elements p = a.layer_input;
    if (p == 0) return;
    append_small(list, "per_layer_model_projection", p * a.layers, a.hidden, 1, TensorKind::matmul);
    append_small(list, "per_layer_projection_norm", p, 1, 1, TensorKind::norm);
    append_small(list, "per_layer_input_gate", p, a.hidden, a.layers, TensorKind::matmul);
    append_small(list, "per_layer_projection", a.hidden, p, a.layers, TensorKind::matmul);
    append_norms(list, a, a.layers);
}

void append_lookups(std::vector<Tensor>& list, const Architecture& a) {
    for (const LookupTable& t : a.tables) {
        list.push_back(
            {"lookup", t.rows, t.width, 1, 1, Component::embeddings, TensorKind::input_table, true});
        list.back().on_host = t.on_host;
    }
}

void append_tables(std::vector<Tensor>& list, const Architecture& a) {
    const TensorKind input = a.tied_embeddings ? TensorKind::tied_table : TensorKind::input_table;
    list.push_back({"embed_tokens", a.vocabulary, a.hidden, 1, 1, Component::embeddings, input, true});
    if (!a.tied_embeddings) {
        list.push_back({"lm_head", a.vocabulary, a.hidden, 1, 1, Component::head, TensorKind::matmul, true});
    }
    if (a.head_bias) {
        list.push_back({"lm_head.bias", a.vocabulary, 1, 1, 1, Component::head, TensorKind::bias, false});
    }
}

Elements blocks(Elements size, int block) { return (size + block - 1) / block; }

DType component_format(Component component, const Precision& p) {
    switch (component) {
        case Component::attention:
        case Component::linear_attention:
        case Component::indexer:
        case Component::latent_proj:
            return p.attention;
        case Component::routed_experts:
            return p.routed_experts;
        case Component::shared_experts:
            return p.shared_experts;
        case Component::dense_ffn:
            return p.dense_ffn;
        case Component::embeddings:
            return p.embeddings;
        case Component::head:
            return p.head;
        case Component::router:
        case Component::norms:
        case Component::other:
            break;
    }
    return DType::bf16;
}

}   // namespace

std::string_view name_of(Component component) {
    constexpr std::string_view names[] = {
        "attention", "linear_attention", "indexer",    "routed_experts", "shared_experts", "dense_ffn",
        "router",    "latent_proj",      "embeddings", "head",           "norms",          "other"};
    return names[static_cast<std::size_t>(component)];
}

std::vector<Tensor> mixer_tensors(const Mixer& mixer, int hidden) {
    return std::visit([hidden](const auto& kind) { return tensors_of(kind, hidden); }, mixer);
}

std::vector<Tensor> ffn_tensors(const Ffn& ffn, int hidden) {
    return std::visit([hidden](const auto& kind) { return tensors_of(kind, hidden); }, ffn);
}

std::vector<Tensor> tensors(const Architecture& a) {
    std::vector<Tensor> list;
    append_tables(list, a);
    append_groups(list, a, a.mixers, a.ffns);
    append_hyper_connections(list, a, a.layers);
    append_residuals(list, a);
    append_layer_inputs(list, a);
    append_lookups(list, a);
    append_norms(list, a, a.final_norms);
    return list;
}

std::vector<Tensor> mtp_tensors(const Architecture& a) {
    const MtpModules& mtp = a.mtp;
    if (mtp.count == 0) return {};
    std::vector<Tensor> module;
    append_groups(module, a, mtp.mixers, mtp.ffns);
    append_hyper_connections(module, a, 1);
    append_norms(module, a, mtp.norms);
    if (mtp.projections == 1) {
        append_small(module, "eh_proj", a.hidden, 2 * Elements{a.hidden}, 1, TensorKind::matmul);
    } else if (mtp.projections == 2) {
        append_small(module, "e_proj", a.hidden, a.hidden, 1, TensorKind::matmul);
        append_small(module, "h_proj", a.hidden, a.hidden, 1, TensorKind::matmul);
    }
    if (mtp.own_head) {
        module.push_back(
            {"shared_head.head", a.vocabulary, a.hidden, 1, 1, Component::head, TensorKind::matmul, true});
    }
    std::vector<Tensor> list;
    append_scaled(list, module, mtp.count);
    return list;
}

std::vector<Tensor> tower_tensors(const Architecture& a) {
    std::vector<Tensor> list;
    for (const Tower& t : a.towers) {
        list.push_back({"tower", t.parameters, 1, 1, 0, Component::embeddings, TensorKind::matmul, false});
    }
    return list;
}

DType stored_as(const Tensor& tensor, const Precision& precision) {
    if (!tensor.quantisable) return DType::bf16;
    if (precision.output_projection && tensor.component == Component::attention && tensor.name == "o_proj") {
        return *precision.output_projection;
    }
    return component_format(tensor.component, precision);
}

Bytes bytes_as(const Tensor& tensor, DType type) {
    const DTypeInfo& format = info(type);
    double bytes = tensor.elements() * format.element_bytes;
    if (format.block_in > 0) {
        const Elements scales = blocks(tensor.out, format.block_out) * blocks(tensor.in, format.block_in);
        bytes += static_cast<double>(scales) * format.scale_bytes;
    }
    return Bytes{tensor.copies * bytes};
}

Bytes stored_bytes(const Tensor& tensor, const Precision& precision) {
    return bytes_as(tensor, stored_as(tensor, precision));
}

}   // namespace moecost
