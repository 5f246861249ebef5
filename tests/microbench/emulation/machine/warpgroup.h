// SPDX-License-Identifier: Apache-2.0
// The machine of kernels/tensor/warpgroup.h on a CPU.
#pragma once

#include "emulation/warpgroup.h"
#include "machine/simt.h"

namespace microbench::tensor {

using emulator::commit_multiplies;
using emulator::fence_async_proxy;
using emulator::multiply_registers;
using emulator::multiply_warpgroup;
using emulator::shared_address;
using emulator::wait_multiplies;
using emulator::warpgroup_fence;
inline int warpgroup_index() { return thread_index() / warpgroup_lanes; }
template <int Groups>
void hold(float (&)[Groups][4]) {}

}   // namespace microbench::tensor
