// SPDX-License-Identifier: Apache-2.0
#include "moecost/estimate/pools.h"

#include <algorithm>
#include <cmath>

#include "moecost/model/cache.h"
#include "moecost/serving/scheduler.h"
#include "moecost/timing/step_timer.h"

namespace moecost {

Phase phase_of(const Load& load, const Layout& layout) {
    if (!layout.all_to_all()) return Phase::both;
    return std::holds_alternative<PrefillOnly>(load)  ? Phase::prefill
           : std::holds_alternative<DecodeOnly>(load) ? Phase::decode
                                                      : Phase::both;
}

double prompts_alone(const Pool& pool) {
    const PhaseLaw& law = pool.profile.pools.alone;
    return law.prompts * (pool.layout.tp > pool.cluster.domain ? law.prompts_across : 1);
}

double prompt_factor(const Scenario& s) {
    const bool alone = s.two_pools() || phase_of(s.traffic.load, s.pool().layout) == Phase::prefill;
    return alone ? prompts_alone(s.pools.front()) : s.pool().profile.serving.prefill_factor;
}

BytesPerSecond transfer_bandwidth(const Scenario& s) {
    if (s.transfer.bandwidth.value() > 0) return s.transfer.bandwidth;
    const Cluster& a = s.pools.front().cluster;
    const Cluster& b = s.pools.back().cluster;
    const double share = s.pools.back().profile.pools.alone.link_share;
    const bool one_domain = a.gpu.id == b.gpu.id && s.gpus() <= std::min(a.domain, b.domain);
    return share * (one_domain ? min(a.gpu.link_bandwidth, b.gpu.link_bandwidth)
                               : min(a.nic_bandwidth, b.nic_bandwidth));
}

PromptSteps::PromptSteps(StepTimer& timer, const Pool& pool, const Traffic& traffic)
    : timer_(timer),
      pool_(pool),
      prompt_(std::max(traffic.computed_input(), 1.0)),
      prior_(traffic.input - traffic.computed_input()),
      chunk_(pool.settings.chunk_tokens),
      across_(pool.layout.tp > pool.cluster.domain ? pool.profile.pools.alone.prompts_across : 1) {}

double PromptSteps::full_tokens() const {
    const double of_rank = prompt_ <= chunk_ ? std::floor(chunk_ / prompt_) * prompt_ : chunk_;
    return of_rank * pool_.layout.attention_dp * pool_.layout.pp;
}

StepShape PromptSteps::shape(double tokens) const {
    StepShape s;
    s.prefill_tokens = tokens;
    s.prompt = prompt_;
    s.prior = prior_;
    s.passes = std::max(1.0, std::ceil(prompt_ / chunk_));
    s.prompt_ranks = prompt_ranks(tokens / pool_.layout.pp, prompt_, chunk_, pool_.layout.attention_dp);
    return s;
}

double PromptSteps::seconds(double tokens) {
    return timer_.time(shape(tokens)).served(across_ * pool_.profile.pools.alone.prompts).value();
}

double PromptSteps::lone(double prompts, double prompt) {
    const double stages = pool_.layout.pp;
    const double piece = std::min(prompt, chunk_);
    const double behind = std::max(prompt / chunk_ - 1, 0.0);
    const StepTime first = timer_.time(shape(prompts * piece * stages));
    return first.served(across_ * pool_.profile.pools.alone.lone_prompt).value() * (1 + behind / stages);
}

DecodeSteps::DecodeSteps(StepTimer& timer, const Pool& pool, const Traffic& traffic)
    : timer_(timer), pool_(pool), context_(traffic.mean_context()) {}

StepShape DecodeSteps::shape(double sequences) const {
    StepShape s;
    s.decode_sequences = sequences;
    s.decode_context = context_;
    s.queries = 1 + pool_.settings.draft_tokens;
    return s;
}

/// Drafts: their own steps and the tokens to verify are in the shape; the host of each rank works on its sequences. What
/// verification takes beyond that in one pool, where prompts share the steps, is not there in a pool that decodes alone: 120
/// published runs with drafts would be 19 % too slow in the median, 8 % without (2 % where nothing is drafted).
double DecodeSteps::seconds(double sequences) {
    const double own = timer_.time(shape(sequences)).total.value();
    const Seconds host =
        pool_.settings.draft_tokens > 0 ? pool_.settings.draft_cost.host_per_sequence : Seconds{0};
    return own + sequences / pool_.layout.attention_dp * host.value();
}

namespace {

/// Bytes that one GPU of a worker hands over for a prompt of its attention rank.
double bytes_handed_over(const Scenario& s, const Pool& p) {
    const DType cache = p.precision.kv_cache;
    const double tokens = s.traffic.input;
    const Bytes all = kv_bytes_per_token(s.architecture, cache, p.layout.tp) * tokens;
    const Bytes windowed = kv_bytes_per_token_unbounded(s.architecture, cache, p.layout.tp) * tokens +
                           kv_window_cap(s.architecture, cache, p.layout.tp);
    return min(all, windowed).value() / p.layout.pp;
}

Handover handover_of(const Scenario& s) {
    const Pool& from = s.pools.front();
    const Pool& to = s.pools.back();
    const double bandwidth = transfer_bandwidth(s).value();
    const double send = bytes_handed_over(s, from) / bandwidth;
    const double receive = bytes_handed_over(s, to) / bandwidth;
    Handover h;
    h.constant = from.profile.pools.alone.first_token.value();
    h.transfer = std::max(send, receive);
    h.hidden = s.transfer.overlap;
    h.per_prompt = std::max(send / (double{1} * from.replicas * from.layout.attention_dp),
                            receive / (double{1} * to.replicas * to.layout.attention_dp));
    h.burst_rounds = from.profile.pools.alone.burst_rounds;
    return h;
}

}   // namespace

TwoPools two_pools_of(const Scenario& s, PromptSteps& prompts, DecodeSteps& decode, double slots) {
    const Pool& from = s.pools.front();
    const Pool& to = s.pools.back();
    TwoPools t;
    t.prompts.workers = from.replicas;
    t.prompts.tokens = std::max(s.traffic.computed_input(), 1.0);
    t.prompts.side_by_side = from.layout.attention_dp;
    t.prompts.full_prompts = prompts.full_prompts();
    t.prompts.step = [&prompts](double tokens) { return prompts.seconds(tokens); };
    t.prompts.lone = [&prompts](double n, double tokens) { return prompts.lone(n, tokens); };
    t.prompts.full = prompts.seconds(prompts.full_tokens());
    t.decode.workers = to.replicas;
    t.decode.slots = slots;
    t.decode.steps = std::max(s.traffic.output - 1, 0.0) / to.settings.tokens_per_step();
    t.decode.step = [&decode](double sequences) { return decode.seconds(sequences); };
    t.handover = handover_of(s);
    return t;
}

}   // namespace moecost
