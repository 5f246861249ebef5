// SPDX-License-Identifier: Apache-2.0
// Dense GEMM: (N, K) of the linear layers of models as tensor parallelism cuts them.
#include <array>
#include <set>

#include "host/cases/cases.h"
#include "host/formulas.h"
#include "host/rotation.h"

namespace microbench {
namespace {

enum class Cut { output, input, none };   // the dimension that tensor parallelism divides

struct Layer {
    double n, k;
    Cut cut;
};

/// Sizes by the published configurations (config.json) of each model.
constexpr std::array layers{
    // Llama 3.1 70B: fused q, k, v; attention output; gate and up; down; vocabulary
    Layer{10240, 8192, Cut::output},
    Layer{8192, 8192, Cut::input},
    Layer{57344, 8192, Cut::output},
    Layer{8192, 28672, Cut::input},
    Layer{128256, 8192, Cut::output},
    // Mixtral 8x7B and 8x22B: q, k, v; attention output
    Layer{6144, 4096, Cut::output},
    Layer{4096, 4096, Cut::input},
    Layer{8192, 6144, Cut::output},
    Layer{6144, 6144, Cut::input},
    // Qwen3 235B-A22B and 30B-A3B: q, k, v; attention output; router; vocabulary
    Layer{9216, 4096, Cut::output},
    Layer{4096, 8192, Cut::input},
    Layer{5120, 2048, Cut::output},
    Layer{2048, 4096, Cut::input},
    Layer{128, 4096, Cut::none},
    Layer{151936, 4096, Cut::output},
    // DeepSeek-V3: query and cache down-projection; query up; cache up; attention output; shared expert; dense layer;
    // router; vocabulary
    Layer{2112, 7168, Cut::none},
    Layer{24576, 1536, Cut::output},
    Layer{32768, 512, Cut::output},
    Layer{7168, 16384, Cut::input},
    Layer{4096, 7168, Cut::output},
    Layer{7168, 2048, Cut::input},
    Layer{36864, 7168, Cut::output},
    Layer{7168, 18432, Cut::input},
    Layer{256, 7168, Cut::none},
    Layer{129280, 7168, Cut::output},
    // gpt-oss-120b: q, k, v; attention output
    Layer{5120, 2880, Cut::output},
    Layer{2880, 4096, Cut::input},
};

constexpr std::array rows{1.,   2.,   4.,   8.,   16.,   32.,   64.,   96.,   128.,
                          192., 256., 257., 512., 1024., 2048., 4096., 8192., 16384.};
constexpr std::array tuned_rows{1., 16., 128., 1024., 8192.};

struct Shape {
    double n, k;
    bool operator<(const Shape& other) const { return n != other.n ? n < other.n : k < other.k; }
};

/// Every distinct (N, K); a cut that is no multiple of 16 elements does not exist in practice either.
std::set<Shape> shapes() {
    std::set<Shape> all;
    for (const Layer& layer : layers) {
        for (const double tp : {1., 2., 4., 8.}) {
            Shape shape{layer.n, layer.k};
            if (layer.cut == Cut::output) shape.n /= tp;
            if (layer.cut == Cut::input) shape.k /= tp;
            if (static_cast<long long>(shape.n) % 16 == 0 && static_cast<long long>(shape.k) % 32 == 0)
                all.insert(shape);
        }
    }
    return all;
}

std::vector<std::string> dtypes(const Device& device) {
    std::vector<std::string> names{"bfloat16"};
    if (device.compute_capability >= 89) names.push_back("fp8");
    if (device.compute_capability >= 100) names.push_back("nvfp4");
    return names;
}

Case gemm_case(const char* table, const std::string& dtype, const Shape& s, double m, double l2_bytes) {
    Case c{.table = table, .kernel = "cublaslt", .dtype = dtype, .shape = {{"n", s.n}, {"k", s.k}, {"m", m}}};
    c.work = work("gemm", {m, s.n, s.k, bytes_of(dtype)});
    c.device_bytes = c.work.bytes * rotating_copies(c.work.bytes, l2_bytes, 512) + 64e6;
    return c;
}

}   // namespace

std::vector<Case> gemm_cases(const Device& device) {
    std::vector<Case> cases;
    for (const std::string& dtype : dtypes(device)) {
        for (const Shape& s : shapes()) {
            for (const double m : rows) {
                Case c = gemm_case("gemm", dtype, s, m, device.l2_bytes);
                cases.push_back(std::move(c));
            }
        }
        for (const Shape& s : shapes()) {
            for (const double m : tuned_rows)
                cases.push_back(gemm_case("gemm_tuned", dtype, s, m, device.l2_bytes));
        }
    }
    return cases;
}

}   // namespace microbench
