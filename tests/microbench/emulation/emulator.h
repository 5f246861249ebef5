// SPDX-License-Identifier: Apache-2.0
// Runs the text of a kernel on the CPU, thread by thread: every thread of a block is a fibre; warp instructions wait
// for their 32 lanes, barriers for the block. What it finds without a GPU: wrong fragments, missing barriers and waits
// (two schedules of warps, asynchronous copies landing at once or as late as allowed), misaligned and outside shared
// addresses, bank conflicts of ldmatrix, divergence around warp instructions.
#pragma once

#include <cstddef>
#include <functional>
#include <string>

namespace microbench::tensor::emulator {

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

/// Runs kernel() for every thread of a grid of blocks, one block after the other.
Report run(int grid_x, int grid_y, int grid_z, int threads, int shared_bytes, const Options& options,
           std::function<void()> kernel);

}   // namespace microbench::tensor::emulator
