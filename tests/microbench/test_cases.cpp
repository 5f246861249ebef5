// SPDX-License-Identifier: Apache-2.0
// The case lists of the whole suite.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "moecost/base/format.h"
#include "host/device_file.h"
#include "host/registry.h"
#include "host/run.h"
#include "host/tables.h"

using namespace microbench;

namespace {

Device device_like(int capability, int count) {
    Device d = assumed_device();
    d.compute_capability = capability;
    d.count = count;
    return d;
}

}   // namespace

TEST_CASE("names are unique, tables are rectangular, memory and work make sense") {
    for (const auto& [capability, count] : {std::pair{80, 1}, {90, 8}, {100, 8}, {120, 1}}) {
        std::set<std::string> names;
        std::map<std::string, std::string> headers;
        std::map<std::string, std::set<std::string>> keys;
        for (const SelectedCase& s : select_cases(listed_benches(), device_like(capability, count), {})) {
            const Case& c = s.c;
            CAPTURE(c.name());
            CHECK(names.insert(c.name()).second);
            CHECK(keys[c.table].insert(key_of(c)).second);
            const auto header = headers.emplace(c.table, header_of(c)).first;
            CHECK(header->second == header_of(c));
            CHECK(c.device_bytes >= 0);
            CHECK(c.operations >= 1);
            CHECK(c.work.bytes >= 0);
            if (c.table == "gemm") CHECK(c.work.flop > 0);
        }
        CHECK(names.size() > 1000);
    }
}

TEST_CASE("what a device cannot do is not listed") {
    const auto count = [](int capability, int devices, const char* filter) {
        return select_cases(listed_benches(), device_like(capability, devices), filter).size();
    };
    CHECK(count(80, 1, "gemm/*fp8*") == 0);
    CHECK(count(90, 1, "gemm/*fp8*") > 0);
    CHECK(count(90, 1, "gemm/*nvfp4*") == 0);
    CHECK(count(100, 1, "gemm/*nvfp4*") > 0);
    CHECK(count(80, 1, "launch/*dependent*") == 0);
    CHECK(count(90, 1, "launch/*dependent*") > 0);
    CHECK(count(90, 1, "peer") + count(90, 1, "nccl") + count(90, 1, "allreduce") == 0);
    CHECK(count(90, 2, "allreduce/*gpus=2*") > 0);
    CHECK(count(90, 2, "allreduce/*gpus=4*") == 0);
    CHECK(count(90, 1, "overlap/device_copy*") == count(90, 8, "overlap/nccl_all_reduce*"));
}

TEST_CASE("layers of models at every tensor parallelism are there") {
    const auto has = [](const char* name) {
        return select_cases(listed_benches(), assumed_device(), name).size() == 1;
    };
    CHECK(has("gemm/cublaslt/bfloat16/n=1280/k=8192/m=1?"));   // Llama 70B q, k, v at TP 8 (m = 16)
    CHECK_FALSE(has("gemm/cublaslt/bfloat16/n=1281/k=8192/m=1?"));
    CHECK(has("gemm/cublaslt/bfloat16/n=7168/k=2048/m=1638?"));   // DeepSeek-V3 attention output at TP 8
    CHECK(has("gemm/cublaslt/fp8/n=2112/k=7168/m=1024*"));        // its down-projections, never cut
}

TEST_CASE("devices have the names of the published tables") {
    CHECK(gpu_id("NVIDIA H100 80GB HBM3") == "h100-sxm");
    CHECK(gpu_id("NVIDIA H100 PCIe") == "h100-pcie");
    CHECK(gpu_id("NVIDIA H200") == "h200-sxm");
    CHECK(gpu_id("NVIDIA GH200 480GB") == "gh200-96");
    CHECK(gpu_id("NVIDIA A100-SXM4-80GB") == "a100-80gb-sxm");
    CHECK(gpu_id("NVIDIA B200") == "b200-sxm");
    CHECK(gpu_id("NVIDIA GB200") == "gb200");
    CHECK(gpu_id("NVIDIA L4") == "l4");
    CHECK(gpu_id("NVIDIA L40S") == "l40s");
    CHECK(gpu_id("NVIDIA RTX PRO 6000 Blackwell Server Edition") == "rtx-pro-6000");
    CHECK(gpu_id("Some  New GPU!") == "some-new-gpu");
}
