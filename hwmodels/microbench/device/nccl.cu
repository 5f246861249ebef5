// SPDX-License-Identifier: Apache-2.0
#include "device/nccl.h"

#include <numeric>

#include "device/dynamic.h"
#include "kernels/cuda.h"

namespace microbench {

// The few functions used, declared here so that the program builds without nccl.h. Names, types and values as in the
// NCCL API reference (ncclResult_t 0 is success, ncclSum 0, ncclFloat16 6, ncclBfloat16 9).
struct Nccl::Library {
    std::shared_ptr<void> handle;
    int (*version)(int*) = nullptr;
    int (*init_all)(void**, int, const int*) = nullptr;
    int (*destroy)(void*) = nullptr;
    const char* (*error_text)(int) = nullptr;
    int (*group_start)() = nullptr;
    int (*group_end)() = nullptr;
    int (*all_reduce)(const void*, void*, std::size_t, int, int, void*, cudaStream_t) = nullptr;
    int (*all_gather)(const void*, void*, std::size_t, int, void*, cudaStream_t) = nullptr;
    int (*reduce_scatter)(const void*, void*, std::size_t, int, int, void*, cudaStream_t) = nullptr;
    int (*send)(const void*, std::size_t, int, int, void*, cudaStream_t) = nullptr;
    int (*receive)(void*, std::size_t, int, int, void*, cudaStream_t) = nullptr;

    /// SkipCase where there is no NCCL.
    static std::shared_ptr<const Library> load();
    void ok(int result, const char* what) const {
        if (result != 0)
            throw CudaError(std::string("NCCL ").append(what).append(": ").append(error_text(result)));
    }
};

std::shared_ptr<const Nccl::Library> Nccl::Library::load() {
    auto l = std::make_shared<Library>();
    l->handle = open_library({"libnccl.so.2", "libnccl.so"});
    if (!l->handle) throw SkipCase{"libnccl.so.2 was not found"};
    void* h = l->handle.get();
    load_function(h, "ncclGetVersion", l->version);
    load_function(h, "ncclCommInitAll", l->init_all);
    load_function(h, "ncclCommDestroy", l->destroy);
    load_function(h, "ncclGetErrorString", l->error_text);
    load_function(h, "ncclGroupStart", l->group_start);
    load_function(h, "ncclGroupEnd", l->group_end);
    load_function(h, "ncclAllReduce", l->all_reduce);
    load_function(h, "ncclAllGather", l->all_gather);
    load_function(h, "ncclReduceScatter", l->reduce_scatter);
    load_function(h, "ncclSend", l->send);
    load_function(h, "ncclRecv", l->receive);
    return l;
}

namespace {

constexpr int sum = 0;

}   // namespace

std::string nccl_version() {
    const std::shared_ptr<void> library = open_library({"libnccl.so.2", "libnccl.so"});
    if (!library) return "not found";
    int (*version)(int*) = nullptr;
    int v = 0;
    load_function(library.get(), "ncclGetVersion", version);
    if (version(&v) != 0) return "unknown";
    std::string text = std::to_string(v / 10000);   // 22902 is 2.29.2
    return text.append(".")
        .append(std::to_string(v % 10000 / 100))
        .append(".")
        .append(std::to_string(v % 100));
}

Nccl::Nccl(int ranks) : library_(Library::load()) {
    std::vector<int> devices(static_cast<std::size_t>(ranks));
    std::iota(devices.begin(), devices.end(), 0);
    std::vector<void*> comms(devices.size());
    library_->ok(library_->init_all(comms.data(), ranks, devices.data()), "communicators");
    for (void* comm : comms) {
        comms_.emplace_back(comm, [library = library_](void* c) { (void)library->destroy(c); });
    }
}

void Nccl::all_reduce(const std::vector<void*>& send, const std::vector<void*>& receive, std::size_t count,
                      NcclType type, const std::vector<Stream>& streams) const {
    library_->ok(library_->group_start(), "group");
    for (std::size_t r = 0; r < comms_.size(); ++r) {
        library_->ok(library_->all_reduce(send[r], receive[r], count, static_cast<int>(type), sum,
                                          comms_[r].get(), streams[r]),
                     "all-reduce");
    }
    library_->ok(library_->group_end(), "group");
}

void Nccl::all_gather(const std::vector<void*>& send, const std::vector<void*>& receive, std::size_t count,
                      NcclType type, const std::vector<Stream>& streams) const {
    library_->ok(library_->group_start(), "group");
    for (std::size_t r = 0; r < comms_.size(); ++r) {
        library_->ok(library_->all_gather(send[r], receive[r], count, static_cast<int>(type), comms_[r].get(),
                                          streams[r]),
                     "all-gather");
    }
    library_->ok(library_->group_end(), "group");
}

void Nccl::reduce_scatter(const std::vector<void*>& send, const std::vector<void*>& receive,
                          std::size_t count, NcclType type, const std::vector<Stream>& streams) const {
    library_->ok(library_->group_start(), "group");
    for (std::size_t r = 0; r < comms_.size(); ++r) {
        library_->ok(library_->reduce_scatter(send[r], receive[r], count, static_cast<int>(type), sum,
                                              comms_[r].get(), streams[r]),
                     "reduce-scatter");
    }
    library_->ok(library_->group_end(), "group");
}

void Nccl::all_to_all(const std::vector<void*>& send, const std::vector<void*>& receive, const Exchange& x,
                      NcclType type, std::size_t element_bytes, const std::vector<Stream>& streams) const {
    library_->ok(library_->group_start(), "group");
    for (std::size_t from = 0; from < comms_.size(); ++from) {
        for (std::size_t to = 0; to < comms_.size(); ++to) {
            const std::size_t count = x.counts[from][to];
            if (count == 0) continue;
            const char* source = static_cast<const char*>(send[from]) + x.offset[from][to] * element_bytes;
            char* target = static_cast<char*>(receive[to]) + x.landing[to][from] * element_bytes;
            library_->ok(library_->send(source, count, static_cast<int>(type), static_cast<int>(to),
                                        comms_[from].get(), streams[from]),
                         "send");
            library_->ok(library_->receive(target, count, static_cast<int>(type), static_cast<int>(from),
                                           comms_[to].get(), streams[to]),
                         "receive");
        }
    }
    library_->ok(library_->group_end(), "group");
}

}   // namespace microbench
