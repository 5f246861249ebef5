// SPDX-License-Identifier: Apache-2.0
// Runs the text of a kernel on the CPU, thread by thread: every thread of a block is a fibre; warp instructions wait
// for their 32 lanes, barriers for the block. For tests only. What it finds without a GPU: wrong fragments, missing
// barriers and waits (two schedules of warps, asynchronous copies landing at once or as late as allowed), misaligned
// and outside shared addresses, bank conflicts of ldmatrix, divergence around warp instructions.
#pragma once

#include <ucontext.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/index/number_format.h"
#include "kernels/tensor/async_proxy.h"
#include "kernels/tensor/fragment_index.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace microbench::tensor::emulator {

struct alignas(16) Words {
    std::uint32_t w[4];
};

struct Options {
    bool late_copies = true;         // cp.async lands at the wait (true) or at once (false)
    bool backward = false;           // order in which the warps run
    std::size_t stack = 256 << 10;   // of one thread
    bool late_multiplies = true;     // those of warpgroups execute at the wait (true) or at once (false)
};

struct Report {
    std::string error;    // first thing found wrong; empty if none
    long conflicts = 0;   // extra passes of ldmatrix
    long matrix_loads = 0;
    long mma_calls = 0;
    long copies = 0;   // cp.async, one per lane
};

namespace detail {

struct Copy {
    int offset;
    const void* source;
    bool valid;
};

enum class State { ready, at_warp, at_block, done };

struct Thread {
    ucontext_t context{};
    std::unique_ptr<char[]> stack;   // not cleared: most of it is never touched
    State state = State::ready;
    void* payload = nullptr;
    std::vector<std::vector<Copy>> groups{1};   // oldest first; the last is open
    void* fake_stack = nullptr;
};

using Execute = void (*)(void**);

struct Machine {
    Options options;
    Report report;
    std::vector<unsigned char> shared;
    std::vector<Thread> threads;
    std::vector<Meeting> warps;
    std::vector<Warpgroup> warpgroups;
    AsyncProxy proxy;
    ucontext_t scheduler{};
    void* scheduler_fake_stack = nullptr;
    const void* scheduler_stack = nullptr;
    std::size_t scheduler_stack_size = 0;
    std::function<void()> kernel;
    int current = 0;
    int grid[3] = {1, 1, 1};
    int block[3] = {0, 0, 0};
};

/// The machine whose kernel is running: the instructions below have no other way to it.
inline thread_local Machine* machine = nullptr;

inline Thread& here() { return machine->threads[static_cast<std::size_t>(machine->current)]; }
inline void fault(const std::string& what) {
    if (machine->report.error.empty()) {
        machine->report.error = what + " (thread " + std::to_string(machine->current) + ", block " +
                                std::to_string(machine->block[0]) + "," + std::to_string(machine->block[1]) +
                                "," + std::to_string(machine->block[2]) + ")";
    }
}

inline void to_scheduler(bool ending) {
    Thread& thread = here();
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(ending ? nullptr : &thread.fake_stack, machine->scheduler_stack,
                                   machine->scheduler_stack_size);
#endif
    static_cast<void>(ending);
    swapcontext(&thread.context, &machine->scheduler);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(thread.fake_stack, nullptr, nullptr);
#endif
}

inline void to_thread(int index) {
    machine->current = index;
    Thread& thread = here();
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&machine->scheduler_fake_stack, thread.stack.get(),
                                   machine->options.stack);
#endif
    swapcontext(&machine->scheduler, &thread.context);
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(machine->scheduler_fake_stack, nullptr, nullptr);
#endif
}

inline void thread_main() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(nullptr, &machine->scheduler_stack, &machine->scheduler_stack_size);
#endif
    machine->kernel();
    if (here().groups.size() > 1 || !here().groups[0].empty()) {
        for (const auto& group : here().groups) {
            if (!group.empty()) fault("copies were never waited for");
        }
    }
    const auto group = static_cast<std::size_t>(machine->current / (4 * warp_lanes));
    if (group < machine->warpgroups.size() && has_pending(machine->warpgroups[group])) {
        fault("multiplications were never waited for");
    }
    here().state = State::done;
    to_scheduler(true);
}

