// Our own bugs end here: NP2P_ASSERT is compiled in always, prints what broke and where, and aborts. Input from peers
// or users never reaches it; that is what Result is for.
#pragma once

namespace np2p {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;
}  // namespace np2p

#define NP2P_ASSERT(expression) \
  ((expression) ? static_cast<void>(0) : ::np2p::assertion_failed(#expression, __FILE__, __LINE__))
