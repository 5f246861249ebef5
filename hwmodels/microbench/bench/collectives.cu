// SPDX-License-Identifier: Apache-2.0
// peer, nccl and allreduce: all GPUs of one process, one stream each, joined around several calls.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "bench/benches.h"
#include "bench/rank_buffers.h"
#include "device/fork.h"
#include "device/nccl.h"
#include "host/exchange.h"
#include "host/shape.h"
#include "kernels/cuda.h"
#include "kernels/one_shot.h"

namespace microbench {
namespace {

std::vector<int> first_devices(int count) {
    std::vector<int> devices(static_cast<std::size_t>(count));
    std::iota(devices.begin(), devices.end(), 0);
    return devices;
}

struct PeerCopies {
    Fork fork;
    std::vector<std::pair<int, int>> pairs;   // from, to; one branch each
    RankBuffers source, target;
};

/// Branches are on the sending device.
std::vector<std::pair<int, int>> copy_pairs(const std::string& op, int gpus) {
    if (op == "one_way") return {{0, 1}};
    if (op == "both_ways") return {{0, 1}, {1, 0}};
    std::vector<std::pair<int, int>> pairs;
    for (int from = 0; from < gpus; ++from) {
        for (int step = 1; step < gpus; ++step) pairs.emplace_back(from, (from + step) % gpus);
    }
    return pairs;
}

Fork fork_of(const std::vector<std::pair<int, int>>& pairs) {
    std::vector<int> devices;
    for (const auto& [from, to] : pairs) devices.push_back(from);
    return Fork(devices);
}

/// All launches of `calls` calls between a split and a join of the streams.
template <class Call>
std::function<void(Stream, int)> repeated(std::shared_ptr<const Fork> fork, int calls, Call call) {
    return [fork, calls, call](Stream main, int) {
        fork->split(main);
        for (int i = 0; i < calls; ++i) call(fork->streams());
        fork->join(main);
    };
}

}   // namespace

Prepared prepare_peer(const Case& c, const Device&) {
    const int gpus = static_cast<int>(dimension(c, "gpus"));
    const auto bytes = static_cast<std::size_t>(dimension(c, "size"));
    enable_peers(gpus);
    const auto pairs = copy_pairs(label(c, "op"), gpus);
    const auto copies = std::make_shared<PeerCopies>(
        PeerCopies{fork_of(pairs), pairs, RankBuffers(gpus, bytes), RankBuffers(gpus, bytes)});
    const std::shared_ptr<const Fork> fork(copies, &copies->fork);
    Prepared p;
    p.capture = false;
    p.launch =
        repeated(fork, static_cast<int>(c.operations), [copies, bytes](const std::vector<Stream>& streams) {
            for (std::size_t i = 0; i < streams.size(); ++i) {
                const auto [from, to] = copies->pairs[i];
                check(cudaMemcpyPeerAsync(copies->target.at(to), to, copies->source.at(from), from, bytes,
                                          streams[i]),
                      "peer copy");
            }
        });
    p.error = [copies, launch = p.launch, bytes, op = label(c, "op")] {
        run_once(launch);
        // All pairs write to the same target: only that it is one of the sources can be said there.
        const auto got = copies->target.bytes(1, std::min<std::size_t>(bytes, 4096));
        for (std::size_t from = 0; from < (op == "all_pairs" ? copies->pairs.size() : 1); ++from) {
            if (got == copies->source.bytes(copies->pairs[from].first, got.size())) return 0.0;
        }
        return 2.0;
    };
    p.reference = "the bytes of the source";
    return p;
}

namespace {

/// Everything a collective of NCCL needs.
struct Collective {
    Collective(int gpus, std::size_t send_bytes, std::size_t receive_bytes)
        : nccl(gpus), fork(first_devices(gpus)), send(gpus, send_bytes), receive(gpus, receive_bytes) {}
    Nccl nccl;
    Fork fork;
    RankBuffers send, receive;
};

Nccl::Exchange exchange_of(const ExchangePlan& plan) { return {plan.counts, plan.offset, plan.landing}; }

using Call = std::function<void(const std::vector<Stream>&)>;

Call call_of(const std::string& op, const std::shared_ptr<Collective>& x, std::size_t elements,
             const ExchangePlan& plan) {
    const auto part = elements / static_cast<std::size_t>(x->nccl.ranks());
    if (op == "all_reduce") {
        return [=](const std::vector<Stream>& s) {
            x->nccl.all_reduce(x->send.all(), x->receive.all(), elements, NcclType::half, s);
        };
    }
    if (op == "all_gather") {
        return [=](const std::vector<Stream>& s) {
            x->nccl.all_gather(x->send.all(), x->receive.all(), part, NcclType::half, s);
        };
    }
    if (op == "reduce_scatter") {
        return [=](const std::vector<Stream>& s) {
            x->nccl.reduce_scatter(x->send.all(), x->receive.all(), part, NcclType::half, s);
        };
    }
    return [=, exchange = exchange_of(plan)](const std::vector<Stream>& s) {
        x->nccl.all_to_all(x->send.all(), x->receive.all(), exchange, NcclType::half, 2, s);
    };
}

/// Small whole numbers in half precision add up without rounding: results are compared exactly.
double collective_error(const std::string& op, const Collective& x, std::size_t elements,
                        const ExchangePlan& plan) {
    const int gpus = x.nccl.ranks();
    const std::size_t part = elements / static_cast<std::size_t>(gpus);
    const std::size_t checked = std::min<std::size_t>(part, 4096);
    for (int r = 0; r < gpus; ++r) {
        const std::vector<double> expected = expected_values(op, r, gpus, part, checked, plan);
        const std::vector<double> got = x.receive.halves(r, expected.size());
        if (got != expected) return 2;
    }
    return 0;
}

}   // namespace

Prepared prepare_nccl(const Case& c, const Device&) {
    const int gpus = static_cast<int>(dimension(c, "gpus"));
    const auto elements = static_cast<std::size_t>(dimension(c, "elements"));
    const std::string op = label(c, "op");
    const ExchangePlan plan = exchange_plan(gpus, elements, op == "alltoall_one_busy_receiver");
    const auto x =
        std::make_shared<Collective>(gpus, 2 * elements, 2 * std::max(elements, plan.most_received()));
    x->send.fill_halves(elements);
    Prepared p;
    p.capture = false;
    const std::shared_ptr<const Fork> fork(x, &x->fork);
    p.launch = repeated(fork, static_cast<int>(c.operations), call_of(op, x, elements, plan));
    p.error = [=, launch = p.launch] {
        run_once(launch);
        return collective_error(op, *x, elements, plan);
    };
    p.reference = "exact sums and places of whole numbers";
    return p;
}

namespace {

struct OneShot {
    OneShot(int gpus, std::size_t bytes)
        : fork(first_devices(gpus)),
          input(gpus, bytes),
          output(gpus, bytes),
          flags(gpus, sizeof(unsigned) * one_shot_most_blocks * one_shot_most_ranks),
          epochs(gpus, sizeof(unsigned) * one_shot_most_blocks),
          failed(gpus, sizeof(int)) {
        for (const RankBuffers* zeroed : {&flags, &epochs, &failed}) zeroed->clear();
        for (int r = 0; r < gpus; ++r) {
            peers.input[r] = static_cast<const __nv_bfloat16*>(input.at(r));
            peers.flags[r] = static_cast<unsigned*>(flags.at(r));
        }
    }
    Fork fork;
    RankBuffers input, output, flags, epochs, failed;
    OneShotPeers peers{};
};

Prepared prepare_one_shot(const Case& c, int gpus, std::size_t elements) {
    enable_peers(gpus);
    const auto x = std::make_shared<OneShot>(gpus, 2 * elements);
    x->input.fill_bf16(elements);
    const std::shared_ptr<const Fork> fork(x, &x->fork);
    Prepared p;
    p.launch = repeated(
        fork, static_cast<int>(c.operations), [x, elements, gpus](const std::vector<Stream>& streams) {
            for (int r = 0; r < gpus; ++r) {
                const CurrentDevice current(r);
                launch_one_shot(x->peers, static_cast<__nv_bfloat16*>(x->output.at(r)),
                                static_cast<long long>(elements), static_cast<unsigned*>(x->epochs.at(r)),
                                static_cast<int*>(x->failed.at(r)), r, gpus,
                                streams[static_cast<std::size_t>(r)]);
            }
        });
    p.error = [x, gpus, elements, launch = p.launch] {
        run_once(launch);
        double worst = 0;
        for (int r = 0; r < gpus; ++r) {
            if (x->failed.bytes(r, sizeof(int)) != std::vector<std::uint8_t>(sizeof(int), 0)) return 2.0;
            worst = std::max(worst, x->output.sum_error(r, x->input, elements));
        }
        return worst;
    };
    p.reference = "float64 sums over the ranks";
    return p;
}

Prepared prepare_large(const Case& c, int gpus, std::size_t elements) {
    const auto x = std::make_shared<Collective>(gpus, 2 * elements, 2 * elements);
    x->send.fill_bf16(elements);
    const std::shared_ptr<const Fork> fork(x, &x->fork);
    Prepared p;
    p.launch = repeated(fork, static_cast<int>(c.operations), [x, elements](const std::vector<Stream>& s) {
        x->nccl.all_reduce(x->send.all(), x->receive.all(), elements, NcclType::bfloat16, s);
    });
    p.error = [x, gpus, elements, launch = p.launch] {
        run_once(launch);
        double worst = 0;
        for (int r = 0; r < gpus; ++r) worst = std::max(worst, x->receive.sum_error(r, x->send, elements));
        return worst;
    };
    p.reference = "float64 sums over the ranks";
    return p;
}

}   // namespace

Prepared prepare_all_reduce(const Case& c, const Device&) {
    const int gpus = static_cast<int>(dimension(c, "gpus"));
    const auto elements = static_cast<std::size_t>(dimension(c, "elements"));
    if (label(c, "algorithm") == "one_shot") return prepare_one_shot(c, gpus, elements);
    return prepare_large(c, gpus, elements);
}

}   // namespace microbench
