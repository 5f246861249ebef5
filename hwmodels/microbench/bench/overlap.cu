// SPDX-License-Identifier: Apache-2.0
// A GEMM on device 0 beside communication: an all-reduce of all GPUs, or a copy inside memory where there is one GPU.
#include <algorithm>

#include "bench/benches.h"
#include "bench/gemm_operands.h"
#include "bench/rank_buffers.h"
#include "device/fork.h"
#include "device/nccl.h"
#include "host/shape.h"
#include "kernels/cuda.h"

namespace microbench {
namespace {

constexpr int gemm_copies = 8;   // of operands, in turn

struct Overlap {
    Overlap(int gpus, const Case& c)
        : branches(branch_devices(gpus)),
          gemm(static_cast<int>(dimension(c, "m")), static_cast<int>(dimension(c, "n")),
               static_cast<int>(dimension(c, "k")), "bfloat16"),
          data(static_cast<int>(dimension(c, "m")), static_cast<int>(dimension(c, "n")),
               static_cast<int>(dimension(c, "k")), "bfloat16", gemm_copies),
          bytes(static_cast<std::size_t>(dimension(c, "size"))),
          send(gpus, bytes),
          receive(gpus, bytes) {
        if (gpus > 1) nccl = std::make_unique<Nccl>(gpus);
        send.fill_bf16(bytes / 2);
    }
    /// Branch 0 runs the GEMM; the others, one for each device, communicate.
    static std::vector<int> branch_devices(int gpus) {
        std::vector<int> devices{0};
        for (int r = 0; r < gpus; ++r) devices.push_back(r);
        return devices;
    }
    void communicate() const {
        const std::vector<Stream> streams(branches.streams().begin() + 1, branches.streams().end());
        if (nccl) {
            nccl->all_reduce(send.all(), receive.all(), bytes / 2, NcclType::bfloat16, streams);
        } else {
            check(cudaMemcpyAsync(receive.at(0), send.at(0), bytes, cudaMemcpyDeviceToDevice, streams[0]),
                  "copy");
        }
    }
    Fork branches;
    LtGemm gemm;
    GemmData data;
    std::size_t bytes;
    RankBuffers send, receive;
    std::unique_ptr<Nccl> nccl;
};

double overlap_error(const Overlap& x, const std::string& part) {
    double worst = 0;
    if (part != "communication") worst = x.data.error();
    if (part == "gemm") return worst;
    if (x.nccl) return std::max(worst, x.receive.sum_error(0, x.send, x.bytes / 2));
    const std::size_t checked = std::min<std::size_t>(x.bytes, 4096);
    return x.receive.bytes(0, checked) == x.send.bytes(0, checked) ? worst : 2;
}

}   // namespace

Prepared prepare_overlap(const Case& c, const Device& device) {
    const std::string part = label(c, "part");
    const auto x = std::make_shared<Overlap>(std::min(device.count, 8), c);
    Prepared p;
    p.copies = gemm_copies;
    p.capture = false;
    p.launch = [x, part](Stream main, int copy) {
        x->branches.split(main);
        if (part != "gemm") x->communicate();
        if (part != "communication") x->gemm.run(x->data.operands(copy), x->branches.streams()[0]);
        x->branches.join(main);
    };
    p.error = [x, part, launch = p.launch] {
        run_once(launch);
        return overlap_error(*x, part);
    };
    p.reference = "float64 sums at random places, and the bytes that were sent";
    return p;
}

}   // namespace microbench
