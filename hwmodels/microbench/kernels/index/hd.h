// SPDX-License-Identifier: Apache-2.0
// MB_HD marks functions that run in kernels and in host tests alike: the index arithmetic of every kernel.
#pragma once

#ifdef __CUDACC__
#define MB_HD __host__ __device__
#else
#define MB_HD
#endif

namespace microbench {

[[nodiscard]] MB_HD constexpr long long ceil_div(long long a, long long b) { return (a + b - 1) / b; }

}   // namespace microbench
