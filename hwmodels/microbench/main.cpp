// SPDX-License-Identifier: Apache-2.0
#include "bench/benches.h"
int main() { return microbench::benches().empty() ? 1 : 0; }
