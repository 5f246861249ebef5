// SPDX-License-Identifier: Apache-2.0
#include "emulation/warpgroup.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace microbench::tensor::emulator {
namespace detail {
namespace {

constexpr std::uint32_t poison = 0x7FC0BAD0u;

Warpgroup& warpgroup_here() {
    return machine->warpgroups[static_cast<std::size_t>(machine->current / group_lanes)];
}

/// All 128 lanes meet; the last one executes for all of them.
void meet_warpgroup(void* payload, Execute execute) {
    const int first = machine->current / group_lanes * group_lanes;
    if (first + group_lanes > static_cast<int>(machine->threads.size())) {
        fault("instruction of a warpgroup outside one");
        return;
    }
    meet_lanes(warpgroup_here().meeting, first, group_lanes, payload, execute);
}

const char* complaint(Sight sight) {
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

bool usable(const Descriptor& d) {
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
void hold_rows(const Rows& rows, int change) {
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
std::vector<float> read_rows(const Rows& rows, bool bytes) {
    const Descriptor d = decode(rows.descriptor);
    std::vector<float> values;
    values.reserve(static_cast<std::size_t>(rows.count * rows.bytes));
    for (int row = 0; row < rows.count; ++row) {
        for (int byte = 0; byte < rows.bytes; byte += bytes ? 1 : 2) {
            const unsigned char* at = machine->shared.data() + address_of(d, row, byte) - dynamic_shared_base;
            values.push_back(bytes ? from_e4m3(at[0])
                                   : from_bf16(static_cast<std::uint16_t>(at[0] | at[1] << 8)));
        }
    }
    return values;
}

Rows rows_of_a(const PendingMultiply& call) {
    return {call.a, call.has_registers() ? 0 : group_rows, depth_bytes};
}
Rows rows_of_b(const PendingMultiply& call, int columns) {
    return call.has_registers() ? Rows{call.b, depth_bytes / 2, 2 * columns}
                                : Rows{call.b, columns, depth_bytes};
}

/// A of 64 rows of 16 from registers, as fragments of mma.m16n8k16 of the four warps.
std::vector<float> read_registers(const Registers& registers) {
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

/// Rows of `length` values as columns.
std::vector<float> turned(const std::vector<float>& rows, std::size_t length) {
    std::vector<float> values(rows.size());
    const std::size_t count = rows.size() / length;
    for (std::size_t i = 0; i < rows.size(); ++i) values[i % length * count + i / length] = rows[i];
    return values;
}

void execute(Warpgroup& group, PendingMultiply& call) {
    PendingSums& sums = group.sums[call.sums];
    const auto columns = static_cast<std::size_t>(sums.columns);
    const bool registers = call.has_registers();
    const std::vector<float> a =
        registers ? read_registers(call.registers) : read_rows(rows_of_a(call), call.bytes);
    const std::size_t depth = a.size() / group_rows;
    std::vector<float> b = read_rows(rows_of_b(call, sums.columns), call.bytes);
    if (!registers) b = turned(b, depth);   // rows of K
    std::vector<float> product(columns);
    for (std::size_t row = 0; row < group_rows; ++row) {
        std::fill(product.begin(), product.end(), 0.0F);
        for (std::size_t k = 0; k < depth; ++k) {
            const float factor = a[row * depth + k];
            const float* of_k = b.data() + k * columns;
            for (std::size_t column = 0; column < columns; ++column) product[column] += factor * of_k[column];
        }
        float* sum = sums.values.data() + row * columns;
        for (std::size_t column = 0; column < columns; ++column)
            sum[column] = (call.accumulate ? sum[column] : 0.0F) + product[column];
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

/// The pending sums in these registers, taken over from the threads where there are none.
std::size_t take_sums(Warpgroup& group, void** all) {
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

Registers take_registers(const Warpgroup& group, void** all) {
    if (!group.fenced) fault("registers are used without wgmma.fence before");
    Registers registers;
    for (int lane = 0; lane < group_lanes; ++lane) {
        const std::uint32_t* words = static_cast<const Issue*>(all[lane])->registers;
        registers.of_lane.push_back(words);
        registers.words.insert(registers.words.end(), words, words + 4);
    }
    return registers;
}

void check_registers(const Registers& registers) {
    for (std::size_t lane = 0; lane < registers.of_lane.size(); ++lane) {
        const std::uint32_t* words = registers.of_lane[lane];
        if (!std::equal(words, words + 4, registers.words.begin() + static_cast<std::ptrdiff_t>(4 * lane)))
            fault("registers of a pending multiplication were written");
    }
}

void issue(void** all) {
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

void complete(Warpgroup& group, PendingMultiply& call) {
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

void wait_of_warpgroup(void** all) {
    Warpgroup& group = warpgroup_here();
    const auto pending = *static_cast<const std::size_t*>(all[0]);
    for (int lane = 1; lane < group_lanes; ++lane) {
        if (*static_cast<const std::size_t*>(all[lane]) != pending) fault("waits differ between lanes");
    }
    while (group.groups.size() > pending + 1) {
        for (PendingMultiply& call : group.groups.front()) complete(group, call);
        group.groups.erase(group.groups.begin());
    }
    if (group.groups.size() == 1 && group.groups[0].empty()) group.sums.clear();
}

}   // namespace

void issue_multiply(Issue& call) { meet_warpgroup(&call, issue); }

void wait_multiplies_until(std::size_t pending) { meet_warpgroup(&pending, wait_of_warpgroup); }

}   // namespace detail

void warpgroup_fence() {
    detail::meet_warpgroup(nullptr, [](void**) { detail::warpgroup_here().fenced = true; });
}

void commit_multiplies() {
    detail::meet_warpgroup(nullptr, [](void**) { detail::warpgroup_here().groups.emplace_back(); });
}

}   // namespace microbench::tensor::emulator
