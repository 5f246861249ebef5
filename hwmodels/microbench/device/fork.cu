// SPDX-License-Identifier: Apache-2.0
#include "device/fork.h"

namespace microbench {

void enable_peers(int count) {
    for (int from = 0; from < count; ++from) {
        const CurrentDevice current(from);
        for (int to = 0; to < count; ++to) {
            if (to == from) continue;
            int reachable = 0;
            check(cudaDeviceCanAccessPeer(&reachable, from, to), "peer access");
            if (reachable == 0) throw SkipCase{"two devices cannot reach each other's memory"};
            const cudaError_t status = cudaDeviceEnablePeerAccess(to, 0);
            if (status == cudaErrorPeerAccessAlreadyEnabled) {
                (void)cudaGetLastError();   // of an earlier case
            } else {
                check(status, "enable peer access");
            }
        }
    }
}

}   // namespace microbench
