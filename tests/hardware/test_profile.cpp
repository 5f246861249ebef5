// SPDX-License-Identifier: Apache-2.0
// Profiles and law constants as files: what is found by which names, and what is said of a wrong one.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "../base/input_error.h"
#include "../base/scratch.h"
#include "moecost/base/data.h"
#include "moecost/hardware/profile/profile.h"
#include "moecost/hardware/profile/profile_toml.h"

using namespace moecost;
using doctest::Approx;

namespace {

const std::string pure = R"(schema = 1
accelerator = "x1"
engine = "mine"
source = "test"
date = "2026"
[serving]
source = "test"
floor_factor = 1
floor_cap_us = 2
prefill_factor = 1
host_us = 3
host_per_sequence_us = 4
expert_skew = 0
queue = 0
first_token_ms = 5
[defaults]
batching = "prefill_first"
chunk_tokens = 6
max_sequences = 7
memory_basis = "free"
memory_fraction = 0.8
reserve_gb = 9
output_reserve = 0.5
admission_steps = 0
)";

const std::string tables = R"([assumed]
source = "test"
mla_absorb_compute = 1
mla_absorb_memory = 1
mla_absorb_floor_us = 1
recurrent_compute = 1
recurrent_memory = 1
recurrent_decode_floor_us = 1
recurrent_prefill_floor_us = 1
indexer_memory = 1
indexer_floor_us = 1
small_op_passes = 1
shared_expert_overlap = 0.1
gather_us = 1
gather_bandwidth = 1
[[gemm]]
weights = "bf16"
table = "t"
floor_us = 11
k_latency_us = 0.5
compute = 0.12
memory = 0.13
overlap_exponent = 1.4
wave_tail = 0.15
split_k = 1600
output_traffic = 1.7
m = [1, 18]
n = [19, 20]
k = [21, 22]
)";

Profile read(const std::string& text) { return profile_from_toml(parse_toml(text, "mine.toml"), {}); }

std::string failure(std::string text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
    return message_of([&] { (void)read(text); });
}

}   // namespace

TEST_CASE("every key of a profile lands in its own field, in SI units") {
    const Profile p = read(pure + tables);
    CHECK(p.serving.floor_cap.value() == Approx(2e-6));
    CHECK(p.serving.host.value() == Approx(3e-6));
    CHECK(p.serving.host_per_sequence.value() == Approx(4e-6));
    CHECK(p.serving.first_token.value() == Approx(5e-3));
    CHECK(p.defaults.batching == Batching::prefill_first);
    CHECK(p.defaults.chunk_tokens == 6);
    CHECK(p.defaults.max_sequences == 7);
    CHECK(p.defaults.memory_basis == MemoryBasis::free);
    CHECK(p.defaults.memory_fraction == 0.8);
    CHECK(p.defaults.reserve->value() == Approx(9e9));
    REQUIRE(p.kernels);
    const GemmTable& g = p.kernels->gemm.at(0);
    CHECK(g.floor.value() == Approx(11e-6));
    CHECK(g.k_latency.value() == Approx(0.5e-6));
    CHECK(g.compute == 0.12);
    CHECK(g.memory == 0.13);
    CHECK(g.overlap_exponent == 1.4);
    CHECK(g.wave_tail == 0.15);
    CHECK(g.split_k == 1600);
    CHECK(g.output_traffic == 1.7);
    CHECK(g.m.high == 18);
    CHECK(g.n.low == 19);
    CHECK(g.k.high == 22);
}

