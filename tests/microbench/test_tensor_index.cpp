// SPDX-License-Identifier: Apache-2.0
// Index functions of the tensor kernels against numbers written out by hand, and the emulator against kernels with
// known faults.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "emulation/emulator.h"
#include "kernels/tensor/attention_index.h"
#include "kernels/tensor/simt.h"
#include "kernels/tensor/tile_index.h"

namespace {

using namespace microbench::tensor;

bool at(Coordinate c, int row, int col) { return c.row == row && c.col == col; }

/// Two warps: the second reads what the first copied asynchronously.
void hand_over(bool waits, bool meets, const std::uint32_t* source, std::uint32_t* seen) {
    if (thread_index() == 0) copy_async(16, source, true);
    commit_copies();
    if (waits) wait_copies<0>();
    if (meets) sync_block();
    if (thread_index() == 32) *seen = shared_at<std::uint32_t>(16);
    wait_copies<0>();
}

}   // namespace

TEST_CASE("fragments of mma.m16n8k16 lie as the PTX ISA writes them") {
    // Lane 13 is group 3, place 1: a0,a1 row 3 columns 2,3; a2,a3 row 11; a4,a5 row 3 columns 10,11; a6,a7 row 11.
    CHECK(at(fragment_a16(13, 0), 3, 2));
    CHECK(at(fragment_a16(13, 1), 3, 3));
    CHECK(at(fragment_a16(13, 2), 11, 2));
    CHECK(at(fragment_a16(13, 5), 3, 11));
    CHECK(at(fragment_a16(13, 6), 11, 10));
    // b0,b1 rows 2,3 of column 3; b2,b3 rows 10,11.
    CHECK(at(fragment_b16(13, 1), 3, 3));
    CHECK(at(fragment_b16(13, 2), 10, 3));
    // c0,c1 row 3 columns 2,3; c2,c3 row 11.
    CHECK(at(fragment_c(13, 1), 3, 3));
    CHECK(at(fragment_c(13, 2), 11, 2));
}

TEST_CASE("fragments of mma.m16n8k32 lie as the PTX ISA writes them") {
    // Lane 30 is group 7, place 2: a0..a3 row 7 columns 8..11; a4..a7 row 15; a8.. row 7 columns 24..27; a12.. row 15.
    CHECK(at(fragment_a8(30, 0), 7, 8));
    CHECK(at(fragment_a8(30, 6), 15, 10));
    CHECK(at(fragment_a8(30, 9), 7, 25));
    CHECK(at(fragment_a8(30, 15), 15, 27));
    CHECK(at(fragment_b8(30, 3), 11, 7));
    CHECK(at(fragment_b8(30, 4), 24, 7));
}

TEST_CASE("every element of a fragment belongs to one lane") {
    std::set<std::pair<int, int>> a16, b16, a8, b8, c;
    for (int lane = 0; lane < 32; ++lane) {
        for (int i = 0; i < 16; ++i) {
            const auto put = [](auto& set, Coordinate x) { set.emplace(x.row, x.col); };
            put(a8, fragment_a8(lane, i));
            if (i < 8) put(a16, fragment_a16(lane, i));
            if (i < 8) put(b8, fragment_b8(lane, i));
            if (i < 4) put(b16, fragment_b16(lane, i));
            if (i < 4) put(c, fragment_c(lane, i));
        }
    }
    CHECK(a16.size() == 256);
    CHECK(b16.size() == 128);
    CHECK(a8.size() == 512);
    CHECK(b8.size() == 256);
    CHECK(c.size() == 128);
}

TEST_CASE("swizzled chunks of a tile are a permutation") {
    std::set<int> offsets;
    for (int row = 0; row < 16; ++row) {
        for (int chunk = 0; chunk < 72; ++chunk) offsets.insert(swizzled<1152>(row, chunk));
    }
    CHECK(offsets.size() == 16 * 72);
    CHECK(*offsets.rbegin() == 16 * 1152 - 16);
    CHECK(swizzled<128>(0, 5) == 80);
    CHECK(swizzled<128>(3, 5) == 3 * 128 + 6 * 16);   // 5 xor 3 = 6
    CHECK(swizzled<64>(6, 1) == 6 * 64 + 2 * 16);     // 1 xor 3 = 2
}

