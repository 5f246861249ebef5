// SPDX-License-Identifier: Apache-2.0
#include "kernels/gemm.h"

#include <cublasLt.h>

#include <array>

#include "device/resources.h"
#include "kernels/cuda.h"

namespace microbench {
namespace {

constexpr std::size_t workspace_bytes = 64u << 20;
constexpr int most_candidates = 16;

void ok(cublasStatus_t status, const char* what) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw CudaError(
        std::string("cuBLASLt ").append(what).append(": ").append(cublasLtGetStatusString(status)));
}

template <class T>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute, const T& value) {
    ok(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof value), "attribute");
}

cudaDataType_t data_type(std::string_view dtype) {
    if (dtype == "fp8") return CUDA_R_8F_E4M3;
    return dtype == "nvfp4" ? CUDA_R_4F_E2M1 : CUDA_R_16BF;
}

}   // namespace

struct LtGemm::Plan {
    cublasLtHandle_t handle = nullptr;
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t weights = nullptr, x = nullptr, y = nullptr;
    std::shared_ptr<std::byte> workspace = allocate(workspace_bytes);
    std::array<cublasLtMatmulHeuristicResult_t, most_candidates> choices{};
    int found = 0;
    int chosen = 0;
    bool block_scaled = false;

    Plan() = default;
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        for (const cublasLtMatrixLayout_t layout : {weights, x, y}) {
            if (layout != nullptr) (void)cublasLtMatrixLayoutDestroy(layout);
        }
        if (operation != nullptr) (void)cublasLtMatmulDescDestroy(operation);
        if (handle != nullptr) (void)cublasLtDestroy(handle);
    }

    void describe(int m, int n, int k, std::string_view dtype) {
        const cudaDataType_t type = data_type(dtype);
        ok(cublasLtCreate(&handle), "handle");
        ok(cublasLtMatmulDescCreate(&operation, CUBLAS_COMPUTE_32F, CUDA_R_32F), "operation");
        // cuBLASLt is column-major: row-major y is its n x m matrix W^T x, with W stored as k x n and x as k x m.
        set(operation, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
        set(operation, CUBLASLT_MATMUL_DESC_TRANSB, CUBLAS_OP_N);
        if (dtype == "fp8")
            set(operation, CUBLASLT_MATMUL_DESC_FAST_ACCUM, std::int8_t{1});   // as engines do
        block_scaled = dtype == "nvfp4";
        if (block_scaled) {
            const std::int32_t mode = CUBLASLT_MATMUL_MATRIX_SCALE_VEC16_UE4M3;
            set(operation, CUBLASLT_MATMUL_DESC_A_SCALE_MODE, mode);
            set(operation, CUBLASLT_MATMUL_DESC_B_SCALE_MODE, mode);
        }
        const auto rows = static_cast<std::uint64_t>(k);
        ok(cublasLtMatrixLayoutCreate(&weights, type, rows, static_cast<std::uint64_t>(n), k), "layout");
        ok(cublasLtMatrixLayoutCreate(&x, type, rows, static_cast<std::uint64_t>(m), k), "layout");
        ok(cublasLtMatrixLayoutCreate(&y, CUDA_R_16BF, static_cast<std::uint64_t>(n),
                                      static_cast<std::uint64_t>(m), n),
           "layout");
    }

    void ask(int candidates) {
        cublasLtMatmulPreference_t preference = nullptr;
        ok(cublasLtMatmulPreferenceCreate(&preference), "preference");
        const std::size_t bytes = workspace_bytes;
        (void)cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                                   &bytes, sizeof bytes);
        const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
            handle, operation, weights, x, y, y, preference, candidates, choices.data(), &found);
        (void)cublasLtMatmulPreferenceDestroy(preference);
        if (status == CUBLAS_STATUS_NOT_SUPPORTED || (status == CUBLAS_STATUS_SUCCESS && found == 0)) {
            throw SkipCase{"cuBLASLt has no algorithm for this shape and type"};
        }
        ok(status, "heuristic");
    }

    void run(const GemmOperands& o, int choice, Stream stream) const {
        if (block_scaled) {
            set(operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, o.weight_scales);
            set(operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, o.x_scales);
        }
        const float one = 1;
        const float zero = 0;
        ok(cublasLtMatmul(handle, operation, &one, o.weights, weights, o.x, x, &zero, o.y, y, o.y, y,
                          &choices[static_cast<std::size_t>(choice)].algo, workspace.get(), workspace_bytes,
                          stream),
           "matmul");
    }
};

LtGemm::LtGemm(int m, int n, int k, std::string_view dtype) : plan_(std::make_shared<Plan>()) {
    plan_->describe(m, n, k, dtype);
    // Block-scaled heuristics want to see pointers: any aligned ones do until run() sets those of the operands.
    if (plan_->block_scaled) {
        const void* any = plan_->workspace.get();
        set(plan_->operation, CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, any);
        set(plan_->operation, CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, any);
    }
    plan_->ask(1);
}

void LtGemm::tune(const GemmOperands& operands, int candidates) {
    plan_->ask(candidates < most_candidates ? candidates : most_candidates);
    const OwnedStream stream = make_stream();
    const OwnedEvent start = make_event();
    const OwnedEvent stop = make_event();
    constexpr int repeats = 5;
    float best = 1e30f;
    for (int choice = 0; choice < plan_->found; ++choice) {
        plan_->run(operands, choice, stream.get());
        check(cudaEventRecord(start.get(), stream.get()), "record an event");
        for (int i = 0; i < repeats; ++i) plan_->run(operands, choice, stream.get());
        check(cudaEventRecord(stop.get(), stream.get()), "record an event");
        wait(stream.get());
        float ms = 0;
        check(cudaEventElapsedTime(&ms, start.get(), stop.get()), "time between events");
        if (ms < best) {
            best = ms;
            plan_->chosen = choice;
        }
    }
}

void LtGemm::run(const GemmOperands& operands, Stream stream) const {
    plan_->run(operands, plan_->chosen, stream);
}

}   // namespace microbench
