// SPDX-License-Identifier: Apache-2.0
// Index arithmetic of the kernels on the CPU: odd sizes and ragged tails, everything visited once.
#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include "device/timer.h"
#include "kernels/index/block_scale.h"
#include "kernels/index/chase.h"
#include "kernels/index/one_shot.h"
#include "kernels/index/small_ops.h"
#include "kernels/index/stream.h"

using namespace microbench;

TEST_CASE("a stream visits every vector once, tails included") {
    for (const long long threads : {1LL, 7LL, 64LL, 1000LL}) {
        for (const long long vectors : {0LL, 1LL, 3LL, 27LL, 28LL, 29LL, 255LL, 4000LL, 4001LL, 12345LL}) {
            std::vector<int> visits(static_cast<std::size_t>(vectors));
            const long long steps = stream_whole_steps(vectors, threads);
            for (long long thread = 0; thread < threads; ++thread) {
                for (long long step = 0; step < steps; ++step) {
                    for (int u = 0; u < stream_unroll; ++u)
                        ++visits[static_cast<std::size_t>(stream_index(thread, threads, step, u))];
                }
                for (long long i = stream_tail(vectors, threads) + thread; i < vectors; i += threads)
                    ++visits[static_cast<std::size_t>(i)];
            }
            CHECK(std::all_of(visits.begin(), visits.end(), [](int n) { return n == 1; }));
        }
    }
}

TEST_CASE("the chase is one cycle through all places") {
    for (const std::uint64_t places : {1ULL, 2ULL, 3ULL, 128ULL, 1000ULL}) {
        const auto next = random_cycle(places, 5);
        std::uint64_t at = 0;
        std::uint64_t length = 0;
        do {
            at = next[at];
            ++length;
        } while (at != 0 && length <= places);
        CHECK(length == places);
    }
}

TEST_CASE("permuted rows are a permutation of any number of pairs") {
    for (const long long pairs : {1LL, 2LL, 5LL, 8LL, 63LL, 64LL, 65LL, 1000LL, 4096LL}) {
        std::set<long long> rows;
        for (long long p = 0; p < pairs; ++p) rows.insert(permuted_row(p, pairs));
        CHECK(rows.size() == static_cast<std::size_t>(pairs));
        CHECK(*rows.begin() == 0);
        CHECK(*rows.rbegin() == pairs - 1);
    }
}

TEST_CASE("rotary partners are half a head apart and share an angle") {
    for (const int head_dim : {64, 128}) {
        for (int i = 0; i < head_dim; ++i) {
            const int partner = rope_partner(i, head_dim);
            CHECK(rope_partner(partner, head_dim) == i);
            CHECK(std::abs(partner - i) == head_dim / 2);
            CHECK(rope_pair(3, i, head_dim) == rope_pair(3, partner, head_dim));
        }
        CHECK(rope_pair(1, 0, head_dim) == head_dim / 2);
    }
}

TEST_CASE("block scales fill whole tiles without meeting") {
    for (const auto& [rows, columns] : {std::pair{1LL, 16LL}, {128LL, 64LL}, {130LL, 80LL}, {257LL, 512LL}}) {
        const long long blocks = columns / fp4_block;
        std::set<long long> places;
        for (long long r = 0; r < rows; ++r) {
            for (long long b = 0; b < blocks; ++b) {
                const long long at = scale_index(r, b, blocks);
                CHECK(at < scale_bytes(rows, columns));
                CHECK(places.insert(at).second);
            }
        }
    }
    // the first tile as the cuBLAS documentation draws it: row 1 follows 16 bytes after row 0, row 32 four after
    CHECK(scale_index(0, 3, 4) == 3);
    CHECK(scale_index(1, 0, 4) == 16);
    CHECK(scale_index(32, 0, 4) == 4);
    CHECK(scale_index(127, 3, 4) == 511);
    CHECK(scale_index(128, 0, 4) == 512);
    CHECK(scale_index(0, 4, 8) == 512);
}

TEST_CASE("one-shot flags do not meet, and every rank reads all ranks") {
    std::set<int> flags;
    for (int block = 0; block < one_shot_most_blocks; ++block) {
        for (int rank = 0; rank < one_shot_most_ranks; ++rank) flags.insert(flag_index(block, rank));
    }
    CHECK(flags.size() == static_cast<std::size_t>(one_shot_most_blocks * one_shot_most_ranks));
    CHECK(*flags.rbegin() == one_shot_most_blocks * one_shot_most_ranks - 1);
    for (const int ranks : {2, 4, 8}) {
        for (int i = 0; i < ranks; ++i) {   // at the same moment every rank reads another one
            std::set<int> read;
            for (int rank = 0; rank < ranks; ++rank) read.insert(read_order(rank, i, ranks));
            CHECK(read.size() == static_cast<std::size_t>(ranks));
        }
    }
    CHECK(one_shot_blocks(1) == 1);
    CHECK(one_shot_blocks(513) == 2);
    CHECK(one_shot_blocks(1 << 20) == one_shot_most_blocks);
}

TEST_CASE("launches of a sample are whole rounds of the copies and long enough") {
    CHECK(launches_for(1000, 1) == 1);
    CHECK(launches_for(1000, 3) == 3);
    CHECK(launches_for(2, 1) == 201);
    CHECK(launches_for(2, 150) == 300);
    CHECK(launches_for(2, 5000) == 5000);
    CHECK(launches_for(0, 1) == 1000);
}
