// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "bench.h"
#include "moecost/timing/collective.h"

using namespace moecost;
using doctest::Approx;

namespace {

constexpr BytesPerSecond nvlink{450e9};

AllReduceTable table_of(double one_us, double one_gb_s, double two_us, double two_gb_s, double rank_us) {
    AllReduceTable t;
    t.one_shot = us(one_us);
    t.one_shot_bandwidth = one_gb_s / 450;
    t.two_shot = us(two_us);
    t.two_shot_bandwidth = two_gb_s / 450;
    t.per_rank = us(rank_us);
    t.bytes = {256, 64e6};
    t.gpus = {2, 8};
    return t;
}

Bench two_engines() {
    Bench b;
    b.profile.kernels->all_reduce = {table_of(2.7, 300, 25, 350, 0.1), table_of(4, 500, 10, 420, 0.15)};
    b.profile.kernels->assumed.gather = us(8);
    b.profile.kernels->assumed.gather_bandwidth = 0.7;
    return b;
}

double all_reduced(const Bench& b, double bytes, double ranks) {
    return in_us(all_reduce_time({Bytes{bytes}, ranks}, b.machine()).total);
}

}   // namespace

TEST_CASE("a ring all-reduce of 1 GB over 8 ranks at 450 GB/s takes 3.89 ms") {
    CHECK(ring_all_reduce(Bytes{1e9}, 8, nvlink, us(0)).value() == Approx(1.75 / 450).epsilon(1e-12));
    CHECK(ring_all_reduce(Bytes{1e9}, 8, nvlink, us(0)).value() == Approx(3.89e-3).epsilon(1e-3));
    CHECK(in_us(ring_all_reduce(Bytes{0}, 8, nvlink, us(1))) == Approx(14));           // 2 (n - 1) hops
    CHECK(in_us(ring_all_gather(Bytes{9e6}, 8, nvlink, us(1))) == Approx(7 + 17.5));   // 7 hops, 7/8 of 20 us
}

TEST_CASE("the algorithms of an all-reduce send what they send, 1 MB over 8 ranks") {
    CHECK(in_us(one_shot_all_reduce(Bytes{1e6}, 8, nvlink, us(2))) == Approx(2 + 7 / 0.45).epsilon(1e-12));
    CHECK(in_us(two_shot_all_reduce(Bytes{1e6}, 8, nvlink, us(5))) == Approx(5 + 1.75 / 0.45).epsilon(1e-12));
    CHECK(in_us(nvls_all_reduce(Bytes{1e6}, 8, nvlink, us(5))) == Approx(5 + 1.125 / 0.45).epsilon(1e-12));
}

TEST_CASE(
    "one-shot wins small messages, two-shot large ones, and they cross where the latency is paid back") {
    // 2 + 7 S/b = 5 + 1.75 S/b at S = 3 us * 450 GB/s/5.25 = 257,143 B
    const auto one = [](double bytes) { return one_shot_all_reduce(Bytes{bytes}, 8, nvlink, us(2)); };
    const auto two = [](double bytes) { return two_shot_all_reduce(Bytes{bytes}, 8, nvlink, us(5)); };
    CHECK(one(257e3) < two(257e3));
    CHECK(one(258e3) > two(258e3));
    // Reduced in the switch, 9/8 S moves in place of 14/8 S: better at any size with equal latency, from 3
    // ranks on.
    CHECK(nvls_all_reduce(Bytes{1e6}, 8, nvlink, us(5)) < two(1e6));
    CHECK(nvls_all_reduce(Bytes{1e6}, 3, nvlink, us(5)).value() ==
          Approx(two_shot_all_reduce(Bytes{1e6}, 3, nvlink, us(5)).value()).epsilon(1e-12));
    CHECK(nvls_all_reduce(Bytes{1e6}, 2, nvlink, us(5)) > two_shot_all_reduce(Bytes{1e6}, 2, nvlink, us(5)));
}

TEST_CASE("an all-reduce inside a domain takes the fastest algorithm of the fastest table") {
    const Bench b = two_engines();
    // 2.7 + 0.6 + 14336 * 7/300e9;  10 + 0.9 + 1.75e6/420e9;  10 + 0.3 + 1.5 * 64e6/420e9;  2.7 + 2e5/300e9
    CHECK(all_reduced(b, 14336, 8) == Approx(3.634506667).epsilon(1e-9));
    CHECK(all_reduced(b, 1e6, 8) == Approx(15.066666667).epsilon(1e-9));
    CHECK(all_reduced(b, 64e6, 4) == Approx(238.871428571).epsilon(1e-9));
    CHECK(all_reduced(b, 2e5, 2) == Approx(3.366666667).epsilon(1e-9));
    CHECK(all_reduce_time({Bytes{1e6}, 8}, b.machine()).provenance == Provenance::calibrated);
    CHECK(all_reduce_time({Bytes{1e9}, 8}, b.machine()).provenance == Provenance::extrapolated);
}

TEST_CASE("a launch floor of the served graph grows in an all-reduce too") {
    Bench b = two_engines();
    b.profile.serving.floor_factor = 1.4;
    CHECK(all_reduced(b, 14336, 8) == Approx(3.634506667 + 0.4 * 2.7).epsilon(1e-9));
}

TEST_CASE("without a table the ring of the datasheet link is taken") {
    const Bench b;
    CHECK(all_reduced(b, 1e6, 8) == Approx(14 + 1.75 / 0.45).epsilon(1e-12));
}