/// Lanes first .. first + lanes meet; the last one executes for all of them.
inline void meet_lanes(Meeting& meeting, int first, int lanes, void* payload, Execute execute) {
    Thread& thread = here();
    thread.payload = payload;
    if (meeting.arrived == 0) meeting.executing = execute;
    if (meeting.executing != execute) {
        fault("lanes of one warp are at different instructions");
        thread.state = State::at_warp;   // for good: what the lanes brought does not fit together
        to_scheduler(false);
    }
    if (++meeting.arrived < lanes) {
        thread.state = State::at_warp;
        to_scheduler(false);
        return;
    }
    void* payloads[4 * warp_lanes];
    Thread* all = machine->threads.data() + first;
    for (int lane = 0; lane < lanes; ++lane) payloads[lane] = all[lane].payload;
    meeting.arrived = 0;
    execute(payloads);
    for (int lane = 0; lane < lanes; ++lane) all[lane].state = State::ready;
}

inline void meet(void* payload, Execute execute) {
    const int warp = machine->current / warp_lanes;
    meet_lanes(machine->warps[static_cast<std::size_t>(warp)], warp * warp_lanes, warp_lanes, payload,
               execute);
}

inline void land(const std::vector<Copy>& group) {
    for (const Copy& copy : group) {
        unsigned char* target = machine->shared.data() + copy.offset;
        if (copy.valid) {
            std::memcpy(target, copy.source, chunk_bytes);
        } else {
            std::memset(target, 0, chunk_bytes);
        }
        note_write(machine->proxy, copy.offset, machine->current);
    }
}

inline bool inside(int offset, int bytes) {
    const bool good =
        offset >= 0 && offset + bytes <= static_cast<int>(machine->shared.size()) && offset % bytes == 0;
    if (!good) fault("shared address " + std::to_string(offset) + " is outside or not aligned");
    return good;
}

/// Runs the ready threads of a warp until none is ready. True if something ran.
inline bool run_warp(int warp) {
    bool ran = false;
    for (bool again = true; again;) {
        again = false;
        for (int lane = 0; lane < warp_lanes; ++lane) {
            const int index = warp * warp_lanes + lane;
            if (machine->threads[static_cast<std::size_t>(index)].state != State::ready) continue;
            to_thread(index);
            again = ran = true;
        }
    }
    return ran;
}

/// For when no thread can run: opens the barrier they wait at. False when all are done.
inline bool release_barrier() {
    const bool all = std::all_of(machine->threads.begin(), machine->threads.end(),
                                 [](const Thread& t) { return t.state == State::at_block; });
    const bool done = std::all_of(machine->threads.begin(), machine->threads.end(),
                                  [](const Thread& t) { return t.state == State::done; });
    if (done) return false;
    if (!all) fault("dead lock: some threads wait at a barrier or warp instruction that others never reach");
    if (all) note_barrier(machine->proxy);
    for (Thread& thread : machine->threads) {
        if (all) thread.state = State::ready;
    }
    return true;
}

/// A function of its own: getcontext returns twice, and nothing of its caller may be lost by it.
[[gnu::noinline]] inline void start_thread(Thread& thread) {
    thread.state = State::ready;
    thread.groups.assign(1, {});
    if (!thread.stack) thread.stack = std::make_unique_for_overwrite<char[]>(machine->options.stack);
    getcontext(&thread.context);
    thread.context.uc_stack.ss_sp = thread.stack.get();
    thread.context.uc_stack.ss_size = machine->options.stack;
    thread.context.uc_link = nullptr;
    makecontext(&thread.context, thread_main, 0);
}

inline void run_block() {
    std::fill(machine->shared.begin(), machine->shared.end(),
              static_cast<unsigned char>(0xFF));   // NaN if read
    const int threads = static_cast<int>(machine->threads.size());
    const int warps = threads / warp_lanes;
    machine->warps.assign(static_cast<std::size_t>(warps), {});
    machine->warpgroups.assign(static_cast<std::size_t>(warps / 4), {});
    reset(machine->proxy, static_cast<int>(machine->shared.size()), threads);
    for (Thread& thread : machine->threads) start_thread(thread);
    while (machine->report.error.empty()) {
        bool ran = false;
        for (int i = 0; i < warps; ++i) ran |= run_warp(machine->options.backward ? warps - 1 - i : i);
        if (!ran && !release_barrier()) return;
    }
}

}   // namespace detail

