// SPDX-License-Identifier: Apache-2.0
// The machine of kernels/tensor/simt.h on a CPU: the emulator's instructions under the names the kernels use.
#pragma once

#include "emulation/warp.h"

#define MB_DEV inline
#define MB_UNROLL
#define MB_LOOP
#define MB_UNROLL_BY(count)

namespace microbench::tensor {

using emulator::atomic_add;
using emulator::block_x;
using emulator::block_y;
using emulator::block_z;
using emulator::choose_bytes;
using emulator::commit_copies;
using emulator::copy_async;
using emulator::exp2_fast;
using emulator::grid_x;
using emulator::load_matrices;
using emulator::load_matrices_transposed;
using emulator::log2_fast;
using emulator::mma_bf16;
using emulator::mma_e4m3;
using emulator::multiply_bf16;
using emulator::pack_bf16;
using emulator::pack_e4m3;
using emulator::reciprocal;
using emulator::shared_bytes;
using emulator::shuffle_up;
using emulator::shuffle_xor_bits;
using emulator::sync_block;
using emulator::sync_warp;
using emulator::thread_count;
using emulator::thread_index;
using emulator::wait_copies;
using emulator::Words;

}   // namespace microbench::tensor