TEST_CASE("the list of tiles holds every tile of every expert once") {
    const std::vector<int> rows{0, 40, 1, 0, 500, 16};
    std::vector<int> row_prefix(7), tile_prefix(7);
    running_sums(rows.data(), 6, 16, row_prefix.data(), tile_prefix.data());
    CHECK(row_prefix == std::vector<int>{0, 0, 40, 41, 41, 541, 557});
    CHECK(tile_prefix == std::vector<int>{0, 0, 3, 4, 4, 36, 37});
    std::set<std::vector<int>> seen;
    for (int i = 0; i < 37 * 5; ++i) {
        const Tile t = tile_at(i, tile_prefix.data(), 6, 5);
        CHECK(t.n < 5);
        CHECK(t.m < divide_up(rows[static_cast<std::size_t>(t.expert)], 16));
        seen.insert({t.expert, t.m, t.n});
    }
    CHECK(seen.size() == 37 * 5);
    const Tile second = tile_at(1, tile_prefix.data(), 6, 5);   // rows first: neighbours share weights
    CHECK(second.expert == 1);
    CHECK(second.m == 1);
    CHECK(second.n == 0);
}

TEST_CASE("weights of a gated tile alternate gate and up in groups of eight") {
    CHECK(gated_half(7) == 0);
    CHECK(gated_half(8) == 1);
    CHECK(gated_column(8) == 0);
    CHECK(gated_column(21) == 13);
    CHECK(gated_half(21) == 0);
    CHECK(gated_half(29) == 1);
    CHECK(gated_column(29) == 13);
}

TEST_CASE("parts of a context cover it once") {
    for (const int context : {1, 16, 63, 64, 65, 1000, 8192}) {
        for (int parts = 1; parts <= 7; ++parts) {
            const int tokens = part_tokens_for(context, parts, 64);
            CHECK(tokens % 64 == 0);
            int next = 0;
            for (int p = 0; p < parts; ++p) {
                const TokenRange range = tokens_of_part(p, tokens, context);
                if (range.begin < context) CHECK(range.begin == next);
                CHECK(range.end >= range.begin);
                if (range.end > range.begin) next = range.end;
            }
            CHECK(next == context);
        }
    }
    CHECK(choose_parts(512, 8192, 64, 264, 64) == 1);    // 1.94 waves of whole sequences: no need to split
    CHECK(choose_parts(8, 131072, 64, 264, 64) == 33);   // 264 blocks of 63 tiles fill one wave
    CHECK(choose_parts(1, 16, 64, 264, 64) == 1);
}

TEST_CASE("a window counts the newest token, and its parts begin with the tile of its first") {
    CHECK(window_begin(1000, 128) == 872);   // tokens 872 to 999
    CHECK(window_begin(128, 128) == 0);
    CHECK(window_begin(5, 128) == 0);
    CHECK(window_begin(1000, no_window) == 0);
    CHECK(tokens_read(1000, 128, 16) == 143);   // at worst 15 tokens of the first tile lie before the window
    CHECK(tokens_read(130, 128, 16) == 130);
    CHECK(tokens_read(1000, no_window, 16) == 1000);
    CHECK(tokens_of_part(1, 64, 1000, 864).begin == 928);
    CHECK(tokens_of_part(2, 64, 1000, 864).end == 1000);
    CHECK(tokens_of_part(3, 64, 1000, 864).end == tokens_of_part(3, 64, 1000, 864).begin);
}

TEST_CASE("a token of a sequence is found through its page") {
    const std::vector<int> pages{7, 2, 9};
    CHECK(cache_row(pages.data(), 16, 0) == 112);
    CHECK(cache_row(pages.data(), 16, 31) == 47);
    CHECK(cache_row(pages.data(), 64, 130) == 9 * 64 + 2);
}

TEST_CASE("causal tiles end at the last query and masks begin where a query sees less than a tile") {
    CHECK(key_tiles(0, 128, 1000, no_window, 64).end == 2);
    CHECK(key_tiles(896, 128, 1000, no_window, 64).end == 16);   // 1000 keys
    CHECK(needs_mask(0, 32, 0, 64, 1000));
    CHECK(!needs_mask(63, 32, 0, 64, 1000));   // query 63 sees all of tile 0
    CHECK(needs_mask(128, 32, 128, 64, 1000));
    CHECK(meets(128, 32, 128, 64, 1000));
    CHECK(!meets(96, 32, 128, 64, 1000));
}

