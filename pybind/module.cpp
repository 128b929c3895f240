#include "pybind/bindings.h"

PYBIND11_MODULE(_np2p, module) {
  module.doc() = "The C++ side of np2p; import np2p instead.";
  np2p::py_bind::bind_keys(module);
  np2p::py_bind::bind_world(module);
  np2p::py_bind::bind_policy(module);
}
