// SPDX-License-Identifier: Apache-2.0
#include "moecost/launch/quantities.h"

namespace moecost {
namespace {

using Kind = SubjectKind;

constexpr FlagSubject table[] = {
    {"model", "model", Kind::text},
    {"tp", "tp", Kind::whole},
    {"pp", "pp", Kind::whole},
    {"ep", "ep", Kind::whole},
    {"attention_dp", "attention-dp", Kind::whole},
    {"replicas", "replicas", Kind::whole},
    {"exchange", "all-to-all", Kind::word},
    {"weights", "weights", Kind::word},
    {"kv", "kv", Kind::word},
    {"chunk", "chunk", Kind::number},
    {"max_sequences", "max-sequences", Kind::number},
    {"memory_fraction", "memory-fraction", Kind::number},
    {"admission_steps", "admission-steps", Kind::number},
    {"draft_tokens", "draft-tokens", Kind::number},
    {"redundant_experts", "redundant-experts", Kind::whole},
    {"host_cache_gb", "host-cache-gb", Kind::number},
    {"batch_overlap", "batch-overlap", Kind::toggle},
    {"physical_experts", "", Kind::whole, 1, 1e5},
    {"expert_tp", "", Kind::whole, 1, 65536},
    {"max_model_len", "", Kind::whole, 1, 1e9},
    {"max_prefill_tokens", "", Kind::whole, 1, 1e9},
    {"block_tokens", "", Kind::whole, 1, 1e6},
    {"graph_batch", "", Kind::whole, 0, 1e6},
    {"cache_bytes", "", Kind::whole, 1, 1e15},
    {"cache_tokens", "", Kind::whole, 1, 1e12},
    {"gpus_per_node", "", Kind::whole, 1, 1024},
    {"nodes", "", Kind::whole, 1, 65536},
    {"node_rank", "", Kind::whole, 0, 65535},
    {"local_ranks", "", Kind::whole, 1, 1024},
    {"first_rank", "", Kind::whole, 0, 65535},
    {"port", "", Kind::whole, 1, 65535},
    {"prefix_caching", "", Kind::toggle},
    {"chunked_prefill", "", Kind::toggle},
    {"mixed_batching", "", Kind::toggle},
    {"headless", "", Kind::toggle},
    {"role", "", Kind::word},
    {"expert_kernels", "", Kind::text},
    {"transfer", "", Kind::text},
    {"dtype", "", Kind::text},
    {"head", "", Kind::text},
    {"head_of_ranks", "", Kind::text},
    {"host", "", Kind::text},
};

}   // namespace

std::span<const FlagSubject> flag_subjects() { return table; }

const FlagSubject* subject_named(std::string_view name) {
    for (const FlagSubject& q : table) {
        if (q.name == name) return &q;
    }
    return nullptr;
}

}   // namespace moecost
