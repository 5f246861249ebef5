// SPDX-License-Identifier: Apache-2.0
// Multiplications that a warpgroup (four warps) issues together and that run asynchronously: wgmma.mma_async of compute
// capability 9.0 with float sums; operands in shared memory have rows of 128 bytes and the swizzle of 128 bytes. The
// machine (see simt.h) supplies them: PTX for sm_90a, a trap for other architectures.
//
// Order of calls: wait_copies, fence_async_proxy, sync_block; warpgroup_fence, multiply_warpgroup ..., commit_multiplies,
// wait_multiplies before the operands are overwritten or the sums (or registers of A) are touched.
// Sums of a thread, both types (PTX ISA 9.x, "Matrix Fragments for wgmma.mma_async.m64nNk16" and "... k32", matrix D):
//   acc[j][2 half + i]: row 16 warp + lane / 4 + 8 half, column 8 j + 2 (lane % 4) + i
// A in registers (k16): of each warp's 16 rows the fragment of mma.m16n8k16.
#pragma once

#include "kernels/tensor/simt.h"
#include "kernels/tensor/warpgroup_layout.h"
#include "machine/warpgroup.h"
