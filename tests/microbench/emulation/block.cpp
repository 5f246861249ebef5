// SPDX-License-Identifier: Apache-2.0
#include "emulation/block.h"

#include <algorithm>
#include <cstring>

namespace microbench::tensor::emulator {
namespace detail {
namespace {

/// The next ready lane of the warp of the current thread, in circles; the current thread itself where there is none.
int next_of_warp() {
    const int first = machine->current / warp_lanes * warp_lanes;
    for (int step = 1; step < warp_lanes; ++step) {
        const int index = first + (machine->current + step) % warp_lanes;
        if (machine->threads[static_cast<std::size_t>(index)].state == State::ready) return index;
    }
    return machine->current;
}

/// The fibre that runs after the current one: a lane of the same warp, else the scheduler.
Fibre& take_next() {
    machine->before = &here().fibre;
    const int next = next_of_warp();
    if (next == machine->current) return machine->scheduler;
    machine->current = next;
    return here().fibre;
}

/// The kernel has ended in the current thread: nothing may be under way.
void check_finished() {
    if (!here().copies.empty()) fault("copies were never waited for");
    const auto group = static_cast<std::size_t>(machine->current / (4 * warp_lanes));
    if (group < machine->warpgroups.size() && has_pending(machine->warpgroups[group])) {
        fault("multiplications were never waited for");
    }
}

void thread_main() {
    arrive(*machine->before);
    machine->kernel();
    check_finished();
    here().state = State::done;
    leave(take_next());
}

/// Runs the ready threads of a warp until none is ready. True if something ran.
bool run_warp(int warp) {
    const auto lanes = machine->threads.begin() + warp * warp_lanes;
    const auto ready =
        std::find_if(lanes, lanes + warp_lanes, [](const Thread& t) { return t.state == State::ready; });
    if (ready == lanes + warp_lanes) return false;
    machine->current = static_cast<int>(ready - machine->threads.begin());
    machine->before = &machine->scheduler;
    switch_fibres(machine->scheduler, ready->fibre);
    return true;
}

/// For when no thread can run: opens the barrier they wait at. False when all are done.
bool release_barrier() {
    const auto all_are = [](State state) {
        return std::all_of(machine->threads.begin(), machine->threads.end(),
                           [state](const Thread& t) { return t.state == state; });
    };
    if (all_are(State::done)) return false;
    if (!all_are(State::at_block)) {
        fault("dead lock: some threads wait at a barrier or warp instruction that others never reach");
        return true;
    }
    note_barrier(machine->proxy);
    for (Thread& thread : machine->threads) thread.state = State::ready;
    return true;
}

void start_thread(Thread& thread) {
    thread.state = State::ready;
    thread.copies.clear();
    thread.groups.assign(1, 0);
    prepare(thread.fibre, machine->options.stack, thread_main);
}

void run_block() {
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

}   // namespace

void fault(const std::string& what) {
    if (machine->report.error.empty()) {
        machine->report.error = what + " (thread " + std::to_string(machine->current) + ", block " +
                                std::to_string(machine->block[0]) + "," + std::to_string(machine->block[1]) +
                                "," + std::to_string(machine->block[2]) + ")";
    }
}

void wait_as(State state) {
    Thread& thread = here();
    thread.state = state;
    switch_fibres(thread.fibre, take_next());
}

void meet_lanes(Meeting& meeting, int first, int lanes, void* payload, Execute execute) {
    here().payload = payload;
    if (meeting.arrived == 0) meeting.executing = execute;
    if (meeting.executing != execute) {
        fault("lanes of one warp are at different instructions");
        wait_as(State::at_warp);   // for good: what the lanes brought does not fit together
    }
    if (++meeting.arrived < lanes) return wait_as(State::at_warp);
    void* payloads[4 * warp_lanes];
    Thread* all = machine->threads.data() + first;
    for (int lane = 0; lane < lanes; ++lane) payloads[lane] = all[lane].payload;
    meeting.arrived = 0;
    execute(payloads);
    for (int lane = 0; lane < lanes; ++lane) all[lane].state = State::ready;
}

void meet(void* payload, Execute execute) {
    const int warp = machine->current / warp_lanes;
    meet_lanes(machine->warps[static_cast<std::size_t>(warp)], warp * warp_lanes, warp_lanes, payload,
               execute);
}

void land(const Copy& copy) {
    unsigned char* target = machine->shared.data() + copy.offset;
    if (copy.valid) {
        std::memcpy(target, copy.source, chunk_bytes);
    } else {
        std::memset(target, 0, chunk_bytes);
    }
    note_write(machine->proxy, copy.offset, machine->current);
}

bool inside(int offset, int bytes) {
    const bool good =
        offset >= 0 && offset + bytes <= static_cast<int>(machine->shared.size()) && offset % bytes == 0;
    if (!good) fault("shared address " + std::to_string(offset) + " is outside or not aligned");
    return good;
}

}   // namespace detail

Report run(int grid_x, int grid_y, int grid_z, int threads, int shared_bytes, const Options& options,
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

}   // namespace microbench::tensor::emulator