TEST_CASE("an all-reduce across nodes scatters inside, rings over the NICs and gathers inside") {
    // 16 ranks of two domains: twice 7 us + 7/8 S/450 GB/s inside; ring of S/8 between 2: 2 * 5 us + S/8/50
    // GB/s.
    const double megabytes = 8;
    const double inside = 2 * (7 + 0.875 * megabytes / 0.45);
    const double across = 2 * 5 + megabytes / 8 / 0.05;
    const Timed t = all_reduce_time({Bytes{megabytes * 1e6}, 16}, two_engines().machine());
    CHECK(in_us(t.total) == Approx(inside + across).epsilon(1e-12));
    CHECK(t.provenance == Provenance::extrapolated);
    // 12 ranks fill one domain and a half: two meet across.
    CHECK(all_reduced(two_engines(), megabytes * 1e6, 12) == Approx(inside + across).epsilon(1e-12));
}

TEST_CASE("tokens gather over the link inside a domain and over the NICs beyond") {
    const Bench b = two_engines();
    CHECK(in_us(token_gather_time({Bytes{1e6}, 8}, b.machine()).total) ==
          Approx(8 + 0.875 / (0.7 * 0.45)).epsilon(1e-12));
    CHECK(in_us(token_gather_time({Bytes{1e6}, 16}, b.machine()).total) ==
          Approx(15 * 5 + 15.0 / 16 / 0.05).epsilon(1e-12));
}

TEST_CASE("an all-to-all takes the table of its mode and number of nodes") {
    Bench b;
    AllToAllTable low;
    low.mode = AllToAllMode::low_latency;
    low.nodes = 1;
    low.dispatch = us(11.3);
    low.dispatch_log = us(0.22);
    low.dispatch_bandwidth = BytesPerSecond{277e9};
    low.combine = us(11.4);
    low.combine_bandwidth = BytesPerSecond{246e9};
    AllToAllTable normal = low;
    normal.mode = AllToAllMode::normal;
    normal.nodes = 2;
    b.profile.kernels->all_to_all = {low, normal};
    // 127 tokens of 7168: dispatch 1 B, combine 2 B per element, each 8 times; 0.22 log2(128) = 1.54 us.
    const double payload = 127.0 * 7168 * 8 / 1e3;
    CHECK(in_us(expert_all_to_all_time({127, 7168, 8, 8, 5.3, true}, b.machine()).total) ==
          Approx(22.7 + 1.54 + payload / 277 + 2 * payload / 246).epsilon(1e-10));
    // Normal mode over 16 ranks: once per distinct rank.
    const double once = 127.0 * 7168 * 6.5 / 1e3;
    CHECK(in_us(expert_all_to_all_time({127, 7168, 8, 16, 6.5, false}, b.machine()).total) ==
          Approx(22.7 + 1.54 + once / 277 + 2 * once / 246).epsilon(1e-10));
    // No table of four nodes: NIC speed, 31/32 of the distinct ranks elsewhere, 3 B per element.
    const Timed wide = expert_all_to_all_time({127, 7168, 8, 32, 7.2, false}, b.machine());
    CHECK(in_us(wide.total) == Approx(10 + 127.0 * 7168 * 7.2 * 31 / 32 * 3 / 50e3).epsilon(1e-10));
    CHECK(wide.provenance == Provenance::extrapolated);
}

TEST_CASE("nodes of an exchange are those of the cluster: 8 ranks are two nodes of four GPUs") {
    Bench b;
    b.cluster.gpus_per_node = 4;
    AllToAllTable one;
    one.dispatch_bandwidth = one.combine_bandwidth = BytesPerSecond{1e300};
    one.dispatch = us(10);
    AllToAllTable two = one;
    two.nodes = 2;
    two.dispatch = us(30);
    b.profile.kernels->all_to_all = {one, two};
    b.cluster.gpu.link_bandwidth = BytesPerSecond{1e30};   // no bound but the tables
    CHECK(in_us(expert_all_to_all_time({1, 7168, 8, 4, 3, true}, b.machine()).floor) == Approx(10));
    CHECK(in_us(expert_all_to_all_time({1, 7168, 8, 8, 3, true}, b.machine()).floor) == Approx(30));
}

TEST_CASE("a pipeline stage sends its hidden states over the link") {
    const Bench b;
    CHECK(in_us(stage_send_time({Bytes{9e6}}, b.machine()).total) == Approx(1 + 20).epsilon(1e-12));
}

TEST_CASE("an engine that reduces in the switch takes it where it is fastest: 64 MB over 8 ranks") {
    Bench b = two_engines();
    const double without = all_reduced(b, 64e6, 8);
    b.profile.kernels->all_reduce[0].nvls = us(12);
    b.profile.kernels->all_reduce[0].nvls_bandwidth = 0.85;
    // 1.125 x 64 MB at 0.85 x 450 GB/s = 188.2 us, 12 us of latency and 6 x 0.1 us of ranks, the floor as it is here
    CHECK(all_reduced(b, 64e6, 8) < without);
    CHECK(all_reduced(b, 64e6, 8) == Approx(188.24 + 12 + 0.6).epsilon(0.02));
    CHECK(all_reduced(b, 1e3, 8) == Approx(all_reduced(two_engines(), 1e3, 8)));
}
