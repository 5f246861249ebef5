// SPDX-License-Identifier: Apache-2.0
// The rows. What is done with them is in input_values.cpp.
#include "moecost/estimate/inputs.h"

#include <limits>

#include "moecost/base/dtype.h"
#include "moecost/estimate/pools.h"
#include "moecost/serving/memory.h"

namespace moecost {
namespace {

using View_ = const View&;

constexpr double no_number = std::numeric_limits<double>::quiet_NaN();

const Pool& pool(View_ v) { return v.scenario->pool(); }
const Traffic& traffic(View_ v) { return v.scenario->traffic; }
const EngineSettings& settings(View_ v) { return pool(v).settings; }

Bytes reserve_of(View_ v) {
    const Pool& p = pool(v);
    return reserve_per_gpu(v.scenario->architecture, p.layout, p.settings, p.rules);
}

/// The size of the load where it is of this kind.
template <class Kind>
double load_size(View_ v) {
    const Load& load = traffic(v).load;
    return std::holds_alternative<Kind>(load) ? size_of(load).value_or(no_number) : no_number;
}
template <class Kind>
double load_is(View_ v) {
    return std::holds_alternative<Kind>(traffic(v).load) ? 1 : 0;
}

/// The variant index of a kind of load: its place among the alternatives.
template <class Kind, std::size_t I = 0>
constexpr std::size_t index_of() {
    if constexpr (std::is_same_v<std::variant_alternative_t<I, Load>, Kind>)
        return I;
    else
        return index_of<Kind, I + 1>();
}
template <class Kind>
constexpr LoadSlot load() {
    return {index_of<Kind>(), [](double size) -> Load { return Kind{size}; }};
}
template <class Kind>
constexpr LoadSlot load_without_size() {
    return {index_of<Kind>(), [](double) -> Load { return Kind{}; }};
}

using C = PoolChoices;
template <class Member>
constexpr PoolSlot prefill(Member member) {
    return {&Description::prefill, member};
}
template <class Member>
constexpr PoolSlot decode(Member member) {
    return {&Description::decode, member};
}
const Pool* prefill_pool(View_ v) { return v.scenario->two_pools() ? &v.scenario->pools.front() : nullptr; }
const Pool* decode_pool(View_ v) { return v.scenario->two_pools() ? &v.scenario->pools.back() : nullptr; }

constexpr double max_choice = max_experts;
constexpr double max_degree = 65536;
constexpr auto names = InputStage::names;
constexpr auto member = InputStage::member;
constexpr auto numbers = InputStage::numbers;
using Kind = InputKind;
using D = Description;

// Groups, as help shows them.
constexpr std::string_view model_group = "Model";
constexpr std::string_view hardware_group = "Hardware";
constexpr std::string_view pools_group = "Prefill and decode apart";
constexpr std::string_view engine_group = "Engine";
constexpr std::string_view traffic_group = "Traffic";
constexpr std::string_view price_group = "Price";

// One row, one input: laid out by hand to be read as a table.
// clang-format off
constexpr Input table[] = {
    {"model", Kind::name, names, {}, "NAME|FILE", "", model_group,
     "model of the library, our TOML, or a Hugging Face config.json", &D::model, nullptr,
     [](View_ v) -> std::string_view { return model_name(*v.scenario); }},
    {"family", Kind::name, names, {}, "NAME|FILE", "", model_group,
     "in place of a model: a member of a family (moecost list families)", &D::family, nullptr,
     [](View_ v) -> std::string_view { return v.description != nullptr ? v.description->family : std::string_view(); }},
    {"size", Kind::parameters, member, {1e6, 1e15}, "N", "", model_group,
     "dense-equivalent parameters of the member, without embeddings: 7e9, 7B", &D::size},
    {"experts", Kind::whole, member, {1, max_choice}, "E", "", model_group,
     "full-size experts of the member; 1 is dense", &D::experts},
    {"top-k", Kind::whole, member, {1, max_choice}, "K", "", model_group, "full-size experts a token uses",
     &D::top_k},
    {"granularity", Kind::whole, member, {1, max_choice}, "G", "", model_group,
     "parts of a full-size expert: E G are routed, K G used", &D::granularity},
    {"shared-experts", Kind::whole, member, {0, max_choice}, "S", "", model_group,
     "of the K G parts that a token uses, those every token uses", &D::shared_experts},
    {"weights", Kind::format, names, {}, "FORMAT", "as released", model_group,
     "format of all GEMM weights: bf16, fp8, fp8-block, nvfp4, ...", &D::weights, nullptr,
     [](View_ v) { return info(pool(v).precision.attention).name; }, "", {"quantization", "dtype"}},
    {"expert-weights", Kind::format, names, {}, "FORMAT", "as --weights", model_group,
     "format of the routed experts", &D::expert_weights, nullptr,
     [](View_ v) { return info(pool(v).precision.routed_experts).name; }},
    {"kv", Kind::format, names, {}, "FORMAT", "of the engine", model_group,
     "format of the KV cache: bf16 or fp8", &D::kv, nullptr,
     [](View_ v) { return info(pool(v).precision.kv_cache).name; }, "", {"kv-cache-dtype", "kv-cache"}},
    {"set", Kind::edit, names, {}, "KEY=VALUE", "", model_group,
     "what-if edit of the model, such as experts=64; may be repeated", EditSlot{}},
    {"ignore-key", Kind::edit, names, {}, "KEY", "", model_group,
     "count a config.json without this key, which is not known here; may be repeated", &D::ignored_keys},
    {"text-only", Kind::toggle, names, {0, 1}, "", "", model_group, "leave encoders of images and sound out",
     &D::text_only},
    {"host-tables", Kind::toggle, names, {0, 1}, "", "", model_group,
     "n-gram and per-layer tables lie in the memory of the host", &D::host_tables},

    {"gpu", Kind::name, names, {}, "NAME|FILE", "", hardware_group,
     "accelerator: h100_sxm, b200_sxm, ... (moecost list gpus)", &D::gpu, nullptr,
     [](View_ v) -> std::string_view { return pool(v).cluster.gpu.id; }},
    {"cluster", Kind::name, names, {}, "NAME|FILE", "the usual one of the GPU", hardware_group,
     "cluster: topology and network", &D::cluster, nullptr,
     [](View_ v) -> std::string_view { return pool(v).cluster.id; }},
    {"gpus", Kind::whole, numbers, {1, max_degree}, "N", "of one instance", hardware_group,
     "GPUs of the whole deployment: a multiple of tp x attention-dp x pp", &D::gpus,
     [](View_ v) { return v.description != nullptr && v.description->gpus ? *v.description->gpus : double{1} * v.scenario->gpus(); }},
    {"tp", Kind::whole, numbers, {1, max_degree}, "N", "of --gpus, the most in one scale-up domain",
     hardware_group, "tensor parallelism", &D::tp, [](View_ v) { return double{1} * pool(v).layout.tp; },
     nullptr, "", {"tensor-parallel-size"}},
    {"pp", Kind::whole, numbers, {1, max_degree}, "N", "1", hardware_group, "pipeline stages", &D::pp,
     [](View_ v) { return double{1} * pool(v).layout.pp; }, nullptr, "", {"pipeline-parallel-size"}},
    {"ep", Kind::whole, numbers, {1, max_degree}, "N", "1", hardware_group, "expert parallelism", &D::ep,
     [](View_ v) { return double{1} * pool(v).layout.ep; }, nullptr, "", {"expert-parallel-size"}},
    {"attention-dp", Kind::whole, numbers, {1, max_degree}, "N", "1", hardware_group,
     "attention data parallelism", &D::attention_dp,
     [](View_ v) { return double{1} * pool(v).layout.attention_dp; }, nullptr, "", {"data-parallel-size",
     "dp"}},
    {"replicas", Kind::whole, numbers, {1, max_degree}, "N", "--gpus over the GPUs of an instance",
     hardware_group, "identical instances behind a load balancer", &D::replicas,
     [](View_ v) { return double{1} * pool(v).replicas; }, nullptr, "", {"instances"}},
    {"all-to-all", Kind::word, names, {}, "MODE", "collective", hardware_group,
     "expert exchange: collectives, DeepEP in its low-latency or normal mode, NVLink of one domain", &D::exchange, nullptr,
     [](View_ v) { return name_of(pool(v).layout.exchange); }, "collective|low-latency|normal|nvlink"},
    {"redundant-experts", Kind::whole, numbers, {0, max_degree}, "N", "0", hardware_group,
     "copies of the hottest experts, all ranks of an instance together (expert load balancer)", &D::redundant_experts,
     [](View_ v) { return double{1} * pool(v).layout.redundant_experts; }, nullptr, "", {"num-redundant-experts",
     "ep-num-redundant-experts"}},
    {"batch-overlap", Kind::toggle, numbers, {0, 1}, "", "", hardware_group,
     "steps run as two half batches: one computes while the tokens of the other travel", &D::batch_overlap,
     [](View_ v) { return pool(v).layout.batch_overlap ? 1.0 : 0.0; }, nullptr, "", {"enable-two-batch-overlap"}},

    {"prefill-gpus", Kind::whole, numbers, {1, max_degree}, "N", "", pools_group, "GPUs of the prefill pool; with --decode-gpus prefill and decode run apart", prefill(&C::gpus),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->gpus() : no_number; }},
    {"prefill-replicas", Kind::whole, numbers, {1, max_degree}, "N", "--prefill-gpus over the GPUs of a worker", pools_group, "workers of the prefill pool", prefill(&C::replicas),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->replicas : no_number; }},
    {"prefill-gpu", Kind::name, names, {}, "NAME|FILE", "as without prefill-", pools_group, "accelerator of the prefill pool", prefill(&C::gpu), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = prefill_pool(v); return p != nullptr ? p->cluster.gpu.id : std::string_view(); }},
    {"prefill-cluster", Kind::name, names, {}, "NAME|FILE", "as without prefill-", pools_group, "cluster of the prefill pool", prefill(&C::cluster), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = prefill_pool(v); return p != nullptr ? p->cluster.id : std::string_view(); }},
    {"prefill-tp", Kind::whole, numbers, {1, max_degree}, "N", "as without prefill-", pools_group, "tensor parallelism of a prefill worker", prefill(&C::tp),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->layout.tp : no_number; }},
    {"prefill-pp", Kind::whole, numbers, {1, max_degree}, "N", "as without prefill-", pools_group, "pipeline stages of a prefill worker", prefill(&C::pp),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->layout.pp : no_number; }},
    {"prefill-ep", Kind::whole, numbers, {1, max_degree}, "N", "as without prefill-", pools_group, "expert parallelism of a prefill worker", prefill(&C::ep),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->layout.ep : no_number; }},
    {"prefill-attention-dp", Kind::whole, numbers, {1, max_degree}, "N", "as without prefill-", pools_group, "attention data parallelism of a prefill worker", prefill(&C::attention_dp),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->layout.attention_dp : no_number; }},
    {"prefill-redundant-experts", Kind::whole, numbers, {0, max_degree}, "N", "as without prefill-", pools_group, "redundant experts of a prefill worker", prefill(&C::redundant_experts),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->layout.redundant_experts : no_number; }},
    {"prefill-all-to-all", Kind::word, names, {}, "MODE", "as without prefill-", pools_group, "expert exchange of the prefill pool", prefill(&C::exchange), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = prefill_pool(v); return p != nullptr ? name_of(p->layout.exchange) : std::string_view(); }, "collective|low-latency|normal|nvlink"},
    {"prefill-weights", Kind::format, names, {}, "FORMAT", "as without prefill-", pools_group, "format of all GEMM weights of the prefill pool", prefill(&C::weights), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = prefill_pool(v); return p != nullptr ? info(p->precision.attention).name : std::string_view(); }},
    {"prefill-expert-weights", Kind::format, names, {}, "FORMAT", "as without prefill-", pools_group, "format of the routed experts of the prefill pool", prefill(&C::expert_weights), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = prefill_pool(v); return p != nullptr ? info(p->precision.routed_experts).name : std::string_view(); }},
    {"prefill-chunk", Kind::tokens, numbers, {1, 1e8}, "TOKENS", "as without prefill-", pools_group, "prompt tokens of one step and attention rank of a prefill worker", prefill(&C::chunk),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->settings.chunk_tokens : no_number; }},
    {"prefill-memory-fraction", Kind::share, numbers, {0.01, 1}, "SHARE", "as without prefill-", pools_group, "of device memory for the engine of the prefill pool", prefill(&C::memory_fraction),
     [](View_ v) { const Pool* p = prefill_pool(v); return p != nullptr ? double{1} * p->settings.memory_fraction : no_number; }},

    {"decode-gpus", Kind::whole, numbers, {1, max_degree}, "N", "", pools_group, "GPUs of the decode pool; with --prefill-gpus prefill and decode run apart", decode(&C::gpus),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->gpus() : no_number; }},
    {"decode-replicas", Kind::whole, numbers, {1, max_degree}, "N", "--decode-gpus over the GPUs of a worker", pools_group, "workers of the decode pool", decode(&C::replicas),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->replicas : no_number; }},
    {"decode-gpu", Kind::name, names, {}, "NAME|FILE", "as without decode-", pools_group, "accelerator of the decode pool", decode(&C::gpu), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = decode_pool(v); return p != nullptr ? p->cluster.gpu.id : std::string_view(); }},
    {"decode-cluster", Kind::name, names, {}, "NAME|FILE", "as without decode-", pools_group, "cluster of the decode pool", decode(&C::cluster), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = decode_pool(v); return p != nullptr ? p->cluster.id : std::string_view(); }},
    {"decode-tp", Kind::whole, numbers, {1, max_degree}, "N", "as without decode-", pools_group, "tensor parallelism of a decode worker", decode(&C::tp),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->layout.tp : no_number; }},
    {"decode-pp", Kind::whole, numbers, {1, max_degree}, "N", "as without decode-", pools_group, "pipeline stages of a decode worker", decode(&C::pp),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->layout.pp : no_number; }},
    {"decode-ep", Kind::whole, numbers, {1, max_degree}, "N", "as without decode-", pools_group, "expert parallelism of a decode worker", decode(&C::ep),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->layout.ep : no_number; }},
    {"decode-attention-dp", Kind::whole, numbers, {1, max_degree}, "N", "as without decode-", pools_group, "attention data parallelism of a decode worker", decode(&C::attention_dp),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->layout.attention_dp : no_number; }},
    {"decode-redundant-experts", Kind::whole, numbers, {0, max_degree}, "N", "as without decode-", pools_group, "redundant experts of a decode worker", decode(&C::redundant_experts),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->layout.redundant_experts : no_number; }},
    {"decode-all-to-all", Kind::word, names, {}, "MODE", "as without decode-", pools_group, "expert exchange of the decode pool", decode(&C::exchange), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = decode_pool(v); return p != nullptr ? name_of(p->layout.exchange) : std::string_view(); }, "collective|low-latency|normal|nvlink"},
    {"decode-weights", Kind::format, names, {}, "FORMAT", "as without decode-", pools_group, "format of all GEMM weights of the decode pool", decode(&C::weights), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = decode_pool(v); return p != nullptr ? info(p->precision.attention).name : std::string_view(); }},
    {"decode-expert-weights", Kind::format, names, {}, "FORMAT", "as without decode-", pools_group, "format of the routed experts of the decode pool", decode(&C::expert_weights), nullptr,
     [](View_ v) -> std::string_view { const Pool* p = decode_pool(v); return p != nullptr ? info(p->precision.routed_experts).name : std::string_view(); }},
    {"decode-max-sequences", Kind::count, numbers, {1, 1e7}, "N", "as without decode-", pools_group, "running sequences of an attention rank of a decode worker", decode(&C::max_sequences),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->settings.max_sequences : no_number; }},
    {"decode-memory-fraction", Kind::share, numbers, {0.01, 1}, "SHARE", "as without decode-", pools_group, "of device memory for the engine of the decode pool", decode(&C::memory_fraction),
     [](View_ v) { const Pool* p = decode_pool(v); return p != nullptr ? double{1} * p->settings.memory_fraction : no_number; }},

    {"transfer-gb-s", Kind::count, numbers, {1e-3, 1e5}, "GB/S", "network, or link of one domain", pools_group,
     "speed of one GPU for caches on their way from prefill to decode, 10^9 bytes/s", &D::transfer_gb_s,
     [](View_ v) { return v.scenario->two_pools() ? transfer_bandwidth(*v.scenario).value() / 1e9 : no_number; }},
    {"transfer-overlap", Kind::share, numbers, {0, 1}, "SHARE", "0", pools_group,
     "of that transfer hidden behind the steps of the prompt itself", &D::transfer_overlap,
     [](View_ v) { return v.scenario->two_pools() ? v.scenario->transfer.overlap : no_number; }},

    {"engine", Kind::name, names, {}, "NAME|FILE", "vllm", engine_group,
     "vllm, sglang, trtllm, ideal (pure roofline) or a profile", &D::engine, nullptr,
     [](View_ v) -> std::string_view { return pool(v).profile.engine; }, "", {"backend"}},
    {"chunk", Kind::tokens, numbers, {1, 1e8}, "TOKENS", "of the engine", engine_group,
     "prompt tokens of one step and attention rank", &D::chunk,
     [](View_ v) { return settings(v).chunk_tokens; }, nullptr, "", {"max-num-batched-tokens",
     "chunked-prefill-size", "max-num-tokens"}},
    {"max-sequences", Kind::count, numbers, {1, 1e7}, "N", "of the engine", engine_group,
     "running sequences of an attention rank", &D::max_sequences,
     [](View_ v) { return settings(v).max_sequences; }, nullptr, "", {"max-num-seqs"}},
    {"memory-fraction", Kind::share, numbers, {0.01, 1}, "SHARE", "of the engine", engine_group,
     "of device memory for the engine (TensorRT-LLM: of what weights leave)", &D::memory_fraction,
     [](View_ v) { return settings(v).memory_fraction; }, nullptr, "", {"gpu-memory-utilization",
     "mem-fraction-static", "kv-cache-free-gpu-memory-fraction"}},
    {"reserve-gb", Kind::gigabytes, numbers, {0, 1e4}, "GB", "of the engine", engine_group,
     "memory for runtime, graphs and activations", &D::reserve_gb,
     [](View_ v) { return reserve_of(v).value() / 1e9; }},
    {"release", Kind::name, names, {}, "NAME", "any", engine_group,
     "release of the engine as measurements name it, such as 0.18.0", &D::engine_version, nullptr,
     [](View_ v) -> std::string_view { return v.description != nullptr ? v.description->engine_version : std::string_view(); }},
    {"profile", Kind::name, names, {}, "FILE", "", engine_group,
     "what own runs taught: a file of moecost calibrate --serving", &D::profile, nullptr,
     [](View_ v) -> std::string_view { return v.description != nullptr ? v.description->profile : std::string_view(); }},
    {"model-years", Kind::count, numbers, {0, 100}, "YEARS", "many", engine_group,
     "time since the model came out: engines run a new one slower at first", &D::model_years,
     [](View_ v) { return v.description != nullptr && v.description->model_years ? *v.description->model_years : no_number; }},
    {"expert-skew", Kind::count, names, {0, 1e6}, "SHAPE", "of the engine", engine_group,
     "how tokens choose experts: 0 all alike, else the shape of a Gamma popularity, the smaller the more uneven", &D::expert_skew,
     [](View_ v) { return pool(v).profile.serving.expert_skew; }},
    {"admission-steps", Kind::count, numbers, {0, 1e6}, "N", "of the engine", engine_group,
     "decode steps between two polls for new requests", &D::admission_steps,
     [](View_ v) { return settings(v).admission_steps; }, nullptr, "", {"scheduler-interval"}},
    {"draft-tokens", Kind::whole, numbers, {0, 64}, "N", "0", engine_group,
     "tokens drafted per decode step (speculative decoding, MTP)", &D::draft_tokens,
     [](View_ v) { return settings(v).draft_tokens; }, nullptr, "", {"num-speculative-tokens"}},
    {"acceptance", Kind::share, numbers, {0, 1}, "SHARE", "measured of the model, or usual", engine_group,
     "chance that the first drafted token is accepted", &D::acceptance,
     [](View_ v) { return settings(v).acceptance; }},
    {"acceptance-decay", Kind::share, numbers, {0, 1}, "SHARE", "1 with --acceptance", engine_group,
     "factor of that chance from one drafted token to the next", &D::acceptance_decay,
     [](View_ v) { return settings(v).acceptance_decay; }},

    {"traffic", Kind::name, names, {}, "NAME|FILE", "", traffic_group,
     "lengths of a known workload (moecost list traffic), or of a trace: .csv, .jsonl, also .gz", &D::traffic, nullptr,
     [](View_ v) -> std::string_view { return traffic(v).name; }},
    {"trace", Kind::name, names, {}, "FILE", "", traffic_group,
     "trace to replay request by request: .csv, .jsonl, also .gz", &D::trace, nullptr,
     [](View_ v) -> std::string_view { return v.description != nullptr ? v.description->trace : std::string_view(); }},
    {"isl", Kind::tokens, numbers, {1, 1e8}, "TOKENS", "1024", traffic_group, "mean prompt length",
     &D::isl, [](View_ v) { return traffic(v).input; }, nullptr, "", {"input-tokens", "input-len"}},
    {"osl", Kind::tokens, numbers, {1, 1e8}, "TOKENS", "1024", traffic_group, "mean output length",
     &D::osl, [](View_ v) { return traffic(v).output; }, nullptr, "", {"output-tokens", "output-len"}},
    {"cached", Kind::share, numbers, {0, 0.999}, "SHARE", "0", traffic_group,
     "of prompt tokens found in the prefix cache", &D::prefix_hit_rate,
     [](View_ v) { return traffic(v).prefix_hit_rate; }, nullptr, "", {"prefix-hit-rate", "cached-share"}},
    {"turns", Kind::count, numbers, {1, 1e4}, "N", "", traffic_group,
     "turns of a conversation: --cached follows from what the prefix cache can hold", &D::turns,
     [](View_ v) { return v.scenario->reuse.turns > 0 ? v.scenario->reuse.turns : no_number; }},
    {"think-time", Kind::seconds, numbers, {0, 1e7}, "TIME", "60s", traffic_group,
     "of --turns: mean pause between an answer and the next turn", &D::think_time,
     [](View_ v) { return v.scenario->reuse.turns > 0 ? v.scenario->reuse.think_s : no_number; }},
    {"host-cache-gb", Kind::gigabytes, numbers, {0, 1e6}, "GB", "0", engine_group,
     "host memory per GPU that keeps what the prefix cache drops", &D::host_cache_gb,
     [](View_ v) { return v.scenario->reuse.host_per_gpu.value() / 1e9; }},
    {"host-link-gbs", Kind::gigabytes, numbers, {0.1, 1e4}, "GB/S", "50", engine_group,
     "GB/s from the host to a GPU, at which --host-cache-gb is read back", &D::host_link_gbs,
     [](View_ v) { return v.scenario->reuse.host_link.value() / 1e9; }},
    {"equal-lengths", Kind::toggle, numbers, {0, 1}, "", "", traffic_group,
     "every request has exactly these lengths", &D::equal_lengths,
     [](View_ v) { return traffic(v).equal_lengths ? 1.0 : 0.0; }},
    {"concurrency", Kind::count, numbers, {1e-3, 1e8}, "N", "64", traffic_group,
     "requests in flight at all times, of the whole deployment", load<ClosedLoop>(), load_size<ClosedLoop>,
     nullptr, "", {"max-concurrency"}},
    {"rate", Kind::count, numbers, {1e-6, 1e8}, "R", "", traffic_group,
     "requests per second to the whole deployment", load<OpenLoop>(), load_size<OpenLoop>, nullptr, "",
     {"request-rate"}},
    {"burstiness", Kind::count, numbers, {0, 1e4}, "N", "1, Poisson", traffic_group,
     "of --rate: squared variation of the gaps between requests", &D::burstiness,
     [](View_ v) {
         const auto* open = std::get_if<OpenLoop>(&traffic(v).load);
         return open != nullptr ? open->burstiness : no_number;
     }},
    {"offline", Kind::toggle, numbers, {0, 1}, "", "", traffic_group,
     "an endless queue that keeps every instance full: largest throughput", load_without_size<Offline>(),
     load_is<Offline>},
    {"static-batch", Kind::count, numbers, {1, 1e8}, "N", "", traffic_group,
     "one batch at once over the whole deployment, no arrivals", load<StaticBatch>(),
     load_size<StaticBatch>},
    {"max-context", Kind::toggle, numbers, {0, 1}, "", "", traffic_group,
     "say what the memory of an instance (of a decode worker) can hold: tokens of the longest context, the most requests, the smallest tp", &D::max_context,
     [](View_ v) { return v.scenario->asks_capacity ? 1.0 : 0.0; }},
    {"burst", Kind::count, numbers, {1, 1e8}, "N", "", traffic_group,
     "requests that arrive at once on an idle deployment", load<Burst>(), load_size<Burst>},
    {"prefill-only", Kind::toggle, numbers, {0, 1}, "", "", traffic_group, "prompts only, saturated",
     load_without_size<PrefillOnly>(), load_is<PrefillOnly>},
    {"decode-only", Kind::count, numbers, {1e-3, 1e8}, "N", "", traffic_group,
     "sequences decoding on the whole deployment, no prompts", load<DecodeOnly>(), load_size<DecodeOnly>},
    {"slo-ttft", Kind::objective, numbers, {1e-9, 1e9}, "[pNN:]TIME", "", traffic_group,
     "objective: largest mean time to first token, such as 2s, or of a percentile: p95:2s",
     ObjectiveSlot{&D::slo_ttft, &D::slo_ttft_level},
     [](View_ v) { return v.scenario->slo.ttft_s > 0 ? v.scenario->slo.ttft_s : no_number; }, nullptr, "",
     {"ttft-slo"}},
    {"slo-tpot", Kind::objective, numbers, {1e-9, 1e9}, "[pNN:]TIME", "", traffic_group,
     "objective: largest mean time per output token, such as 50ms, or of a percentile: p99:50ms",
     ObjectiveSlot{&D::slo_tpot, &D::slo_tpot_level},
     [](View_ v) { return v.scenario->slo.tpot_s > 0 ? v.scenario->slo.tpot_s : no_number; }, nullptr, "",
     {"tpot-slo"}},

    {"price", Kind::money, numbers, {1e-3, 1e3}, "USD|BASIS", "of the accelerator", price_group,
     "dollars per GPU-hour, a basis (moecost list prices), or of single GPUs: h20_96=1.5,b200_sxm=6", PriceSlot{},
     [](View_ v) { return pool(v).price.known() ? pool(v).price.usd_per_gpu_hour : no_number; }, nullptr,
     "", {"usd-per-gpu-hour"}},
    {"blend", Kind::count, numbers, {0, 1e6}, "N", "3", price_group,
     "input tokens per output token of the blended price", &D::blend,
     [](View_ v) { return v.scenario->blend_input_parts; }, nullptr, "", {"input-output-ratio"}},
};
// clang-format on

}   // namespace

std::span<const Input> inputs() { return table; }

}   // namespace moecost
