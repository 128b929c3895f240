// libFuzzer target: any bytes as a message of set reconciliation (NIP-77). Seeds: corpus/negentropy.
#include "tests/fuzz/negentropy_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  np2p::fuzz::negentropy_message({data, size});
  return 0;
}
