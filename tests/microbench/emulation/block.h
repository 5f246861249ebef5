// SPDX-License-Identifier: Apache-2.0
// A block of threads in the emulator: what its threads wait for and what they share.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "emulation/async_proxy.h"
#include "emulation/emulator.h"
#include "emulation/fibre.h"
#include "kernels/tensor/fragment_index.h"

namespace microbench::tensor::emulator {
namespace detail {

/// One cp.async of 16 bytes.
struct Copy {
    int offset;
    const void* source;
    bool valid;
};

enum class State { ready, at_warp, at_block, done };

struct Thread {
    Fibre fibre;
    State state = State::ready;
    void* payload = nullptr;
    std::vector<Copy> copies;             // not waited for, oldest first
    std::vector<std::size_t> groups{0};   // copies in each group; the last is open
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
    Fibre scheduler;
    Fibre* before = nullptr;   // the one that the running fibre was switched to from
    std::function<void()> kernel;
    int current = 0;
    int grid[3] = {1, 1, 1};
    int block[3] = {0, 0, 0};
};

/// The machine whose kernel is running: the instructions have no other way to it.
inline constinit thread_local Machine* machine = nullptr;

inline Thread& here() { return machine->threads[static_cast<std::size_t>(machine->current)]; }

/// Keeps the first thing found wrong, with the thread and block.
void fault(const std::string& what);

/// Stops the current thread in this state until something makes it ready.
void wait_as(State state);

/// Lanes first .. first + lanes meet; the last one executes for all of them.
void meet_lanes(Meeting& meeting, int first, int lanes, void* payload, Execute execute);

/// The lanes of the current warp meet.
void meet(void* payload, Execute execute);

/// Whether `bytes` at `offset` are aligned and inside shared memory; a fault where not.
bool inside(int offset, int bytes);

void land(const Copy& copy);

}   // namespace detail

inline int thread_index() { return detail::machine->current; }
inline int thread_count() { return static_cast<int>(detail::machine->threads.size()); }
inline int block_x() { return detail::machine->block[0]; }
inline int block_y() { return detail::machine->block[1]; }
inline int block_z() { return detail::machine->block[2]; }
inline int grid_x() { return detail::machine->grid[0]; }
inline unsigned char* shared_bytes() { return detail::machine->shared.data(); }
inline void sync_block() { detail::wait_as(detail::State::at_block); }

}   // namespace microbench::tensor::emulator
