// SPDX-License-Identifier: Apache-2.0
// Multiplications of warpgroups in the emulator: 128 threads meet, operands are read from shared memory through the
// descriptor as the hardware decodes it, at once or as late as the wait allows. Sums of a pending multiplication are not
// numbers until they are waited for. Found: a missing fence, wait or barrier, operands overwritten while they are read,
// descriptors that differ between lanes or mean another layout.
#pragma once

#include <cmath>

#include "kernels/tensor/simt_emulator.h"

namespace microbench::tensor::emulator {
namespace detail {

constexpr int group_lanes = 4 * warp_lanes;
constexpr int group_rows = 64;
constexpr int depth_bytes = 32;             // of K that one multiplication takes
constexpr int dynamic_shared_base = 1024;   // shared addresses of a kernel do not begin at 0 on a chip either
constexpr std::uint32_t poison = 0x7FC0BAD0u;

/// Fields of a matrix descriptor, in bytes where they are offsets.
struct Descriptor {
    int start, leading, stride, base, swizzle;
};

inline Descriptor decode(std::uint64_t bits) {
    const auto field = [&](int low, int count) {
        return static_cast<int>((bits >> low) & ((std::uint64_t{1} << count) - 1));
    };
    return {field(0, 14) * 16, field(16, 14) * 16, field(32, 14) * 16, field(49, 3), field(62, 2)};
}

/// Shared address of byte `byte` of row `row`, swizzle of 128 bytes: rows lie 128 bytes apart, groups of 8 rows one stride,
/// 128 bytes of a row to the next 128 (where a row has more) the leading offset; then bits 4-6 of the address are XORed
/// with bits 7-9.
inline int address_of(const Descriptor& d, int row, int byte) {
    const int plain = d.start + byte / 128 * d.leading + row / 8 * d.stride + row % 8 * 128 + byte % 128;
    return plain ^ (((plain >> 7) & 7) << 4);
}

inline Warpgroup& warpgroup_here() {
    return machine->warpgroups[static_cast<std::size_t>(machine->current / group_lanes)];
}

/// All 128 lanes meet; the last one executes for all of them.
inline void meet_warpgroup(void* payload, Execute execute) {
    const int first = machine->current / group_lanes * group_lanes;
    if (first + group_lanes > static_cast<int>(machine->threads.size())) {
        fault("instruction of a warpgroup outside one");
        return;
    }
    meet_lanes(warpgroup_here().meeting, first, group_lanes, payload, execute);
}

inline const char* complaint(Sight sight) {
    switch (sight) {
        case Sight::never_written:
            return "multiplication reads what was never written";
        case Sight::in_flight:
            return "multiplication reads what a copy has not been waited for";
        case Sight::not_fenced:
            return "multiplication reads what was written without fence.proxy.async";
        default:
            return "multiplication reads what was fenced without a barrier";
    }
}

inline bool usable(const Descriptor& d) {
    const bool known = d.swizzle == 1 && d.base == 0 && d.start / 128 % 8 == 0;
    if (!known) fault("descriptor is not of 128-byte swizzle from a multiple of 1024 bytes");
    return known;
}

/// An operand in shared memory: rows of A or B along K, or rows of K along the columns of B.
struct Rows {
    std::uint64_t descriptor;
    int count;
    int bytes;   // of each
};

/// Checks that the rows may be read now, and counts them as read by a pending multiplication (change 1) or not (-1).
inline void hold_rows(const Rows& rows, int change) {
    const Descriptor d = decode(rows.descriptor);
    for (int row = 0; row < rows.count; ++row) {
        for (int byte = 0; byte < rows.bytes; byte += chunk_bytes) {
            const int offset = address_of(d, row, byte) - dynamic_shared_base;
            if (!inside(offset, chunk_bytes)) return;
            Chunk& chunk = machine->proxy.chunks[static_cast<std::size_t>(offset / chunk_bytes)];
            chunk.readers += change;
            if (change > 0 && chunk.sight != Sight::ready) fault(complaint(chunk.sight));
        }
    }
}

/// Rows as floats, one after the other.
inline std::vector<float> read_rows(const Rows& rows, bool bytes) {
    const Descriptor d = decode(rows.descriptor);
    std::vector<float> values;
    for (int row = 0; row < rows.count; ++row) {
        for (int byte = 0; byte < rows.bytes; byte += bytes ? 1 : 2) {
            const unsigned char* at = machine->shared.data() + address_of(d, row, byte) - dynamic_shared_base;
            values.push_back(bytes ? from_e4m3(at[0])
                                   : from_bf16(static_cast<std::uint16_t>(at[0] | at[1] << 8)));
        }
    }
    return values;
}

inline Rows rows_of_a(const PendingMultiply& call) {
    return {call.a, call.has_registers() ? 0 : group_rows, depth_bytes};
}
inline Rows rows_of_b(const PendingMultiply& call, int columns) {
    return call.has_registers() ? Rows{call.b, depth_bytes / 2, 2 * columns}
                                : Rows{call.b, columns, depth_bytes};
}

/// A of 64 rows of 16 from registers, as fragments of mma.m16n8k16 of the four warps.
inline std::vector<float> read_registers(const Registers& registers) {
    std::vector<float> values(group_rows * 16);
    for (int lane = 0; lane < group_lanes; ++lane) {
        for (int i = 0; i < 8; ++i) {
            const Coordinate at = fragment_a16(lane % warp_lanes, i);
            values[static_cast<std::size_t>((16 * (lane / warp_lanes) + at.row) * 16 + at.col)] =
                element16(registers.words.data() + 4 * lane, i);
        }
    }
    return values;
}

/// B with its columns as rows, from rows of K.
inline std::vector<float> turned(const std::vector<float>& b, std::size_t columns) {
    std::vector<float> values(b.size());
    const std::size_t depth = b.size() / columns;
    for (std::size_t i = 0; i < b.size(); ++i) values[i % columns * depth + i / columns] = b[i];
    return values;
}

inline void execute(Warpgroup& group, PendingMultiply& call) {
    PendingSums& sums = group.sums[call.sums];
    const auto columns = static_cast<std::size_t>(sums.columns);
    const bool registers = call.has_registers();
    const std::vector<float> a =
        registers ? read_registers(call.registers) : read_rows(rows_of_a(call), call.bytes);
    std::vector<float> b = read_rows(rows_of_b(call, sums.columns), call.bytes);
    if (registers) b = turned(b, columns);
    const std::size_t depth = a.size() / group_rows;
    for (std::size_t row = 0; row < group_rows; ++row) {
        for (std::size_t column = 0; column < columns; ++column) {
            float& sum = sums.values[row * columns + column];
            if (!call.accumulate) sum = 0;
            float product = 0;
            for (std::size_t k = 0; k < depth; ++k) product += a[row * depth + k] * b[column * depth + k];
            sum += product;
        }
    }
    call.executed = true;
    ++machine->report.mma_calls;
}

/// Place in the matrix of sums of element i of a lane, and the element.
template <class Use>
void each_sum(PendingSums& sums, Use use) {
    for (int lane = 0; lane < group_lanes; ++lane) {
        for (int i = 0; i < sums.columns / 2; ++i) {
            const int row = 16 * (lane / warp_lanes) + lane % warp_lanes / 4 + 8 * (i / 2 % 2);
            const int column = 8 * (i / 4) + 2 * (lane % 4) + i % 2;
            use(sums.values[static_cast<std::size_t>(row * sums.columns + column)], sums.of_lane[lane][i]);
        }
    }
}

struct Issue {
    float* sums;
    int columns;
    std::uint64_t a, b;
    bool accumulate, bytes;
    const std::uint32_t* registers = nullptr;   // of A
};

/// The pending sums in these registers, taken over from the threads where there are none.
inline std::size_t take_sums(Warpgroup& group, void** all) {
    const auto* first = static_cast<const Issue*>(all[0]);
    for (std::size_t i = 0; i < group.sums.size(); ++i) {
        if (group.sums[i].pending > 0 && group.sums[i].of_lane[0] == first->sums) return i;
    }
    if (!group.fenced) fault("sums are used without wgmma.fence before");
    PendingSums sums;
    for (int lane = 0; lane < group_lanes; ++lane) sums.of_lane[lane] = static_cast<Issue*>(all[lane])->sums;
    sums.columns = first->columns;
    sums.values.resize(static_cast<std::size_t>(group_rows * sums.columns));
    each_sum(sums, [](float& kept, float& held) {
        kept = held;
        held = bits_float(poison);
    });
    group.sums.push_back(std::move(sums));
    return group.sums.size() - 1;
}

inline Registers take_registers(const Warpgroup& group, void** all) {
    if (!group.fenced) fault("registers are used without wgmma.fence before");
    Registers registers;
    for (int lane = 0; lane < group_lanes; ++lane) {
        const std::uint32_t* words = static_cast<const Issue*>(all[lane])->registers;
        registers.of_lane.push_back(words);
        registers.words.insert(registers.words.end(), words, words + 4);
    }
    return registers;
}

inline void check_registers(const Registers& registers) {
    for (std::size_t lane = 0; lane < registers.of_lane.size(); ++lane) {
        const std::uint32_t* words = registers.of_lane[lane];
        if (!std::equal(words, words + 4, registers.words.begin() + static_cast<std::ptrdiff_t>(4 * lane)))
            fault("registers of a pending multiplication were written");
    }
}

inline void issue(void** all) {
    const auto* first = static_cast<const Issue*>(all[0]);
    for (int lane = 1; lane < group_lanes; ++lane) {
        const auto* other = static_cast<const Issue*>(all[lane]);
        if (other->a != first->a || other->b != first->b) fault("descriptors differ between lanes");
    }
    Warpgroup& group = warpgroup_here();
    PendingMultiply call{0, first->a, first->b, first->accumulate, first->bytes};
    if (first->registers != nullptr) call.registers = take_registers(group, all);
    if (!(call.has_registers() || usable(decode(first->a))) || !usable(decode(first->b))) return;
    hold_rows(rows_of_a(call), 1);
    hold_rows(rows_of_b(call, first->columns), 1);
    if (!machine->report.error.empty()) return;
    call.sums = take_sums(group, all);
    ++group.sums[call.sums].pending;
    if (!machine->options.late_multiplies) execute(group, call);
    group.groups.back().push_back(call);
}

inline void complete(Warpgroup& group, PendingMultiply& call) {
    if (!call.executed) execute(group, call);
    PendingSums& sums = group.sums[call.sums];
    check_registers(call.registers);
    hold_rows(rows_of_a(call), -1);
    hold_rows(rows_of_b(call, sums.columns), -1);
    if (--sums.pending > 0) return;
    each_sum(sums, [](float& kept, float& held) {
        if (float_bits(held) != poison) fault("sums of a pending multiplication were written");
        held = kept;
    });
    group.fenced = false;
}

template <int Pending>
void wait_of_warpgroup(void**) {
    Warpgroup& group = warpgroup_here();
    while (group.groups.size() > static_cast<std::size_t>(Pending) + 1) {
        for (PendingMultiply& call : group.groups.front()) complete(group, call);
        group.groups.erase(group.groups.begin());
    }
    if (group.groups.size() == 1 && group.groups[0].empty()) group.sums.clear();
}

}   // namespace detail

inline std::uint32_t shared_address(int offset) {
    return static_cast<std::uint32_t>(detail::dynamic_shared_base + offset);
}

inline void fence_async_proxy() { detail::note_fence(detail::machine->proxy, detail::machine->current); }

inline void warpgroup_fence() {
    detail::meet_warpgroup(nullptr, [](void**) { detail::warpgroup_here().fenced = true; });
}

template <bool Bytes, std::size_t Groups>
void multiply_warpgroup(float (&acc)[Groups][4], std::uint64_t a, std::uint64_t b, bool accumulate) {
    detail::Issue call{&acc[0][0], static_cast<int>(8 * Groups), a, b, accumulate, Bytes};
    detail::meet_warpgroup(&call, detail::issue);
}

template <std::size_t Groups>
void multiply_registers(float (&acc)[Groups][4], const std::uint32_t (&a)[4], std::uint64_t b) {
    detail::Issue call{&acc[0][0], static_cast<int>(8 * Groups), 0, b, true, false, a};
    detail::meet_warpgroup(&call, detail::issue);
}

inline void commit_multiplies() {
    detail::meet_warpgroup(nullptr, [](void**) { detail::warpgroup_here().groups.emplace_back(); });
}

template <int Pending>
void wait_multiplies() {
    detail::meet_warpgroup(nullptr, detail::wait_of_warpgroup<Pending>);
}

}   // namespace microbench::tensor::emulator
