// SPDX-License-Identifier: Apache-2.0
// Memory streams of 16-byte vectors. `sink` receives a checksum, so that no read is dropped by the compiler.
#pragma once

#include <cstdint>

#include "host/bench.h"

namespace microbench {

/// Sum of all 32-bit words (modulo 2^64), added to *sink, over `passes` passes of the same vectors.
void launch_read(const void* source, long long vectors, int passes, unsigned long long* sink, int blocks,
                 Stream stream);
void launch_copy(void* target, const void* source, long long vectors, int blocks, Stream stream);
/// Every 32-bit word becomes `value`.
void launch_write(void* target, std::uint32_t value, long long vectors, int blocks, Stream stream);

}   // namespace microbench
