// SPDX-License-Identifier: Apache-2.0
// Multiplications of warpgroups: descriptors against the rules of the PTX ISA, the grouped GEMM built on them against sums
// in double precision, and the emulator against miniature kernels with known faults.
#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "emulation/warpgroup.h"
#include "kernels/tensor/warpgroup_gemm.h"
#include "test_tensor_gemm_support.h"

namespace {

using namespace microbench::tensor;
using tensor_test::Operand;
using tensor_test::Outcome;
using tensor_test::Problem;

/// Shared address of byte `byte` of row `row` of an operand, by PTX ISA 9.x, "Shared Memory Matrix Layout": atoms of 8 rows
/// of 128 bytes, "Stride Dimension Byte Offset" apart; Swizzle<3, 4, 3>: address bits 4-6 XOR bits 7-9.
std::uint32_t hardware_address(std::uint64_t descriptor, std::uint32_t row, std::uint32_t byte) {
    const auto start = static_cast<std::uint32_t>(descriptor % 16384) * 16;
    const auto stride = static_cast<std::uint32_t>((descriptor >> 32) % 16384) * 16;
    const std::uint32_t address = start + (row / 8) * stride + (row % 8) * 128 + byte;
    const std::uint32_t chunk = (address / 16) % 8;
    return address - chunk * 16 + (chunk ^ ((address / 128) % 8)) * 16;
}

/// What a miniature kernel leaves out or does wrongly.
enum class Fault {
    none,
    no_copy_wait,
    no_proxy_fence,
    no_barrier,
    no_warpgroup_fence,
    no_wait,   // of the multiplications, before the sums are read
    never_waits,
    early_overwrite,   // of the operands, before the wait
    touched_sums,
    one_warp_missing,
    different_operands,
    misaligned,
};

constexpr int mini_columns = 256;
constexpr int mini_rows = warpgroup_rows + mini_columns;
constexpr int mini_bytes = mini_rows * 128;

/// Copies 64 rows of A and 256 of B, multiplies their first 32 bytes, stores the sums.
void miniature(Fault fault, const unsigned char* source, float* c) {
    const auto copy = [&](int row) {
        const int chunk = thread_index() % 8;
        copy_async(swizzled<128>(row, chunk), source + (row * 8 + chunk) * 16, true);
    };
    for (int row = thread_index() / 8; row < mini_rows; row += 16) copy(row);
    commit_copies();
    if (fault != Fault::no_copy_wait) wait_copies<0>();
    if (fault != Fault::no_proxy_fence) fence_async_proxy();
    if (fault != Fault::no_barrier) sync_block();
    WarpgroupSums<mini_columns> acc;
    for (auto& group : acc) {
        for (float& x : group) x = 1;
    }
    if (fault != Fault::no_warpgroup_fence) warpgroup_fence();
    const auto a = matrix_descriptor(shared_address(fault == Fault::misaligned ? 128 : 0));
    const auto b = matrix_descriptor(shared_address(warpgroup_rows * 128));
    if (fault == Fault::different_operands) {
        multiply_warpgroup<false>(acc, advanced(a, thread_index() / 32 * 32), b, true);
    } else if (fault != Fault::one_warp_missing || thread_index() >= 32) {
        multiply_warpgroup<false>(acc, a, b, true);
    }
    commit_multiplies();
    if (fault == Fault::early_overwrite) {
        copy(thread_index() / 8);
        commit_copies();
    }
    if (fault == Fault::touched_sums) acc[3][1] = 0;
    if (fault != Fault::no_wait && fault != Fault::never_waits) wait_multiplies<0>();
    for (int j = 0; j < mini_columns / 8; ++j) {
        for (int i = 0; i < 4; ++i) {
            const int row = 16 * (thread_index() / 32) + thread_index() % 32 / 4 + 8 * (i / 2);
            c[row * mini_columns + 8 * j + 2 * (thread_index() % 4) + i % 2] = acc[j][i];
        }
    }
    if (fault == Fault::no_wait) wait_multiplies<0>();
    wait_copies<0>();
}

struct Mini {
    std::string error;
    bool right = true;
};

Mini run_miniature(Fault fault, const emulator::Options& options) {
    const Operand operands(mini_bytes / 2, false, 5);
    std::vector<float> c(warpgroup_rows * mini_columns);
    const auto report = emulator::run(1, 1, 1, 128, mini_bytes, options,
                                      [&] { miniature(fault, operands.data(), c.data()); });
    Mini result{report.error};
    for (std::size_t row = 0; row < warpgroup_rows; ++row) {
        for (std::size_t column = 0; column < mini_columns; ++column) {
            double sum = 1;
            for (std::size_t k = 0; k < 16; ++k) {
                sum += operands[row * 64 + k] * operands[(warpgroup_rows + column) * 64 + k];
            }
            result.right &= std::abs(static_cast<double>(c[row * mini_columns + column]) - sum) < 1e-5;
        }
    }
    return result;
}

/// Copies and multiplications as early and as late as they may happen; warps in both orders.
const emulator::Options schedules[] = {
    {.late_copies = true, .backward = false, .late_multiplies = false},
    {.late_copies = false, .backward = true, .late_multiplies = true},
};

/// What the first schedule that objects says.
std::string found(Fault fault) {
    for (const emulator::Options& options : schedules) {
        const Mini result = run_miniature(fault, options);
        if (!result.error.empty()) return result.error;
    }
    return "";
}

template <class Shape>
void check_gemm(const Problem& p) {
    for (const emulator::Options& options : schedules) {
        const Outcome outcome = tensor_test::run_gemm<Shape>(p, options, warpgroup_gemm<Shape>);
        CHECK(outcome.report.error == "");
        CHECK(outcome.report.mma_calls > 0);
        CHECK(outcome.worst <= 1.0);
        CHECK(outcome.untouched);
    }
}

/// 64 columns of sums of 16 values each: A, in registers, is 1 everywhere.
std::string sum_values(bool fenced, bool touched) {
    const Operand values(16 * 64, false, 6);
    for (const emulator::Options& options : schedules) {
        float first = 0;
        const auto report = emulator::run(1, 1, 1, 128, 16 * 128, options, [&] {
            const int row = thread_index() / 8;
            const int chunk = thread_index() % 8;
            copy_async(swizzled<128>(row, chunk), values.data() + (row * 8 + chunk) * 16, true);
            commit_copies();
            wait_copies<0>();
            fence_async_proxy();
            sync_block();
            WarpgroupSums<64> acc = {};
            const std::uint32_t one = pack_bf16(1, 1);
            std::uint32_t a[4] = {one, one, one, one};
            if (fenced) warpgroup_fence();
            multiply_registers(acc, a, matrix_descriptor(shared_address(0), 16 * 128));
            commit_multiplies();
            if (touched) a[2] = 0;
            wait_multiplies<0>();
            if (thread_index() == 5) first = acc[3][2];   // row 9, column 26
        });
        if (!report.error.empty()) return report.error;
        double sum = 0;
        for (std::size_t k = 0; k < 16; ++k) sum += values[k * 64 + 26];
        CHECK(static_cast<double>(first) == doctest::Approx(sum));
    }
    return "";
}

bool says(const std::string& error, const char* part) { return error.find(part) != std::string::npos; }

}   // namespace

