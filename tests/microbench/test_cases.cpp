// SPDX-License-Identifier: Apache-2.0
// The case lists of the whole suite.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "host/device_file.h"
#include "host/glob.h"
#include "host/registry.h"
#include "host/run.h"
#include "host/tables.h"
#include "moecost/base/format.h"

using namespace microbench;

namespace {

Device device_like(int capability, int count) {
    Device d = assumed_device();
    d.compute_capability = capability;
    d.count = count;
    return d;
}

/// Cases of a device, listed once and counted by any filter.
class Listing {
  public:
    explicit Listing(const Device& device) {
        for (const SelectedCase& s : select_cases(listed_benches(), device, {})) names_.push_back(s.c.name());
    }
    [[nodiscard]] std::ptrdiff_t count(const std::string& filter) const {
        return std::ranges::count_if(names_, [&](const std::string& name) { return selected(filter, name); });
    }

  private:
    std::vector<std::string> names_;
};

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
            CHECK(c.table.starts_with(s.bench.name));   // select_cases counts on it
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
    const Listing a100(device_like(80, 1));
    const Listing h100(device_like(90, 1));
    const Listing two(device_like(90, 2));
    CHECK(a100.count("gemm/*fp8*") == 0);
    CHECK(h100.count("gemm/*fp8*") > 0);
    CHECK(h100.count("gemm/*nvfp4*") == 0);
    CHECK(Listing(device_like(100, 1)).count("gemm/*nvfp4*") > 0);
    CHECK(a100.count("launch/*dependent*") == 0);
    CHECK(h100.count("launch/*dependent*") > 0);
    CHECK(h100.count("peer") + h100.count("nccl") + h100.count("allreduce") == 0);
    CHECK(two.count("allreduce/*gpus=2*") > 0);
    CHECK(two.count("allreduce/*gpus=4*") == 0);
    CHECK(h100.count("overlap/device_copy*") ==
          Listing(device_like(90, 8)).count("overlap/nccl_all_reduce*"));
}

TEST_CASE("layers of models at every tensor parallelism are there") {
    const Listing all(assumed_device());
    CHECK(all.count("gemm/cublaslt/bfloat16/n=1280/k=8192/m=1?") ==
          1);   // Llama 70B q, k, v at TP 8 (m = 16)
    CHECK(all.count("gemm/cublaslt/bfloat16/n=1281/k=8192/m=1?") == 0);
    CHECK(all.count("gemm/cublaslt/bfloat16/n=7168/k=2048/m=1638?") ==
          1);   // DeepSeek-V3 attention output at TP 8
    CHECK(all.count("gemm/cublaslt/fp8/n=2112/k=7168/m=1024*") == 1);   // its down-projections, never cut
}

TEST_CASE("a filter selects the cases whose names match, whatever bench lists them") {
    const Listing all(assumed_device());
    for (const std::string filter :
         {"gemm/*fp8/n=10*", "gemm_tuned", "gem?_tuned*", "g", "grouped_gemm/*rows=16*", "gemm_t*/m=1", "l?",
          "*/op=read/*", "attention", "moe/wgmma_grouped/bfloat16/hidden=4096*zipf*", "gemmx", "/"}) {
        CAPTURE(filter);
        CHECK(select_cases(listed_benches(), assumed_device(), filter).size() ==
              static_cast<std::size_t>(all.count(filter)));
    }
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
