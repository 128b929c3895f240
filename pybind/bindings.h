// The extension module _np2p: thin translations between Python and the C++ of the worlds. It holds no logic of its own;
// what reads like an API to people is written in Python (pybind/np2p). One bind_ function per source file.
#pragma once

#include <pybind11/pybind11.h>

#include <memory>
#include <string_view>
#include <utility>

#include "core/base/result.h"
#include "core/event/event.h"

namespace np2p::py_bind {

// A signed event as scenarios handle it. Compares and hashes by id alone.
class Note {
 public:
  explicit Note(Event event) : event_(std::make_shared<const Event>(std::move(event))) {}
  [[nodiscard]] const Event& event() const noexcept { return *event_; }

 private:
  std::shared_ptr<const Event> event_;
};

// Bytes of 64 hex digits; ValueError naming the argument otherwise.
template <class Fixed>
Fixed parse_hex(const char* argument, std::string_view text) {
  const auto value = Fixed::parse_hex(text);
  if (!value) {
    throw pybind11::value_error(std::string(argument) + " must be " + std::to_string(2 * Fixed::size) + " hex digits");
  }
  return *value;
}

void bind_keys(pybind11::module_& module);
void bind_world(pybind11::module_& module);

}  // namespace np2p::py_bind