TEST_CASE("a matrix descriptor has the fields of the PTX ISA") {
    // Start 0x24C00 >> 4 = 0x24C0; leading 1; stride 1024 >> 4 = 0x40; swizzle 1 in bits 62-63.
    static_assert(matrix_descriptor(0x24C00) == 0x40000040'000124C0);
    static_assert(advanced(matrix_descriptor(0x24C00), 96) == 0x40000040'000124C6);
    static_assert(matrix_descriptor(0x38FF0) >> 62 == 1);   // the last chunk of 227 KiB after 1 KiB
    static_assert((matrix_descriptor(0x38FF0) & 0x3FFF) == 0x38FF);
}

TEST_CASE("the hardware reads each operand where the copies put it") {
    using Shape = WarpgroupGemm<false, false>;
    constexpr int base = 1024;
    for (int stage = 0; stage < Shape::stages; ++stage) {
        const int start = base + stage * Shape::stage_bytes;
        for (int step = 0; step < 4; ++step) {
            const auto a =
                advanced(matrix_descriptor(static_cast<std::uint32_t>(start + 64 * 128)), 32 * step);
            const auto b =
                advanced(matrix_descriptor(static_cast<std::uint32_t>(start + 128 * 128)), 32 * step);
            for (int row = 0; row < 256; ++row) {
                for (int half = 0; half < 2; ++half) {
                    const auto byte = static_cast<std::uint32_t>(16 * half);
                    const auto in_b = hardware_address(b, static_cast<std::uint32_t>(row), byte);
                    CHECK(in_b ==
                          static_cast<std::uint32_t>(start + swizzled<128>(128 + row, 2 * step + half)));
                    if (row >= 64) continue;
                    const auto in_a = hardware_address(a, static_cast<std::uint32_t>(row), byte);
                    CHECK(in_a ==
                          static_cast<std::uint32_t>(start + swizzled<128>(64 + row, 2 * step + half)));
                }
            }
        }
    }
}

TEST_CASE("the emulator decodes descriptors as the hardware does") {
    const auto descriptor = advanced(matrix_descriptor(5 * 1024), 64);
    for (int row = 0; row < 256; ++row) {
        for (int byte = 0; byte < 32; ++byte) {
            CHECK(static_cast<std::uint32_t>(
                      emulator::detail::address_of(emulator::detail::decode(descriptor), row, byte)) ==
                  hardware_address(descriptor, static_cast<std::uint32_t>(row),
                                   static_cast<std::uint32_t>(byte)));
        }
    }
}

TEST_CASE("a warpgroup multiplies what was copied, fenced and met for") {
    for (const emulator::Options& options : schedules) {
        const Mini result = run_miniature(Fault::none, options);
        CHECK(result.error == "");
        CHECK(result.right);
    }
}

TEST_CASE("the emulator shows operands that multiplications need not see") {
    CHECK(says(found(Fault::no_copy_wait), "a copy has not been waited for"));
    CHECK(says(found(Fault::no_proxy_fence), "without fence.proxy.async"));
    CHECK(says(found(Fault::no_barrier), "without a barrier"));
    CHECK(says(found(Fault::early_overwrite), "pending multiplication reads"));
}

TEST_CASE("the emulator shows sums that are used while a multiplication is pending") {
    CHECK(says(found(Fault::no_warpgroup_fence), "without wgmma.fence"));
    CHECK(says(found(Fault::never_waits), "never waited"));
    CHECK(says(found(Fault::touched_sums), "were written"));
    for (const emulator::Options& options : schedules) CHECK(!run_miniature(Fault::no_wait, options).right);
}

TEST_CASE("operands in registers are multiplied with rows of K, and may not change before the wait") {
    CHECK(sum_values(true, false) == "");
    CHECK(says(sum_values(false, false), "without wgmma.fence"));
    CHECK(says(sum_values(true, true), "registers of a pending multiplication were written"));
}

TEST_CASE("the emulator shows warpgroups that diverge and descriptors of another layout") {
    CHECK(says(found(Fault::one_warp_missing), "different instructions"));
    CHECK(says(found(Fault::different_operands), "differ between lanes"));
    CHECK(says(found(Fault::misaligned), "multiple of 1024"));
}

TEST_CASE("grouped GEMM of warpgroups equals the sums in double precision for ragged and empty experts") {
    check_gemm<WarpgroupGemm<false, false>>({{3, 0, 131, 1}, 264, 136, false, 2});
    check_gemm<WarpgroupGemm<false, false>>({{7}, 24, 648, false, 1});   // more steps of K than stages
}

TEST_CASE("gated GEMM of warpgroups gathers its rows") {
    check_gemm<WarpgroupGemm<false, true>>({{0, 5, 66, 0}, 136, 208, true, 2});
}

TEST_CASE("grouped GEMM of warpgroups multiplies e4m3") {
    check_gemm<WarpgroupGemm<true, false>>({{0, 129, 2}, 72, 208, true, 2});
    check_gemm<WarpgroupGemm<true, true>>({{0, 70, 2}, 136, 656, true, 3});
}

TEST_CASE("a GEMM of warpgroups without any rows writes nothing and ends") {
    using Shape = WarpgroupGemm<false, false>;
    const Outcome outcome =
        tensor_test::run_gemm<Shape>({{0, 0}, 64, 64, false, 2}, {}, warpgroup_gemm<Shape>);
    CHECK(outcome.report.error == "");
    CHECK(outcome.report.mma_calls == 0);
    CHECK(outcome.untouched);
}
