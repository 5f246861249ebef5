// SPDX-License-Identifier: Apache-2.0
// A step listed for a model of the library, and sums over its operations.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "moecost/model/library.h"
#include "moecost/ops/step.h"

inline moecost::StepShape decode_shape(double sequences, double context) {
    moecost::StepShape s;
    s.decode_sequences = sequences;
    s.decode_context = context;
    return s;
}

inline moecost::StepShape prefill_shape(double tokens, double prompt, double prior = 0, double passes = 1) {
    moecost::StepShape s;
    s.prefill_tokens = tokens;
    s.prompt = prompt;
    s.prior = prior;
    s.passes = passes;
    return s;
}

/// Operations of one step, bf16 everywhere and uniform routing unless told otherwise.
inline std::vector<moecost::Operation> listed(const moecost::Architecture& model,
                                              const moecost::Layout& layout, const moecost::StepShape& shape,
                                              const moecost::Precision& precision = {}, double skew = 0) {
    moecost::OperationList operations;
    moecost::list_operations(model, precision, layout, skew, shape, operations);
    return {operations.begin(), operations.end()};
}

inline moecost::Architecture model_named(std::string_view name) {
    return moecost::load_model(moecost::DataStore(), name);
}

inline double weights_read(const std::vector<moecost::Operation>& operations) {
    double sum = 0;
    for (const moecost::Operation& op : operations) sum += moecost::work(op).weights.value() * op.count;
    return sum;
}

inline double flop_of(const std::vector<moecost::Operation>& operations) {
    double sum = 0;
    for (const moecost::Operation& op : operations) sum += moecost::work(op).flop.value() * op.count;
    return sum;
}

inline double flop_of(const std::vector<moecost::Operation>& operations, moecost::OpClass op_class) {
    double sum = 0;
    for (const moecost::Operation& op : operations) {
        if (op.op_class == op_class) sum += moecost::work(op).flop.value() * op.count;
    }
    return sum;
}

/// The only operation of that name; doctest reports a missing one as a thrown exception.
inline const moecost::Operation& named(const std::vector<moecost::Operation>& operations,
                                       std::string_view name) {
    for (const moecost::Operation& op : operations) {
        if (op.name == name) return op;
    }
    throw std::string("no operation is named ").append(name);
}

inline int count_named(const std::vector<moecost::Operation>& operations, std::string_view name) {
    int n = 0;
    for (const moecost::Operation& op : operations) n += op.name == name ? 1 : 0;
    return n;
}