TEST_CASE("a window ends the tiles behind its queries and masks those it leaves within a tile") {
    // Query 256 attends keys 129 to 256 of a window of 128; query 287 keys 160 to 287.
    CHECK(key_tiles(256, 128, 1000, 128, 64).begin == 2);
    CHECK(key_tiles(256, 128, 1000, 129, 64).begin == 2);
    CHECK(key_tiles(256, 128, 1000, 130, 64).begin == 1);   // key 127
    CHECK(key_tiles(0, 128, 1000, 128, 64).begin == 0);
    CHECK(meets(256, 32, 128, 64, 128));
    CHECK(!meets(257, 32, 64, 66, 128));   // keys up to 129, query 257 begins at 130
    CHECK(meets(257, 32, 64, 67, 128));
    CHECK(needs_mask(256, 32, 159, 32, 128));    // query 287 no longer sees key 159
    CHECK(!needs_mask(256, 32, 160, 32, 128));   // all 32 queries see keys 160 to 191
    CHECK(attends(287, 160, 128));
    CHECK(!attends(287, 159, 128));
    CHECK(attends(287, 287, 1));
    CHECK(!attends(287, 288, 1));
}

TEST_CASE("words of four lanes are transposed") {
    std::vector<std::vector<std::uint32_t>> after(32, std::vector<std::uint32_t>(4));
    const auto report = emulator::run(1, 1, 1, 32, 0, {}, [&] {
        const auto lane = static_cast<std::uint32_t>(thread_index());
        std::uint32_t w[4] = {10 * lane, 10 * lane + 1, 10 * lane + 2, 10 * lane + 3};
        transpose_group(w, thread_index());
        std::copy(w, w + 4, after[lane].begin());
    });
    CHECK(report.error == "");
    CHECK(after[0] == std::vector<std::uint32_t>{0, 10, 20, 30});
    CHECK(after[6] == std::vector<std::uint32_t>{42, 52, 62, 72});   // place 2 of lanes 4..7
}

TEST_CASE("four e4m3 bytes expand to pairs of bfloat16 exactly, subnormals and signs included") {
    for (int byte = 0; byte < 256; ++byte) {
        if ((byte & 0x7F) == 0x7F) continue;   // not a number
        std::uint32_t first = 0;
        std::uint32_t second = 0;
        const auto b = static_cast<std::uint32_t>(byte);
        expand_e4m3(b | (0x38u << 8) | (b << 16) | (0xB8u << 24), false, first, second);   // 1 and -1 between
        const float value = microbench::from_e4m3(static_cast<std::uint8_t>(byte));
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(first)) == value);
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(first >> 16)) == 1);
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(second)) == value);
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(second >> 16)) == -1);
        expand_e4m3(b | (0x38u << 8) | (b << 16) | (0xB8u << 24), true, first, second);
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(first >> 16)) == value);
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(second)) == 1);
        CHECK(microbench::from_bf16(static_cast<std::uint16_t>(second >> 16)) == -1);
    }
}

TEST_CASE("the emulator shows a missing wait and a missing barrier") {
    alignas(16) const std::uint32_t source[4] = {42, 0, 0, 0};
    std::uint32_t seen = 0;
    const auto run = [&](bool waits, bool meets, bool backward) {
        seen = 0;
        const auto report =
            emulator::run(1, 1, 1, 64, 64, {true, backward}, [&] { hand_over(waits, meets, source, &seen); });
        CHECK(report.error == "");
        return seen;
    };
    CHECK(run(true, true, false) == 42);
    CHECK(run(true, true, true) == 42);
    CHECK(run(false, true, true) != 42);   // read before the copy is bound to have arrived
    CHECK(run(true, false, true) != 42);   // the reader's warp goes first
}

TEST_CASE("the emulator shows divergence, dead locks, conflicts and addresses outside shared memory") {
    const auto run = [](const std::function<void()>& kernel) {
        return emulator::run(1, 1, 1, 64, 4096, {}, kernel);
    };
    const auto diverged = run([] {
        if (thread_index() % 2 == 0)
            sync_warp();
        else
            shuffle_xor_bits(0, 1);
    });
    CHECK(diverged.error.find("different instructions") != std::string::npos);
    const auto locked = run([] {
        if (thread_index() < 32)
            sync_block();
        else
            sync_warp();
        if (thread_index() >= 33) sync_warp();
    });
    CHECK(locked.error.find("dead lock") != std::string::npos);
    const auto outside = run([] {
        std::uint32_t r[4];
        load_matrices(r, 4096);
    });
    CHECK(outside.error.find("outside") != std::string::npos);
    const auto crowded = run([] {
        std::uint32_t r[4];
        load_matrices(r, 128 * (thread_index() % 32));   // eight rows in the same four banks
    });
    CHECK(crowded.error == "");
    CHECK(crowded.conflicts == 2 * 4 * 7);
    const auto forgotten = run([] {
        alignas(16) static const std::uint32_t zero[4] = {};
        copy_async(0, zero, true);
        commit_copies();
    });
    CHECK(forgotten.error.find("never waited") != std::string::npos);
}
