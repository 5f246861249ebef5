// SPDX-License-Identifier: Apache-2.0
// Cases as operations of the simulator, timed by its laws.
#include <algorithm>
#include <limits>

#include "host/formulas.h"
#include "host/shape.h"
#include "moecost/base/dtype.h"
#include "moecost/hardware/cluster.h"
#include "moecost/timing/attention.h"
#include "moecost/timing/collective.h"
#include "moecost/timing/expert_ffn.h"
#include "moecost/timing/gemm.h"
#include "synthetic/backend.h"

namespace microbench {
namespace {

using moecost::CalibratedHardware;
using moecost::DType;

DType format(std::string_view name) {
    const auto type = moecost::dtype_named(name);
    if (!type) throw SkipCase{std::string("synthetic: no law for dtype ").append(name)};
    return *type;
}

/// The table of a format; `member` says which format a table is of.
template <class Table>
const Table& table_of(const std::vector<Table>& tables, DType Table::*member, DType type) {
    for (const Table& table : tables) {
        if (table.*member == type) return table;
    }
    throw SkipCase{"synthetic: the profile has no table of this kind and format"};
}

moecost::Timed gemm(const Case& c, const CalibratedHardware& machine) {
    const moecost::Gemm op{dimension(c, "m"), dimension(c, "n"), dimension(c, "k"), format(c.dtype)};
    const auto& tables = machine.profile->kernels->gemm;
    return moecost::gemm_time(op, table_of(tables, &moecost::GemmTable::weights, op.weights), machine);
}

moecost::Timed moe(const Case& c, const CalibratedHardware& machine) {
    if (c.distribution != "balanced") throw SkipCase{"synthetic: experts by balanced routing only"};
    moecost::ExpertFfn op;
    op.tokens = dimension(c, "tokens");
    op.hidden = dimension(c, "hidden");
    op.width = dimension(c, "inter") / dimension(c, "tp");
    op.top_k = dimension(c, "top_k");
    const double pairs = op.tokens * op.top_k;
    op.rows = pairs / dimension(c, "ep");
    op.distinct = std::max(std::min(pairs, dimension(c, "experts")) / dimension(c, "ep"), 1.0);
    op.weights = format(c.dtype);
    const auto& tables = machine.profile->kernels->moe;
    return moecost::expert_ffn_time(op, table_of(tables, &moecost::MoeTable::weights, op.weights), machine);
}

moecost::Timed decode(const Case& c, const CalibratedHardware& machine) {
    moecost::DecodeAttention op;
    op.batch = dimension(c, "batch");
    op.q_heads = dimension(c, "q_heads");
    op.kv_heads = dimension(c, "kv_heads");
    op.qk_dim = op.v_dim = dimension(c, "head_dim");
    op.context = visible(dimension(c, "context"), dimension(c, "window"));
    op.cache = format(label(c, "kv_dtype"));
    const auto& tables = machine.profile->kernels->decode_attention;
    return moecost::decode_attention_time(
        op, table_of(tables, &moecost::DecodeAttentionTable::cache, op.cache), machine);
}

moecost::PrefillAttention prompt(const Case& c) {
    moecost::PrefillAttention op;
    op.sequences = dimension(c, "batch");
    op.prompt = dimension(c, "isl");
    op.tokens = op.sequences * op.prompt;
    op.cache = format(label(c, "kv_dtype"));
    return op;
}

moecost::Timed prefill(const Case& c, const CalibratedHardware& machine) {
    moecost::PrefillAttention op = prompt(c);
    op.q_heads = dimension(c, "q_heads");
    op.kv_heads = dimension(c, "kv_heads");
    op.qk_dim = op.v_dim = dimension(c, "head_dim");
    const double window = dimension(c, "window");
    const double prefix = dimension(c, "prefix");
    op.keys = causal_pairs(op.prompt, window, prefix) / op.prompt;
    op.prior = moecost::Bytes{op.sequences * visible(prefix, window) * op.kv_heads * 2 * op.qk_dim *
                              moecost::bytes_per_element(op.cache)};
    const auto& tables = machine.profile->kernels->prefill_attention;
    return moecost::prefill_attention_time(
        op, table_of(tables, &moecost::PrefillAttentionTable::cache, op.cache), machine);
}

moecost::Timed mla_decode(const Case& c, const CalibratedHardware& machine) {
    const moecost::MlaDecode op{
        dimension(c, "batch"),       dimension(c, "heads"), dimension(c, "context"), 512, 64,
        format(label(c, "kv_dtype"))};
    const auto& tables = machine.profile->kernels->mla_decode;
    return moecost::mla_decode_time(op, table_of(tables, &moecost::MlaDecodeTable::cache, op.cache), machine);
}

moecost::Timed mla_prefill(const Case& c, const CalibratedHardware& machine) {
    moecost::PrefillAttention op = prompt(c);
    op.q_heads = op.kv_heads = dimension(c, "heads");
    op.qk_dim = 192;
    op.v_dim = 128;
    op.keys = causal_pairs(op.prompt, 0, 0) / op.prompt;
    op.latent = true;
    const auto& tables = machine.profile->kernels->mla_prefill;
    return moecost::prefill_attention_time(
        op, table_of(tables, &moecost::PrefillAttentionTable::cache, op.cache), machine);
}

moecost::Timed all_reduce(const Case& c, const CalibratedHardware& machine) {
    return moecost::all_reduce_time({moecost::Bytes{dimension(c, "bytes")}, dimension(c, "gpus")}, machine);
}

struct Law {
    std::string_view table;
    moecost::Timed (*time)(const Case&, const CalibratedHardware&);
};
constexpr Law laws[] = {
    {"gemm", gemm},
    {"moe", moe},
    {"mla_decode", mla_decode},
    {"attention_decode", decode},
    {"mla_prefill", mla_prefill},
    {"attention_prefill", prefill},
    {"allreduce", all_reduce},
};

}   // namespace

double law_us(const Case& c, const moecost::Accelerator& accelerator, const moecost::Profile& profile) {
    if (!profile.kernels) throw SkipCase{"synthetic: the profile has no kernel tables"};
    moecost::Profile isolated = profile;
    isolated.serving = {};   // what a served engine adds to isolated kernels
    isolated.serving.floor_cap = moecost::Seconds{1e9};
    moecost::Cluster cluster = moecost::cluster_of(accelerator);
    cluster.domain = std::numeric_limits<int>::max();   // the case says who takes part
    const CalibratedHardware machine{&cluster, &isolated, {}};
    for (const Law& law : laws) {
        if (law.table == c.table) return law.time(c, machine).total.value() * 1e6;
    }
    throw SkipCase{std::string("synthetic: no law for ").append(c.table)};
}

}   // namespace microbench