/// Runs kernel() for every thread of a grid of blocks, one block after the other.
inline Report run(int grid_x, int grid_y, int grid_z, int threads, int shared_bytes, const Options& options,
                  std::function<void()> kernel) {
    detail::Machine machine;
    machine.options = options;
    machine.kernel = std::move(kernel);
    machine.shared.resize(static_cast<std::size_t>(shared_bytes));
    machine.threads.resize(static_cast<std::size_t>(threads));
    machine.grid[0] = grid_x;
    machine.grid[1] = grid_y;
    machine.grid[2] = grid_z;
    detail::machine = &machine;
    for (int z = 0; z < grid_z; ++z) {
        for (int y = 0; y < grid_y; ++y) {
            for (int x = 0; x < grid_x && machine.report.error.empty(); ++x) {
                machine.block[0] = x;
                machine.block[1] = y;
                machine.block[2] = z;
                detail::run_block();
            }
        }
    }
    detail::machine = nullptr;
    return machine.report;
}

inline int thread_index() { return detail::machine->current; }
inline int thread_count() { return static_cast<int>(detail::machine->threads.size()); }
inline int block_x() { return detail::machine->block[0]; }
inline int block_y() { return detail::machine->block[1]; }
inline int block_z() { return detail::machine->block[2]; }
inline int grid_x() { return detail::machine->grid[0]; }
inline unsigned char* shared_bytes() { return detail::machine->shared.data(); }

inline int atomic_add(int* where, int what) {
    const int before = *where;
    *where += what;
    return before;
}

inline void sync_block() {
    detail::here().state = detail::State::at_block;
    detail::to_scheduler(false);
}

inline void sync_warp() {
    int nothing = 0;
    detail::meet(&nothing, [](void**) {});
}

struct Shuffle {
    std::uint32_t value;
    int distance;
    std::uint32_t result;
};

inline std::uint32_t shuffle_xor_bits(std::uint32_t value, int mask) {
    Shuffle call{value, mask, 0};
    detail::meet(&call, [](void** all) {
        for (int lane = 0; lane < warp_lanes; ++lane) {
            auto* mine = static_cast<Shuffle*>(all[lane]);
            mine->result = static_cast<Shuffle*>(all[lane ^ mine->distance])->value;
        }
    });
    return call.result;
}

inline int shuffle_up(int value, int delta) {
    Shuffle call{static_cast<std::uint32_t>(value), delta, 0};
    detail::meet(&call, [](void** all) {
        for (int lane = 0; lane < warp_lanes; ++lane) {
            auto* mine = static_cast<Shuffle*>(all[lane]);
            const int from = lane >= mine->distance ? lane - mine->distance : lane;
            mine->result = static_cast<Shuffle*>(all[from])->value;
        }
    });
    return static_cast<int>(call.result);
}

inline void copy_async(int offset, const void* source, bool valid) {
    if (!detail::inside(offset, chunk_bytes)) return;
    if (reinterpret_cast<std::uintptr_t>(source) % chunk_bytes != 0)
        detail::fault("cp.async from a misaligned address");
    if (detail::is_pending(detail::machine->proxy, offset))
        detail::fault("copy into what a pending multiplication reads");
    ++detail::machine->report.copies;
    const detail::Copy copy{offset, source, valid};
    if (detail::machine->options.late_copies) {
        detail::note_copy(detail::machine->proxy, offset);
    } else {
        detail::land({copy});
    }
    detail::here().groups.back().push_back(copy);
}
inline void commit_copies() { detail::here().groups.emplace_back(); }

template <int Pending>
void wait_copies() {
    auto& groups = detail::here().groups;
    while (groups.size() > static_cast<std::size_t>(Pending) + 1) {
        if (detail::machine->options.late_copies) detail::land(groups.front());
        groups.erase(groups.begin());
    }
}

struct MatrixLoad {
    std::uint32_t* r;
    int offset;
};

/// Row addresses of matrix j from lanes 8j..8j+7; counts the passes beyond one that eight rows need.
inline void count_conflicts(void** all, int matrix) {
    int offsets[8];
    int used[8] = {};
    int passes = 1;
    for (int row = 0; row < 8; ++row) {
        offsets[row] = static_cast<MatrixLoad*>(all[8 * matrix + row])->offset;
        bool same = false;
        for (int before = 0; before < row; ++before) same |= offsets[before] == offsets[row];
        if (!same) passes = std::max(passes, ++used[(offsets[row] / chunk_bytes) % 8]);
    }
    detail::machine->report.conflicts += passes - 1;
    ++detail::machine->report.matrix_loads;
}

