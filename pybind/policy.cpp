// The servers' own rule for `auto` (core/feed/mode_policy.h), for many servers at once and fed with what the caller
// says: for studies of networks larger than can be simulated whole.
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <vector>

#include "core/base/rng.h"
#include "core/feed/mode_policy.h"
#include "pybind/bindings.h"

namespace py = pybind11;

namespace np2p::py_bind {
namespace {

using Counts = py::array_t<std::uint64_t, py::array::c_style | py::array::forcecast>;

class Policies {
 public:
  Policies(std::size_t count, std::uint64_t seed, std::uint32_t budget, double switch_pause) {
    ModeParams params;
    params.budget_bytes_per_s = budget;
    params.switch_pause = duration_of(switch_pause);
    Rng rng(seed, "policies");
    policies_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      NodeId id;
      for (std::uint8_t& byte : id.data) byte = static_cast<std::uint8_t>(rng.below(256));
      policies_.emplace_back(params, id);
    }
  }
  // Row i is what server i sees at that time, in Unix seconds; true: it has switched.
  py::array_t<bool> review(const Counts& servers, const Counts& bytes_per_day, const Counts& followers, double now) {
    for (const Counts* column : {&servers, &bytes_per_day, &followers}) {
      if (column->ndim() != 1 || static_cast<std::size_t>(column->size()) != policies_.size()) {
        throw py::value_error("each column must have one row for each server");
      }
    }
    const WallTime at{duration_of(now).count()};
    return rows<bool>([&](std::size_t i) {
      const auto row = static_cast<py::ssize_t>(i);
      return policies_[i].review({servers.at(row), bytes_per_day.at(row), followers.at(row)}, at);
    });
  }
  py::array_t<bool> broadcasting() {
    return rows<bool>([&](std::size_t i) { return policies_[i].current() == FeedMode::broadcast; });
  }
  py::array_t<std::uint64_t> budgets() {
    return rows<std::uint64_t>([&](std::size_t i) { return policies_[i].budget(); });
  }
  py::array_t<std::uint64_t> loads() {
    return rows<std::uint64_t>([&](std::size_t i) { return policies_[i].load(); });
  }

 private:
  template <class T, class Get>
  py::array_t<T> rows(Get get) {
    py::array_t<T> out(static_cast<py::ssize_t>(policies_.size()));
    auto values = out.template mutable_unchecked<1>();
    for (std::size_t i = 0; i < policies_.size(); ++i) values(static_cast<py::ssize_t>(i)) = get(i);
    return out;
  }
  std::vector<ModePolicy> policies_;
};

}  // namespace

void bind_policy(py::module_& module) {
  py::class_<Policies>(module, "Policies", "The servers' own rule for mode=\"auto\", for many servers at once.")
      .def(py::init<std::size_t, std::uint64_t, std::uint32_t, double>(), py::arg("count"), py::arg("seed"),
           py::arg("budget"), py::arg("switch_pause"))
      .def("review", &Policies::review, py::arg("servers"), py::arg("bytes_per_day"), py::arg("followers"),
           py::arg("now"))
      .def("broadcasting", &Policies::broadcasting)
      .def("budgets", &Policies::budgets)
      .def("loads", &Policies::loads);
}

}  // namespace np2p::py_bind