TEST_CASE("a wrong key, value, name or range of a profile is named with its place") {
    const std::string all = pure + tables;
    CHECK(failure(all, "wave_tail", "wave_tale").find("gemm[0].wave_tale': unknown key") !=
          std::string::npos);
    CHECK(failure(all, "wave_tail = 0.15\n", "").find("wave_tail") != std::string::npos);
    CHECK(failure(all, "compute = 0.12", "compute = 30").find("compute") != std::string::npos);
    CHECK(failure(all, "\"bf16\"", "\"bf17\"").find("'bf17' is not a number format") != std::string::npos);
    CHECK(failure(all, "m = [1, 18]", "m = [18, 1]").find("expected [low, high]") != std::string::npos);
    CHECK(failure(all, "\"free\"", "\"most\"").find("is not total or free") != std::string::npos);
    CHECK(failure(all, "[[gemm]]", "[[gem]]").find("'gem': unknown key") != std::string::npos);
}

TEST_CASE("a profile is found by what it states, whatever its file is called") {
    const ScratchFolder folder;
    folder.write("hwmodels/engines/profiles/first-try.toml", pure + tables);
    folder.write("hwmodels/engines/profiles/rules.toml",
                 "schema = 1\nengine = \"mine\"\n[launch]\nrule = 1\n");
    const DataStore data(folder.path.string());
    CHECK(load_profile(data, "x1", "", "mine").defaults.chunk_tokens == 6);
    CHECK(load_profile(data, "x2", "x1", "mine").basis == Provenance::borrowed);
    CHECK(message_of([&] {
              (void)load_profile(data, "x3", "", "mine");
          }).find("there is no profile of 'mine' for accelerator 'x3'") != std::string::npos);
    const auto names = profile_names(data);
    const auto named = [&](const char* file) {
        return std::any_of(names.begin(), names.end(), [&](const ProfileName& p) { return p.file == file; });
    };
    CHECK(named("first-try"));
    CHECK_FALSE(named("rules"));   // states no accelerator
}

TEST_CASE("the pure roofline holds for any accelerator") {
    const Profile p = load_profile(DataStore(), "an accelerator of tomorrow", "", "ideal");
    CHECK(p.engine == "ideal");
    CHECK_FALSE(p.kernels);
}

TEST_CASE("engines are those that profiles state") {
    const std::vector<std::string> expected{"ideal", "sglang", "trtllm", "vllm"};
    CHECK(engine_names(DataStore()) == expected);
}

TEST_CASE("constants of laws come from hwmodels/timing.toml, tiles by their padded area") {
    const LawConstants law = load_law_constants(DataStore());
    CHECK(law.kernels.padded_tile[0] == Approx(4096 / 0.6));
    CHECK(law.kernels.padded_tile[3] == Approx(16384 / 0.95));
    CHECK(law.kernels.padded_tile[5] == 32768);
    const Profile p = load_profile(DataStore(), "h100_sxm", "", "vllm");
    CHECK(p.kernels->law.padded_tile == law.kernels.padded_tile);
    CHECK(p.serving.law.most_prefill_steps == law.serving.most_prefill_steps);
}

TEST_CASE("tile efficiencies that would hide a tile from the law are refused") {
    const ScratchFolder folder;
    folder.write("hwmodels/timing.toml", R"([kernels]
tile_64x64 = 0.2
tile_64x128 = 0.85
tile_128x64 = 0.8
tile_128x128 = 0.95
tile_256x128 = 1
tile_128x256 = 1
partial_tile = 0.35
least_prompt_tokens = 64
noticeable_extrapolation = 0.02
[serving]
most_prefill_steps = 0.98
drain_occupancy = 0.5
)");
    CHECK(message_of([&] {
              (void)load_law_constants(DataStore(folder.path.string()));
          }).find("must grow from tile_64x64") != std::string::npos);
}

TEST_CASE("a profile that states no reserve leaves it to the memory terms of its engine") {
    std::string text = pure;
    text.erase(text.find("reserve_gb = 9\n"), std::string("reserve_gb = 9\n").size());
    const Profile p = read(text);
    CHECK_FALSE(p.defaults.reserve);
    CHECK_FALSE(read(toml_of(p, "2026")).defaults.reserve);
    CHECK_FALSE(load_profile(DataStore(), "h100_sxm", "", "vllm").defaults.reserve);
}
