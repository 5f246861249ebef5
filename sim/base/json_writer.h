// SPDX-License-Identifier: Apache-2.0
// Writes one JSON document, keys in the order of the calls, numbers in shortest round-trip form.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace moecost {

/// An empty name writes an element of the open array (or the root). Not-a-number and infinity become null.
class JsonWriter {
  public:
    JsonWriter();
    ~JsonWriter();
    JsonWriter(const JsonWriter&) = delete;
    JsonWriter& operator=(const JsonWriter&) = delete;

    void begin_object(std::string_view name = {});
    void end_object();
    void begin_array(std::string_view name = {});
    void end_array();
    void number(std::string_view name, double value);
    void text(std::string_view name, std::string_view value);
    void flag(std::string_view name, bool value);
    void null(std::string_view name);
    /// The document so far, with a final newline.
    [[nodiscard]] std::string str() const;

  private:
    void key(std::string_view name);
    struct State;
    std::unique_ptr<State> state_;
};

}   // namespace moecost
