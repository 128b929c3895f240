// The extension module _np2p: thin translations between Python and the C++ of the worlds. It holds no logic of its own;
// what reads like an API to people is written in Python (pybind/np2p). One bind_ function per source file.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/event/event.h"
#include "core/event/filter.h"

namespace np2p::py_bind {

// A signed event as scenarios handle it. Compares and hashes by id alone.
class Note {
 public:
  explicit Note(Event event) : event_(std::make_shared<const Event>(std::move(event))) {}
  // Shares the event of a node's store.
  explicit Note(const EventPtr& event) : event_(std::make_shared<EventPtr>(event), &event.get()) {}
  [[nodiscard]] const Event& event() const noexcept { return *event_; }

 private:
  std::shared_ptr<const Event> event_;
};

// Bytes of hex digits; ValueError naming the argument otherwise.
template <class Fixed>
Fixed parse_hex(const char* argument, std::string_view text) {
  const auto value = Fixed::parse_hex(text);
  if (!value) {
    throw pybind11::value_error(std::string(argument) + " must be " + std::to_string(2 * Fixed::size) + " hex digits");
  }
  return *value;
}

// Seconds as Python counts them, to integer nanoseconds (to the nearest), and back.
Duration duration_of(double seconds);
double seconds_of(std::int64_t nanoseconds);

using TagList = std::vector<std::vector<std::string>>;
Tags tags_of(const TagList& list);
TagList list_of(const Tags& tags);

Filter filter_of(const std::optional<std::vector<std::uint32_t>>& kinds,
                 const std::optional<std::vector<std::string>>& authors,
                 const std::optional<std::vector<std::string>>& ids, std::optional<std::int64_t> until);

void bind_keys(pybind11::module_& module);
void bind_world(pybind11::module_& module);
void bind_policy(pybind11::module_& module);

}  // namespace np2p::py_bind
