// SPDX-License-Identifier: Apache-2.0
// Columns and rows of the output tables.
#include <doctest/doctest.h>

#include "host/tables.h"

using namespace microbench;

namespace {

Case gemm_case() {
    Case c;
    c.table = "gemm";
    c.kernel = "cublaslt";
    c.dtype = "fp8";
    c.shape = {{"n", 4096}, {"k", 7168}, {"m", 1000000}};
    c.work = {2e12, 1e6};
    return c;
}

Measurement measured() {
    Measurement m;
    m.summary = {30, 12.345678, 12.3, 12.5, 0.004, 1755, 0};
    m.error = 0.25;
    m.code = "L";
    return m;
}

}   // namespace

TEST_CASE("a table of a published kind begins with its columns") {
    CHECK(header_of(gemm_case()) ==
          "gpu,engine,engine_version,dtype,kernel,n,k,m,latency_us,suspect,code,p10_us,p90_us,samples,sm_mhz,"
          "power_w,flop,bytes,error");
}

TEST_CASE("a row has its numbers in microseconds and without exponent") {
    Context context;
    context.gpu = "h100-sxm";
    context.engine_version = "0.1.0";
    CHECK(row_of(gemm_case(), context, measured()) ==
          "h100-sxm,microbench,0.1.0,fp8,cublaslt,4096,7168,1000000,12.346,0,L,12.300,12.500,30,1755,,"
          "2000000000000,1000000,0.250");
}

TEST_CASE("labels, distribution and shape find their columns; what does not apply is empty") {
    Case c;
    c.table = "mla_decode";
    c.kernel = "mma";
    c.dtype = "bfloat16";
    c.labels = {{"kv_dtype", "fp8"}, {"scope", "kernel"}};
    c.shape = {{"heads", 16}, {"batch", 8}, {"context", 4096}};
    CHECK(row_of(c, {}, measured()).starts_with(",microbench,,kernel,,bfloat16,fp8,,mma,16,8,4096,12.346,"));
    CHECK(c.name() == "mla_decode/mma/bfloat16/kv_dtype=fp8/scope=kernel/heads=16/batch=8/context=4096");
}

TEST_CASE("a table of our own has the columns of its cases") {
    Case c;
    c.table = "overlap";
    c.kernel = "device_copy";
    c.labels = {{"part", "both"}};
    c.shape = {{"m", 256}};
    CHECK(header_of(c).starts_with("gpu,engine,engine_version,dtype,kernel,part,m,latency_us,"));
    c.distribution = "zipf_1.2";
    CHECK(identity_columns(c) == std::vector<std::string>{"gpu", "engine", "engine_version", "dtype",
                                                          "kernel", "part", "distribution", "m"});
    CHECK(c.name() == "overlap/device_copy/part=both/m=256/zipf_1.2");
}

TEST_CASE("a table of collectives has one column bytes") {
    Case c;
    c.table = "nccl";
    c.labels = {{"op", "alltoall"}};
    c.shape = {{"gpus", 8}, {"elements", 256}, {"bytes", 512}};
    const std::string header = header_of(c);
    CHECK(header.starts_with("gpu,nccl_version,op,dtype,gpus,elements,bytes,latency_us,suspect,code,"));
    CHECK(header.find("bytes", header.find("bytes") + 1) == std::string::npos);
}

TEST_CASE("the key of a case is that of its row, whichever machine wrote it") {
    const Case c = gemm_case();
    CHECK(key_of(c) == "fp8,cublaslt,4096,7168,1000000");
    CHECK(key_of_row(identity_columns(c),
                     {"b200-sxm", "x", "9", "fp8", "cublaslt", "4096", "7168", "1000000"}) == key_of(c));
}