template <bool Transposed>
void load_matrices_of_warp(void** all) {
    const unsigned char* shared = detail::machine->shared.data();
    for (int matrix = 0; matrix < 4; ++matrix) {
        count_conflicts(all, matrix);
        for (int lane = 0; lane < warp_lanes; ++lane) {
            auto row_at = [&](int row) {
                return shared + static_cast<MatrixLoad*>(all[8 * matrix + row])->offset;
            };
            std::uint16_t low = 0;
            std::uint16_t high = 0;
            if (Transposed) {
                std::memcpy(&low, row_at(2 * (lane % 4)) + 2 * (lane / 4), 2);
                std::memcpy(&high, row_at(2 * (lane % 4) + 1) + 2 * (lane / 4), 2);
            } else {
                std::memcpy(&low, row_at(lane / 4) + 4 * (lane % 4), 2);
                std::memcpy(&high, row_at(lane / 4) + 4 * (lane % 4) + 2, 2);
            }
            static_cast<MatrixLoad*>(all[lane])->r[matrix] = pack_halves(low, high);
        }
    }
}

inline void load_matrices(std::uint32_t (&r)[4], int offset) {
    if (!detail::inside(offset, chunk_bytes)) offset = 0;
    MatrixLoad call{r, offset};
    detail::meet(&call, load_matrices_of_warp<false>);
}
inline void load_matrices_transposed(std::uint32_t (&r)[4], int offset) {
    if (!detail::inside(offset, chunk_bytes)) offset = 0;
    MatrixLoad call{r, offset};
    detail::meet(&call, load_matrices_of_warp<true>);
}

struct Multiply {
    float* d;
    const std::uint32_t* a;
    std::uint32_t b[2];
};

inline float element16(const std::uint32_t* words, int i) {
    return from_bf16(static_cast<std::uint16_t>(words[i / 2] >> (16 * (i % 2))));
}
inline float element8(const std::uint32_t* words, int i) {
    return from_e4m3(static_cast<std::uint8_t>(words[i / 4] >> (8 * (i % 4))));
}

template <bool Bytes>
void multiply_of_warp(void** all) {
    constexpr int depth = Bytes ? 32 : 16;
    float a[16][depth];
    float b[depth][8];
    for (int lane = 0; lane < warp_lanes; ++lane) {
        const auto* call = static_cast<Multiply*>(all[lane]);
        for (int i = 0; i < depth / 2; ++i) {
            const Coordinate at = Bytes ? fragment_a8(lane, i) : fragment_a16(lane, i);
            a[at.row][at.col] = Bytes ? element8(call->a, i) : element16(call->a, i);
        }
        for (int i = 0; i < depth / 4; ++i) {
            const Coordinate at = Bytes ? fragment_b8(lane, i) : fragment_b16(lane, i);
            b[at.row][at.col] = Bytes ? element8(call->b, i) : element16(call->b, i);
        }
    }
    for (int lane = 0; lane < warp_lanes; ++lane) {
        for (int i = 0; i < 4; ++i) {
            const Coordinate at = fragment_c(lane, i);
            float sum = 0;
            for (int k = 0; k < depth; ++k) sum += a[at.row][k] * b[k][at.col];
            static_cast<Multiply*>(all[lane])->d[i] += sum;
        }
    }
    ++detail::machine->report.mma_calls;
}

inline void mma_bf16(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    Multiply call{d, a, {b0, b1}};
    detail::meet(&call, multiply_of_warp<false>);
}
inline void mma_e4m3(float (&d)[4], const std::uint32_t (&a)[4], std::uint32_t b0, std::uint32_t b1) {
    Multiply call{d, a, {b0, b1}};
    detail::meet(&call, multiply_of_warp<true>);
}

inline float exp2_fast(float x) { return std::exp2(x); }
inline float log2_fast(float x) { return std::log2(x); }
inline float reciprocal(float x) { return 1.0F / x; }
inline std::uint32_t pack_bf16(float low, float high) { return pack_halves(to_bf16(low), to_bf16(high)); }

inline std::uint16_t pack_e4m3(float low, float high) {
    return static_cast<std::uint16_t>(to_e4m3(low) | (to_e4m3(high) << 8));
}

inline std::uint32_t choose_bytes(std::uint32_t x, std::uint32_t y, std::uint32_t order) {
    const std::uint64_t bytes = (std::uint64_t{y} << 32) | x;
    std::uint32_t chosen = 0;
    for (int i = 0; i < 4; ++i) {
        chosen |= static_cast<std::uint32_t>((bytes >> (8 * ((order >> (4 * i)) & 7u))) & 0xFFu) << (8 * i);
    }
    return chosen;
}

inline std::uint32_t multiply_bf16(std::uint32_t x, std::uint32_t y) {
    const std::uint32_t words[2] = {x, y};
    return pack_bf16(element16(words, 0) * element16(words, 2), element16(words, 1) * element16(words, 3));
}

}   // namespace microbench::tensor::emulator
